"""Boxes and arrows in layers from left to right: as SVG drawn here, without scripts, and as the text given with them.

The layers are those of the nodes; within a layer boxes are ordered by the middle of their neighbours, back and forth,
which keeps crossings few (Sugiyama, Tagawa and Toda, 1981).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nbmlops.render.width import clip, safe, width

__all__ = ["Box", "Diagram", "Shown", "diagram"]

_GAP, _ROW = 44, 12
_SINGLE, _DOUBLE = 26, 42
_LETTER = 7
_LONGEST = 34
_SWEEPS = 6
_BOX_BYTES, _WIRE_BYTES = 900, 140


@dataclass(frozen=True, slots=True)
class Shown:
    """A node: its words, smaller words below them, its layer, and a class for its colours."""

    id: str
    label: str
    note: str
    layer: int
    look: str


@dataclass(frozen=True, slots=True)
class Box:
    """A node with its place in pixels; `title` is all that it says, `is_fed` whether an arrow ends at it."""

    id: str
    label: str
    note: str
    title: str
    look: str
    x: int
    y: int
    w: int
    h: int
    is_fed: bool


@dataclass(frozen=True, slots=True)
class Diagram:
    """A picture, and the same as text.

    Attributes
    ----------
    content : str
        The text.
    about : str
        What the picture shows, for who cannot see it.
    boxes : tuple of Box
        The nodes.
    wires : tuple of str
        The arrows, each as the data of an SVG path.
    w, h : int
        Size in pixels.
    """

    content: str
    about: str
    boxes: tuple[Box, ...]
    wires: tuple[str, ...]
    w: int
    h: int

    def text(self, _columns: int | None = None) -> str:
        """The text, each line made safe."""
        return "\n".join(safe(line) for line in self.content.rstrip("\n").split("\n"))

    def fits(self, budget: int) -> bool:
        """Whether its SVG has at most so many bytes."""
        return len(self.boxes) * _BOX_BYTES + len(self.wires) * _WIRE_BYTES <= budget


def diagram(content: str, about: str, nodes: Sequence[Shown], arrows: Sequence[tuple[str, str]]) -> Diagram:
    """Lay nodes out; arrows are pairs of ids."""
    layers = _ordered(nodes, arrows)
    of, fed = {node.id: node for node in nodes}, {after for _, after in arrows}
    places: dict[str, Box] = {}
    tall = max((sum(_height(of[one]) + _ROW for one in layer) for layer in layers), default=0)
    x = 1
    for layer in layers:
        wide = max(_width(of[one]) for one in layer)
        y = 1 + (tall - sum(_height(of[one]) + _ROW for one in layer)) // 2
        for one in layer:
            node = of[one]
            title = clip(safe(f"{node.label} {node.note}".strip()), 80)
            label, note = clip(safe(node.label), _LONGEST), clip(safe(node.note), _LONGEST)
            places[one] = Box(one, label, note, title, node.look, x, y, wide, _height(node), one in fed)
            y += _height(node) + _ROW
        x += wide + _GAP
    wires = tuple(_wire(places[before], places[after]) for before, after in arrows)
    return Diagram(content, about, tuple(places.values()), wires, max(1, x - _GAP + 1), tall + 2)


def _height(node: Shown) -> int:
    return _DOUBLE if node.note else _SINGLE


def _width(node: Shown) -> int:
    return 18 + _LETTER * min(_LONGEST, max(width(safe(node.label)), width(safe(node.note))))


def _wire(before: Box, after: Box) -> str:
    x1, y1, x2, y2 = before.x + before.w, before.y + before.h // 2, after.x - 6, after.y + after.h // 2
    middle = x2 - _GAP // 2
    return f"M{x1} {y1}H{middle - 8}C{middle + 6} {y1} {middle - 6} {y2} {x2} {y2}"


def _ordered(nodes: Sequence[Shown], arrows: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Ids, layer by layer, each where the middle of its neighbours is."""
    layers: dict[int, list[str]] = {}
    for node in nodes:
        layers.setdefault(node.layer, []).append(node.id)
    before: dict[str, list[str]] = {node.id: [] for node in nodes}
    after: dict[str, list[str]] = {node.id: [] for node in nodes}
    for one, other in arrows:
        before[other].append(one)
        after[one].append(other)
    held = [layers[key] for key in sorted(layers)]
    for sweep in range(_SWEEPS):
        neighbours = after if sweep % 2 else before
        for layer in reversed(held) if sweep % 2 else held:
            spots = {one: place / len(each) for each in held for place, one in enumerate(each)}
            layer.sort(key=lambda one: _middle(one, neighbours, spots))
    return held


def _middle(one: str, neighbours: Mapping[str, Sequence[str]], spots: Mapping[str, float]) -> float:
    return sum(spots[each] for each in neighbours[one]) / len(neighbours[one]) if neighbours[one] else spots[one]
