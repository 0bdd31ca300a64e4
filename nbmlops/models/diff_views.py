"""How differences between versions of models look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from nbmlops.models.diff_records import DataChange, ModelDiff
from nbmlops.render.dispatch import looks, text
from nbmlops.render.look import Block, Drawing, Lines, Look, Part, line, table
from nbmlops.render.units import count, number
from nbmlops.tracking.comparison import Difference

__all__: list[str] = []

_SHOWN, _CELLS = 200, 20
_SIGNS = {"added": "+", "removed": "-", "retyped": "~"}


@looks(ModelDiff)
def _(diff: ModelDiff) -> Look:
    names = [diff.before, diff.after]
    body: list[Block] = []
    if diff.metrics:
        rows = [(each.name, *_told(each.values, number), _change(each)) for each in diff.metrics[:_SHOWN]]
        body.append(table(("", *(f">{name}" for name in names), ">change"), rows, "metrics"))
    groups = (("params that differ", diff.params), ("what it is", diff.facts), ("environment", diff.environment))
    body += [
        table(("", *names), [(each.name, *_told(each.values, str)) for each in found[:_SHOWN]], title)
        for title, found in groups
        if found
    ]
    if diff.features:
        features = [(_SIGNS[each.what], each.name, each.before, each.after) for each in diff.features[:_SHOWN]]
        body.append(table(("", "takes and gives", *names), features, "features"))
    if diff.data:
        learnt = [(each.name, each.before or "-", each.after or "-", _words(each)) for each in diff.data[:_SHOWN]]
        body.append(table(("learnt from", *names, "what differs"), learnt, "data"))
    for change in diff.code[:_CELLS]:
        body.append(Lines((line(f"cell {change.position + 1} of {change.run}", Part(change.what, "muted")),)))
        body.append(Drawing("\n".join(change.lines)))
    if len(diff.code) > _CELLS:
        body.append(Lines((line(Part(f"… and {len(diff.code) - _CELLS} more cells", "muted")),)))
    return Look(line(f"{diff.before} → {diff.after}", *_summary(diff)), body=tuple(body))


def _summary(diff: ModelDiff) -> Iterator[Part]:
    if diff.same:
        yield Part("the same content", "good")
    if diff.features:
        yield Part(f"{count(len(diff.features), 'feature')} differ" + ("s" if len(diff.features) == 1 else ""))
    if diff.data:
        yield Part(f"other versions of {count(len(diff.data), 'name')} of data")
    if diff.params:
        yield Part(f"{count(len(diff.params), 'param')} differ" + ("s" if len(diff.params) == 1 else ""))
    if None in diff.runs:
        yield Part("code and params are not known: not both were made in a run", "warn")
    else:
        yield Part(count(len(diff.code), "cell differs", "cells differ") if diff.code else "the same code")


def _told(values: Iterable[Any], told: Callable[[Any], str]) -> Iterator[str]:
    return ("-" if value is None else told(value) for value in values)


def _change(metric: Difference) -> str:
    before, after = metric.values
    if before is None or after is None:
        return ""
    return "" if before == after else f"{after - before:+.4g}"


def _words(change: DataChange) -> str:
    if change.diff is None:
        return change.note or "only one of them learnt from it" * (change.before is None or change.after is None)
    # The headline of `data diff`, without the references that stand beside it.
    return text(change.diff).partition("\n")[0].removeprefix(f"{change.diff.before} → {change.diff.after}").strip()
