"""How a comparison of runs looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from nbmlops.render.curves import Across, Curve, Curves
from nbmlops.render.dispatch import looks
from nbmlops.render.look import Block, Drawing, Lines, Look, Part, line, table
from nbmlops.render.units import count, number
from nbmlops.tracking.comparison import Comparison

__all__: list[str] = []

_CURVES = 4
_CELLS = 20
_FEW = 2


@looks(Comparison)
def _(comparison: Comparison) -> Look:
    names = [run.name for run in comparison.runs]
    groups = (
        ("params that differ", comparison.params, str),
        ("metrics", comparison.metrics, number),
        ("tags that differ", comparison.tags, str),
        ("data read", comparison.inputs, str),
        ("environment", comparison.environment, str),
    )
    body: list[Block] = [
        table(("", *(f">{name}" for name in names)), [(each.name, *_told(each.values, told)) for each in found], title)
        for title, found, told in groups
        if found
    ]
    body += [
        Curves(name, tuple(Curve(run, tuple(points)) for run, points in zip(names, curves, strict=True) if points))
        for name, curves in list(comparison.curves.items())[:_CURVES]
    ]
    if len(names) > _FEW and (axes := (*comparison.params, *comparison.metrics)):
        rows = zip(*(axis.values for axis in axes), strict=True)
        body.append(Across(tuple(axis.name for axis in axes), tuple(zip(names, rows, strict=True))))
    for change in comparison.cells[:_CELLS]:
        body.append(Lines((line(f"cell {change.position + 1} of {change.run}", Part(change.what, "muted")),)))
        body.append(Drawing("\n".join(change.lines)))
    if len(comparison.cells) > _CELLS:
        body.append(Lines((line(Part(f"… and {len(comparison.cells) - _CELLS} more cells", "muted")),)))
    code = count(len(comparison.cells), "cell differs", "cells differ") if comparison.cells else "the same code"
    without = not any(run.cells for run in comparison.runs)
    return Look(line(" · ".join(names), None if without else Part(code)), body=tuple(body))


def _told(values: Iterable[Any], told: Callable[[Any], str]) -> Iterator[str]:
    return ("-" if value is None else told(value) for value in values)
