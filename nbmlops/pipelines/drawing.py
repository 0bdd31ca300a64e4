"""A pipeline's graph as Mermaid and as text."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbmlops.pipelines.graph import Graph, Step

__all__ = ["mermaid", "text"]


def mermaid(graph: Graph) -> str:
    """Draw `graph` as a Mermaid flowchart (mermaid.js.org/syntax/flowchart.html).

    Steps are boxes and arrows carry the names that pass; what comes from outside is a dotted arrow
    from a cylinder, and a strict check that others wait for is a thick arrow.
    """
    ids = {step.name: f"s{place}" for place, step in enumerate(graph.steps, start=1)}
    lines = ["flowchart LR", *(f'    {ids[step.name]}["{_escaped(step.name)}"]' for step in graph.steps)]
    labels: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for edge in graph.edges:
        labels[edge.before, edge.after, edge.gate].append(edge.name)
    for (before, after, gate), names in labels.items():
        arrow, said = ("==>", "checked: ") if gate else ("-->", "")
        lines.append(f'    {ids[before]} {arrow}|"{said}{_escaped(", ".join(names))}"| {ids[after]}')
    outside = dict.fromkeys((read.kind, read.ref) for _, read in graph.external)
    for place, (kind, ref) in enumerate(outside, start=1):
        readers = dict.fromkeys(name for name, read in graph.external if (read.kind, read.ref) == (kind, ref))
        lines.append(f'    x{place}[("{_escaped(ref)}")]')
        lines += [f"    x{place} -.-> {ids[name]}" for name in readers]
    return "\n".join(lines) + "\n"


def text(graph: Graph) -> str:
    """Draw `graph` as a tree; a step with several predecessors hangs below the one that comes last."""
    children: dict[str | None, list[Step]] = defaultdict(list)
    for step in graph.steps:
        before = graph.upstream(step.name)
        children[before[-1] if before else None].append(step)
    lines: list[str] = []
    waiting = [(root, "", "") for root in reversed(children[None])]
    while waiting:
        step, lead, below = waiting.pop()
        lines.append(lead + _sentence(graph, step))
        own = children[step.name]
        for child in reversed(own):
            last = child is own[-1]
            waiting.append((child, below + ("└── " if last else "├── "), below + ("    " if last else "│   ")))
    return "\n".join(lines) + "\n" if lines else "no steps\n"


def _sentence(graph: Graph, step: Step) -> str:
    given = f" ({', '.join(step.parameters)})" if step.parameters else ""
    outside = {(read.kind, read.ref) for name, read in graph.external if name == step.name}
    inside = [read.ref for read in step.reads if (read.kind, read.ref) not in outside]
    parts = [
        _listed("reads", inside),
        _listed("takes", (ref for _, ref in sorted(outside))),
        _listed("checks", (check.ref for check in step.checks)),
        _listed("writes", (write.name for write in step.writes)),
        _listed("also after", graph.upstream(step.name)[:-1]),
        _listed("known only when it runs:", (f"cell {place.cell} line {place.line}" for place in step.dynamic)),
    ]
    said = " · ".join(part for part in parts if part)
    return f"{step.name}{given}{'  ' + said if said else ''}"


def _listed(verb: str, names: Iterable[str]) -> str:
    known = list(dict.fromkeys(names))
    return f"{verb} {', '.join(known)}" if known else ""


def _escaped(label: str) -> str:
    # Mermaid's entity codes: a quote would end the label, and `#` begins an entity.
    return label.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
