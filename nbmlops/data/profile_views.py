"""How profiles look: a table of the columns, and a small chart of each."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from nbmlops.profiling.personal.masking import masked_profile
from nbmlops.profiling.records import ColumnProfile, Profile
from nbmlops.profiling.sketches import RANK_ERROR
from nbmlops.render import dispatch
from nbmlops.render.bars import Bars, Charted
from nbmlops.render.dispatch import looks
from nbmlops.render.look import Block, Facts, Look, Part, line, table
from nbmlops.render.units import count, number, shape
from nbmlops.render.width import clip

__all__ = ["FIGURES", "bars", "figures"]

_COLUMNS_SHOWN = 200
_CHART = 24
_PAIRS = 5
_WORD = 24
FIGURES = ("column", "kind", "nulls", "distinct", "least", "median", "mean", "most", "often")
"""What `figures` tells of a column."""
_HEADERS = ("column", "kind", ">nulls", ">distinct", ">least", ">median", ">mean", ">most", "often")


@looks(Profile)
def _(profile: Profile) -> Look:
    profile = masked_profile(profile)
    shown = profile.columns[:_COLUMNS_SHOWN]
    blocks: list[Block] = [table(_HEADERS, map(figures, shown)).without_empty_columns()]
    charts = tuple(Charted(column.name, _ends(column), heights) for column in shown if (heights := _heights(column)))
    if charts:
        blocks.append(Bars(charts))
    if pairs := _strongest(profile):
        blocks.append(Facts.of({"correlations": pairs}))
    rest = len(profile.columns) - len(shown)
    return Look(
        line(
            profile.of or "table",
            shape(profile.rows, len(profile.columns)),
            Part(f"{count(rest, 'column', 'columns')} not shown: --json", "muted") if rest else None,
            Part(f"~ from a sketch: ranks within {RANK_ERROR:.1%}", "muted") if _is_sketched(shown) else None,
        ),
        body=tuple(blocks),
    )


def _is_sketched(columns: tuple[ColumnProfile, ...]) -> bool:
    return any(column.counts is None and column.hashes is not None for column in columns)


def figures(column: ColumnProfile) -> tuple[str, ...]:
    """What is told of a column in words, each of `FIGURES`; nothing where it has none."""
    about = "" if column.counts is not None else "~"
    distinct = "" if math.isnan(column.distinct) else f"{about}{round(column.distinct):,}"
    kind = ", ".join(filter(None, [column.kind, column.personal, _odd(column)]))
    nulls = f"{column.nulls / column.rows:.1%}" if column.nulls else ""
    return column.name, kind, nulls, distinct, *_figures(column, about), _often(column)


def _odd(column: ColumnProfile) -> str:
    """What is among the numbers and is none."""
    infinite = column.above + column.below
    words = [f"{column.nan:,} NaN" if column.nan else "", f"{infinite:,} infinite" if infinite else ""]
    return ", ".join(filter(None, words))


def _figures(column: ColumnProfile, about: str) -> tuple[str, str, str, str]:
    moments = column.moments
    if not moments.count or column.kind == "boolean":
        return "", "", "", ""
    if column.kind == "text":
        least, mean, most = (_plain(each) for each in (moments.min, moments.mean, moments.max))
        return f"{least} long", "", f"{mean} long", f"{most} long"
    median = f"{about}{_value(column, column.quantile(0.5))}"
    return _value(column, moments.min), median, _value(column, moments.mean), _value(column, moments.max)


def _ends(column: ColumnProfile) -> str:
    if column.is_numeric and column.kind != "boolean":
        return f"{_value(column, column.moments.min)} … {_value(column, column.moments.max)}"
    return "by count"


def _often(column: ColumnProfile) -> str:
    """The most frequent values, unless each comes once."""
    found = [(value, times) for value, times in column.frequent[:3] if times > 1]
    return ", ".join(f"{clip(_told(column, value), _WORD)} {times:,}" for value, times in found)


def _value(column: ColumnProfile, value: Any) -> str:
    if column.kind == "text":
        return str(value)
    if column.kind == "time":
        try:
            at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value)
        except OverflowError:
            return number(value)  # beyond the years that Python knows
        return f"{at:%Y-%m-%d}" if at.time() == datetime.min.time() else f"{at:%Y-%m-%d %H:%M}"
    return _plain(value)


def _plain(value: float) -> str:
    return number(int(value)) if math.isfinite(value) and float(value).is_integer() else number(value)


def bars(column: ColumnProfile) -> list[tuple[str, float]]:
    """What the chart of a column shows: counts of its values where they are few, else of intervals of one width.

    Each is told in words, and counted. Of texts they are the most frequent ones.
    """
    import numpy as np

    if column.kind == "text":
        return [(clip(str(value), _WORD), float(times)) for value, times in column.frequent[:_CHART]]
    low, high = column.moments.min, column.moments.max
    if not column.is_numeric or not column.moments.count or not math.isfinite(high - low):
        return []
    if column.counts is not None and len(column.counts) <= _CHART:
        return [(_told(column, value), float(times)) for value, times in column.counts]
    edges = np.linspace(low, high, _CHART + 1)
    below = column.rank(edges)
    below[0] = 0.0
    counts = (np.diff(below) * column.moments.count).clip(min=0).tolist()
    ends = [_value(column, edge) for edge in edges.tolist()]
    return list(zip((f"{one} … {other}" for one, other in pairwise(ends)), counts, strict=True))


def _heights(column: ColumnProfile) -> tuple[float, ...]:
    return tuple(height for _, height in bars(column))


def _told(column: ColumnProfile, value: Any) -> str:
    if column.kind == "boolean":
        return "true" if value else "false"
    return _value(column, value)


def _strongest(profile: Profile) -> str:
    import numpy as np

    names = profile.comoments.names
    found = np.triu(np.nan_to_num(profile.comoments.correlations()), 1) if len(names) > 1 else np.zeros((0, 0))
    order = np.argsort(-np.abs(found), axis=None, kind="stable")[:_PAIRS]
    pairs = [(int(place) // len(names), int(place) % len(names)) for place in order]
    words = [f"{names[one]} ~ {names[two]} {found[one, two]:+.2f}" for one, two in pairs if abs(found[one, two]) >= 0.1]
    left_out = len(profile.comoments.left_out)
    return ", ".join([*words, f"{count(left_out, 'column', 'columns')} not compared"] if left_out else words)


@dispatch.json.register(Profile)
def _(profile: Profile) -> dict[str, Any]:
    profile = masked_profile(profile)
    correlations = profile.comoments.correlations().tolist()
    return {
        "of": profile.of,
        "digest": profile.digest,
        "rows": profile.rows,
        "columns": [_as_json(column) for column in profile.columns],
        "correlations": {"names": list(profile.comoments.names), "values": dispatch.json(correlations)},
    }


def _as_json(column: ColumnProfile) -> dict[str, Any]:
    said: dict[str, Any] = {key: getattr(column, key) for key in ("name", "kind", "type", "rows", "nulls")}
    said |= {"nan": column.nan, "above": column.above, "below": column.below, "distinct": column.distinct}
    said |= {"exact": column.counts is not None, "frequent": [list(pair) for pair in column.frequent[:20]]}
    moments = column.moments
    if moments.count:
        said |= {"min": moments.min, "mean": moments.mean, "max": moments.max, "std": moments.std}
        if column.is_numeric:
            shares = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
            said["quantiles"] = {str(share): column.quantile(share) for share in shares}
    if column.personal:
        said["personal"] = column.personal
    if column.patterns:
        said["patterns"] = [list(pair) for pair in column.patterns]
    found: dict[str, Any] = dispatch.json(said)
    return found
