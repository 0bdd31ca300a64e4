"""SQL of metrics: their points, and what is known of each metric of a run as a whole.

A series is one metric of one run. Its points are numbered in the order in which they arrive, so that two of the same
step are both kept, and lie beside each other in the table. For every 1,024 of them a block tells the extremes, so that
a curve of millions is drawn without reading it and shows each peak.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select, update

from nbmlops.store import schema

__all__ = ["Point", "add", "extremes", "history", "last", "latest", "length"]

_BLOCK = 1_024
_AT_ONCE = 500
_INSERT = {True: "INSERT INTO point VALUES (?, ?, ?, ?, ?)", False: "INSERT INTO point VALUES (%s, %s, %s, %s, %s)"}


class Point(NamedTuple):
    """One value of a metric; `step` is None for the one after the highest, `at` in microseconds since 1970 UTC."""

    run_id: str
    key: str
    step: int | None
    at: int
    value: float


class _Row(NamedTuple):
    """A row of the table of points, column by column."""

    series: int
    position: int
    step: int
    at: int
    value: float | None


def add(connection: Connection, points: Iterable[Point]) -> None:
    """Insert points in the order given."""
    by_series: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        by_series.setdefault((point.run_id, point.key), []).append(point)
    if not by_series:
        return
    known = _series(connection, by_series)
    rows: list[_Row] = []
    ends: list[dict[str, Any]] = []
    blocks: list[dict[str, Any]] = []
    for name, added in by_series.items():
        series = known[name]
        placed = _placed(series, added)
        rows += placed
        blocks += _blocks(placed)
        ends.append({f"the_{key}": series[key] for key in ("id", "count", "step", "value", "at")})
    # SQLAlchemy's own way of binding takes longer than the database does.
    connection.exec_driver_sql(_INSERT[connection.dialect.paramstyle == "qmark"], rows)
    table = schema.series
    changed: dict[str, Any] = {column: bindparam(f"the_{column}") for column in ("count", "step", "value", "at")}
    connection.execute(update(table).where(table.c.id == bindparam("the_id")).values(**changed), ends)
    _put_blocks(connection, blocks)


def _series(connection: Connection, names: Collection[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
    """What is known of some series, those that are new among them."""
    known = _known(connection, names)
    fresh = [{"run_id": run_id, "key": key, "count": 0, "at": 0} for run_id, key in names if (run_id, key) not in known]
    if fresh:
        connection.execute(insert(schema.series), fresh)
        known = _known(connection, names)
    return known


def _known(connection: Connection, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
    table = schema.series
    found = {}
    for run_id, group in groupby(sorted(names), key=lambda name: name[0]):
        keys = [key for _, key in group]
        for start in range(0, len(keys), _AT_ONCE):
            wanted = table.c.key.in_(keys[start : start + _AT_ONCE])
            for row in connection.execute(select(table).where(table.c.run_id == run_id, wanted)):
                found[row.run_id, row.key] = dict(row._mapping)
    return found


def _placed(series: dict[str, Any], points: Sequence[Point]) -> list[_Row]:
    """The rows of points, with what they change in what is known of their series."""
    rows = []
    identity, position, highest, newest = series["id"], series["count"], series["step"], series["at"]
    for _, _, step, at, value in points:
        number = step if step is not None else 0 if highest is None else highest + 1
        kept = None if value != value else value  # noqa: PLR0124 - NaN, which SQLite cannot keep
        rows.append(_Row(identity, position, number, at, kept))
        position += 1
        if highest is None or number >= highest:
            highest, series["value"] = number, kept
        newest = max(newest, at)
    series["count"], series["step"], series["at"] = position, highest, newest
    return rows


def _blocks(rows: Sequence[_Row]) -> Iterable[dict[str, Any]]:
    for block, group in groupby(rows, key=lambda row: row.position // _BLOCK):
        numbers = [(row.value, row.step) for row in group if row.value is not None]
        if numbers:
            (low, low_step), (high, high_step) = min(numbers), max(numbers)
            row = {"low": low, "low_step": low_step, "high": high, "high_step": high_step}
            yield {"series": rows[0].series, "block": block, **row}


def _put_blocks(connection: Connection, blocks: Iterable[dict[str, Any]]) -> None:
    """Insert blocks, or widen those that are there."""
    table, fresh = schema.point_block, []
    for block in blocks:
        where = (table.c.series == block["series"], table.c.block == block["block"])
        before = connection.execute(select(table).where(*where)).one_or_none()
        if before is None:
            fresh.append(block)
            continue
        low, low_step = min((block["low"], block["low_step"]), (before.low, before.low_step))
        high, high_step = max((block["high"], block["high_step"]), (before.high, before.high_step))
        changed = {"low": low, "low_step": low_step, "high": high, "high_step": high_step}
        connection.execute(update(table).where(*where).values(**changed))
    if fresh:
        connection.execute(insert(table), fresh)


def last(connection: Connection, run_ids: Sequence[str]) -> dict[str, dict[str, float]]:
    """The last value of each metric of several runs: by step, then by order of arrival."""
    table = schema.series
    found: dict[str, dict[str, float]] = {run_id: {} for run_id in run_ids}
    query = select(table.c.run_id, table.c.key, table.c.value).where(table.c.run_id.in_(run_ids)).order_by(table.c.key)
    for row in connection.execute(query):
        found[row.run_id][row.key] = math.nan if row.value is None else row.value
    return found


def length(connection: Connection, run_id: str, key: str) -> int:
    """Number of points of one metric."""
    return connection.execute(select(schema.series.c.count).filter_by(run_id=run_id, key=key)).scalar() or 0


def history(connection: Connection, run_id: str, key: str) -> list[tuple[int, float]]:
    """All points of one metric: pairs of step and value, by step, then by order of arrival."""
    table = schema.point
    series = select(schema.series.c.id).filter_by(run_id=run_id, key=key).scalar_subquery()
    query = select(table.c.step, table.c.value).where(table.c.series == series)
    rows = connection.execute(query.order_by(table.c.step, table.c.position))
    return [(row.step, math.nan if row.value is None else row.value) for row in rows]


def extremes(connection: Connection, run_id: str, key: str, most: int) -> list[tuple[int, float]]:
    """At most so many points of one metric, by step: of each stretch the lowest and the highest."""
    table = schema.point_block
    count = length(connection, run_id, key)
    wide = max(1, -(-2 * count // (most * _BLOCK)))
    series = select(schema.series.c.id).filter_by(run_id=run_id, key=key).scalar_subquery()
    rows = connection.execute(select(table).where(table.c.series == series).order_by(table.c.block)).all()
    points: set[tuple[int, float]] = set()
    for _, group in groupby(rows, key=lambda row: row.block // wide):
        stretch = list(group)
        low, high = min(stretch, key=lambda row: row.low), max(stretch, key=lambda row: row.high)
        points |= {(low.low_step, low.low), (high.high_step, high.high)}
    return sorted(points)


def latest(connection: Connection, run_id: str) -> int | None:
    """When the newest point of a run was logged, in microseconds since 1970 UTC."""
    return connection.execute(select(func.max(schema.series.c.at)).filter_by(run_id=run_id)).scalar()
