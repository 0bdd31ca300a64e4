"""Lines in a drawing: the curves of metrics, and runs across the axes of what they were given and reached."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nbmlops.render.bars import sparkline
from nbmlops.render.units import number
from nbmlops.render.width import clip, pad, safe, width

__all__ = ["Across", "Curve", "Curves"]

_WIDE, _TALL, _EDGE = 420, 120, 8
_AXIS = 110
_IN_TEXT = 24
_LEVELS = 8
_COLOURS = 6
"""Lines are coloured in turn; beyond so many, in the same colours again."""
_LABEL = 14
_NAME = 80
_PHRASE, _POINT = 600, 14
"""Bytes that the tags and the name of a line take, a quote being six, and a point."""
_FEWEST, _MOST_AXES = 16, 12


@dataclass(frozen=True, slots=True)
class Curve:
    """A line by its name; points are pairs of x and y, by x, NaN where there is none."""

    name: str
    points: tuple[tuple[float, float], ...]

    @property
    def numbers(self) -> list[tuple[float, float]]:
        """The points that can be drawn."""
        return [(x, y) for x, y in self.points if math.isfinite(y)]


@dataclass(frozen=True, slots=True)
class Curves:
    """Curves over one axis."""

    title: str
    curves: tuple[Curve, ...]

    def text(self, _columns: int | None = None) -> str:
        """One line for each curve: its shape, its first value and its last."""
        names = max((width(safe(curve.name)) for curve in self.curves), default=0)
        lines = [safe(self.title)]
        for curve in self.curves:
            kept = curve.numbers
            ends = f"{number(kept[0][1])} → {number(kept[-1][1])}" if kept else "no number"
            lines.append(f"{pad(safe(curve.name), names)}  {_shape([y for _, y in kept])}  {ends}")
        return "\n".join(lines)

    def within(self, budget: int) -> Curves:
        """As many curves, and as many points of each, as take so many bytes."""
        kept = self.curves[: max(1, budget // (_PHRASE + _POINT * _FEWEST))]
        most = max(_FEWEST, (budget - _PHRASE * len(kept)) // (_POINT * len(kept))) if kept else 0
        return Curves(clip(self.title, _NAME), tuple(Curve(clip(c.name, _NAME), _fewer(c.points, most)) for c in kept))

    @property
    def w(self) -> int:
        """Width of the drawing in pixels."""
        return _WIDE

    @property
    def h(self) -> int:
        """Height of the drawing in pixels."""
        return _TALL

    @property
    def lines(self) -> list[tuple[str, int, str]]:
        """What each curve draws: its name, the number of its colour, and its points as SVG writes them."""
        kept = [point for curve in self.curves for point in curve.numbers]
        across = _scale([x for x, _ in kept], _EDGE, _WIDE - _EDGE)
        up = _scale([y for _, y in kept], _TALL - _EDGE, _EDGE)
        return [
            (curve.name, place % _COLOURS, " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in curve.numbers))
            for place, curve in enumerate(self.curves)
        ]

    @property
    def bounds(self) -> tuple[str, str]:
        """The lowest and the highest value."""
        kept = [y for curve in self.curves for _, y in curve.numbers]
        return (number(min(kept)), number(max(kept))) if kept else ("", "")


@dataclass(frozen=True, slots=True)
class Across:
    """Things by what each has on several axes, side by side; a value that is no number has a place of its own."""

    axes: tuple[str, ...]
    things: tuple[tuple[str, tuple[Any, ...]], ...]

    def text(self, _columns: int | None = None) -> str:
        """Nothing: the table beside it says the same in words."""
        return ""

    def within(self, budget: int) -> Across:
        """As many axes and things as take so many bytes."""
        axes = tuple(clip(name, _NAME) for name in self.axes[:_MOST_AXES])
        things = self.things[: max(1, budget // 2 // (_PHRASE + _POINT * len(axes)))]
        return Across(axes, tuple((clip(name, _NAME), row[: len(axes)]) for name, row in things))

    @property
    def w(self) -> int:
        """Width of the drawing in pixels."""
        return _AXIS * len(self.axes)

    @property
    def h(self) -> int:
        """Height of the drawing in pixels."""
        return _TALL + 3 * _LABEL

    @property
    def stands(self) -> list[tuple[int, str, str, str]]:
        """Each axis: where it stands, its name, its lowest and its highest value."""
        found = []
        for place, axis in enumerate(self.axes):
            values = [row[place] for _, row in self.things if row[place] is not None]
            if all(_is_number(value) for value in values):
                ends = (number(min(values)), number(max(values))) if values else ("", "")
            else:
                names = sorted({str(value) for value in values})
                ends = (names[0], names[-1])
            found.append((_AXIS // 2 + place * _AXIS, clip(axis, _LABEL), clip(ends[0], _LABEL), clip(ends[1], _LABEL)))
        return found

    @property
    def lines(self) -> list[tuple[str, int, str]]:
        """What each thing draws: its name, the number of its colour, and its points; it stops at what it has not."""
        scales = [_placed([row[place] for _, row in self.things]) for place in range(len(self.axes))]
        found = []
        for place, (name, row) in enumerate(self.things):
            points = [
                f"{_AXIS // 2 + axis * _AXIS},{scales[axis][str(value)]:.1f}"
                for axis, value in enumerate(row)
                if value is not None
            ]
            found.append((name, place % _COLOURS, " ".join(points)))
        return found


def _fewer(points: tuple[tuple[float, float], ...], most: int) -> tuple[tuple[float, float], ...]:
    step = -(-len(points) // most) if points else 1
    return points[::step]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _placed(values: Sequence[Any]) -> dict[str, float]:
    """Heights in pixels of the values on one axis."""
    there = [value for value in values if value is not None]
    low, high = float(_TALL + _LABEL), float(_LABEL + _EDGE)
    if all(_is_number(value) for value in there):
        up = _scale(there, low, high)
        return {str(value): up(value) for value in there}
    names = sorted({str(value) for value in there})
    up = _scale([0, len(names) - 1], low, high)
    return {name: up(place) for place, name in enumerate(names)}


def _scale(values: Sequence[float], start: float, end: float) -> Any:
    # Halves: the difference of two large numbers may be none.
    low, high = min(values, default=0.0) / 2, max(values, default=0.0) / 2
    if high == low:
        return lambda _: (start + end) / 2
    return lambda value: start + (end - start) * ((value / 2 - low) / (high - low))


def _shape(values: Sequence[float]) -> str:
    """Some values as block characters, the highest as a full one."""
    if not values:
        return ""
    chosen = [values[round(place * (len(values) - 1) / (_IN_TEXT - 1))] for place in range(_IN_TEXT)]
    some = values if len(values) <= _IN_TEXT else chosen
    level = _scale(some, 1, _LEVELS)
    return sparkline([round(level(value)) for value in some]) if max(some) > min(some) else "▄" * len(some)
