"""Mermaid flowcharts (mermaid.js.org/syntax/flowchart.html): how a label is written, and a lineage drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbmlops.store.graph import LineageGraph

__all__ = ["escaped", "lineage"]

_SHAPES = {"data": ("[(", ")]"), "model": ("{{", "}}"), "pipeline": ("[[", "]]")}


def escaped(label: str) -> str:
    """A label in Mermaid's entity codes: a quote would end it, and ``#`` begins an entity."""
    plain = " ".join(label.split())
    return plain.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")


def lineage(graph: LineageGraph) -> str:
    """Data are cylinders, models hexagons, pipelines framed; what made them has round corners."""
    ids = {node.id: f"n{place}" for place, node in enumerate(graph.nodes, start=1)}
    lines = ["flowchart LR"]
    for node in graph.nodes:
        opens, closes = _SHAPES.get(node.kind, ("(", ")"))
        words = " · ".join(map(escaped, filter(None, (node.label, node.note))))
        lines.append(f'    {ids[node.id]}{opens}"{words}"{closes}')
    lines += [f"    {ids[arrow.before]} --> {ids[arrow.after]}" for arrow in graph.arrows]
    lines.append(f"    style {ids[graph.root]} stroke-width:3px")
    return "\n".join(lines) + "\n"
