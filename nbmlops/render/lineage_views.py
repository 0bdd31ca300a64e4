"""How a lineage looks: a tree of lines up and one down, and in a notebook a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nbmlops.core.errors import spoken
from nbmlops.render import dispatch
from nbmlops.render.diagram import Diagram, Shown, diagram
from nbmlops.render.dispatch import looks
from nbmlops.render.look import Look, Part, line
from nbmlops.render.units import count
from nbmlops.store.graph import LineageGraph, Node

__all__ = ["pictured"]


@looks(LineageGraph)
def _(graph: LineageGraph) -> Look:
    words = []
    for up, what in ((True, "upstream"), (False, "downstream")):
        reached = _reached(graph, up=up)
        if amount := sum(node.is_version for node in graph.nodes if node.id in reached):
            words.append(f"{count(amount, 'version')} {what}")
    more = f"{count(graph.cut, 'version')} at the border with more behind: `ml lineage {graph.ref} --depth 100`"
    cut = Part(spoken(more), "warn") if graph.cut else None
    nothing = None if len(graph.nodes) > 1 else Part("nothing is known of where it came from, or of its use", "muted")
    head = line(graph.ref, *words, nothing, cut)
    return Look(head, body=(pictured(graph),)) if len(graph.nodes) > 1 else Look(head)


def pictured(graph: LineageGraph) -> Diagram:
    """The graph as boxes and arrows, and as two trees of text."""
    shown = [
        Shown(node.id, _name(node), node.note, node.layer, "root" if node.id == graph.root else _look(node))
        for node in graph.nodes
    ]
    arrows = [(arrow.before, arrow.after) for arrow in graph.arrows]
    return diagram(_tree(graph), f"lineage of {graph.ref}", shown, arrows)


def _look(node: Node) -> str:
    return "thing" if node.is_version else "work"


def _name(node: Node) -> str:
    """Data and cells speak for themselves; what else it is, is said."""
    return f"{node.kind} {node.label}" if node.kind in {"feature", "model", "pipeline", "run", "script"} else node.label


def _neighbours(graph: LineageGraph, *, up: bool) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for arrow in graph.arrows:
        near, far = (arrow.after, arrow.before) if up else (arrow.before, arrow.after)
        found.setdefault(near, []).append(far)
    return found


def _reached(graph: LineageGraph, *, up: bool) -> set[str]:
    neighbours = _neighbours(graph, up=up)
    found: set[str] = set()
    waiting = [graph.root]
    while waiting:
        new = [one for one in neighbours.get(waiting.pop(), ()) if one not in found]
        found.update(new)
        waiting += new
    return found


def _tree(graph: LineageGraph) -> str:
    """What it came from, and what was built on it; what stands further up already is not told again."""
    of = {node.id: node for node in graph.nodes}
    lines: list[str] = []
    for up, title in ((True, "came from"), (False, "went into")):
        neighbours = _neighbours(graph, up=up)
        if graph.root in neighbours:
            lines += [title, *_branches(graph.root, neighbours, of)]
    return "\n".join(lines)


def _branches(root: str, neighbours: Mapping[str, Sequence[str]], of: Mapping[str, Node]) -> list[str]:
    lines: list[str] = []
    told = {root}

    def below(node: str, indent: str) -> list[tuple[str, str, str]]:
        own = sorted(neighbours.get(node, ()), key=lambda one: (of[one].label, one))
        last = len(own) - 1
        return [
            (one, indent + ("└ " if place == last else "├ "), indent + ("  " if place == last else "│ "))
            for place, one in enumerate(own)
        ][::-1]

    waiting = below(root, "")
    while waiting:
        node, lead, indent = waiting.pop()
        again = node in told and node in neighbours
        note = f" · {of[node].note}" if of[node].note else ""
        lines.append(f"{lead}{_name(of[node])}{note}{' (told above)' if again else ''}")
        if not again:
            told.add(node)
            waiting += below(node, indent)
    return lines


@dispatch.json.register
def _(obj: LineageGraph) -> dict[str, object]:
    nodes, arrows = dispatch.json(obj.nodes), dispatch.json(obj.arrows)
    return {
        "ref": obj.ref,
        "root": obj.root,
        "nodes": nodes,
        "arrows": arrows,
        "cut": obj.cut,
        "mermaid": obj.mermaid(),
    }
