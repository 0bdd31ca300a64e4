"""SQL of looking for runs: conditions as expressions, pages by what the last row was and never by its number."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    cast,
    false,
    func,
    not_,
    or_,
    select,
    true,
    type_coerce,
)

from nbmlops.store import schema
from nbmlops.tracking.filtering import All, AnyOf, Compare, Condition, Missing, Not, RunField

__all__ = ["outline", "search"]

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MICROSECONDS = 1_000_000


def search(
    connection: Connection,
    condition: Condition | None,
    by: RunField,
    descending: bool,
    limit: int,
    after: str | None,
    columns: Sequence[str] = (),
) -> Sequence[Any]:
    """Rows of the runs for which a condition holds, in the order of a field; those without it come last, newest first.

    Parameters
    ----------
    connection : Connection
        The catalog.
    condition : Condition or None
        What has to hold.
    by : RunField
        What they are ordered by; of equal ones the newest comes first.
    descending : bool
        Whether the largest comes first.
    limit : int
        How many rows.
    after : str or None
        Id of the last run of the page before.
    columns : sequence of str
        Columns of what is wanted of each run; all by default.
    """
    wanted = [schema.run.c[name] for name in columns] or list(schema.run.c)
    holds = true() if condition is None else _holds(condition)
    value, having = _ordered(by)
    given = having.where(holds, value.is_not(None))
    without = select(schema.run).where(holds, schema.run.c.id.not_in(_ids(having, value)))
    newest = schema.run.c.sequence
    last = None if after is None else _place(connection, having, value, after)
    found: list[Any] = []
    if last is None or last[0] is not None:
        page = given if last is None else given.where(_beyond(value, last, descending))
        page = page.order_by(value.desc() if descending else value.asc(), newest.desc())
        found += connection.execute(page.limit(limit).with_only_columns(*wanted)).all()
    if len(found) < limit and not _is_on_all(by):
        if last is not None and last[0] is None:
            without = without.where(newest < last[1])
        rest = without.order_by(newest.desc()).limit(limit - len(found)).with_only_columns(*wanted)
        found += connection.execute(rest).all()
    return found


def outline(
    connection: Connection, condition: Condition | None, by: RunField, descending: bool, every: int
) -> tuple[int, list[str]]:
    """How many runs `search` would give in all, and the ids of each so-manieth: behind these its pages begin."""
    value, having = _ordered(by)
    newest = schema.run.c.sequence
    if by.group != "run":
        table = schema.metadata.tables[_TABLES[by.group]]
        having = select(schema.run).outerjoin(table, and_(table.c.run_id == schema.run.c.id, table.c.key == by.name))
    order = (value.is_(None), value.desc() if descending else value.asc(), newest.desc())
    place, total = func.row_number().over(order_by=order), func.count().over()
    holds = true() if condition is None else _holds(condition)
    numbered = (
        having.where(holds).with_only_columns(schema.run.c.id, place.label("place"), total.label("total")).subquery()
    )
    chosen = or_(numbered.c.place % every == 0, numbered.c.place == 1)
    rows = connection.execute(select(numbered).where(chosen).order_by(numbered.c.place)).all()
    return (rows[0].total if rows else 0), [row.id for row in rows if row.place % every == 0]


def _is_on_all(by: RunField) -> bool:
    return by.group == "run" and by.name in {"experiment", "id", "kind", "number", "sequence", "started", "status"}


def _ordered(by: RunField) -> tuple[ColumnElement[Any], Select[Any]]:
    """The value that runs are ordered by, and the runs that may have one."""
    if by.group == "run":
        return _column(by), select(schema.run)
    table = schema.metadata.tables[_TABLES[by.group]]
    value = table.c.number if by.group == "params" else table.c.value
    return value, select(schema.run).join(table, and_(table.c.run_id == schema.run.c.id, table.c.key == by.name))


def _ids(having: Select[Any], value: ColumnElement[Any]) -> Select[Any]:
    return having.where(value.is_not(None)).with_only_columns(schema.run.c.id)


def _place(connection: Connection, having: Select[Any], value: ColumnElement[Any], run_id: str) -> tuple[Any, int]:
    """Where a run stands in an order: its value, None when it has none, and its sequence."""
    sequence = connection.execute(select(schema.run.c.sequence).filter_by(id=run_id)).scalar_one()
    asked = having.where(schema.run.c.id == run_id).with_only_columns(value.label("value"))
    return connection.execute(asked).scalar(), sequence


def _beyond(value: ColumnElement[Any], last: tuple[Any, int], descending: bool) -> ColumnElement[bool]:
    further = value < last[0] if descending else value > last[0]
    return or_(further, and_(value == last[0], schema.run.c.sequence < last[1]))


def _holds(condition: Condition) -> ColumnElement[bool]:
    """A condition as an expression that is true or false for every run, never null."""
    match condition:
        case All(parts):
            return and_(*map(_holds, parts))
        case AnyOf(parts):
            return or_(*map(_holds, parts))
        case Not(part):
            return not_(_holds(part))
        case Missing(field):
            return _column(field).is_(None) if field.group == "run" else schema.run.c.id.not_in(_having(field, true()))
        case Compare(field, sign, value):
            if field.group == "run":
                column = _column(field)
                return and_(column.is_not(None), _compared(column, sign, value))
            return schema.run.c.id.in_(_having(field, _of_group(field, sign, value)))


_TABLES = {"metrics": "series", "params": "param", "tags": "tag"}


def _having(field: RunField, holds: ColumnElement[bool]) -> Select[Any]:
    """Ids of the runs whose metric, param or tag of a name is so."""
    table = schema.metadata.tables[_TABLES[field.group]]
    return select(table.c.run_id).where(table.c.key == field.name, holds)


def _of_group(field: RunField, sign: str, value: Any) -> ColumnElement[bool]:
    if field.group == "metrics":
        return _compared(schema.series.c.value, sign, value)
    if field.group == "tags":
        return _compared(schema.tag.c.value, sign, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        other = schema.param.c.number.is_(None) if sign == "!=" else false()
        return or_(_compared(schema.param.c.number, sign, value), other)
    written = cast(schema.param.c.value, Text)
    # Params are kept as JSON: a text is looked for as it is written there.
    if sign == "contains":
        return and_(func.substr(written, 1, 1) == '"', _compared(written, sign, json.dumps(value)[1:-1]))
    return _compared(written, sign, json.dumps(value))


def _compared(column: ColumnElement[Any], sign: str, value: Any) -> ColumnElement[bool]:
    if sign == "contains":
        # Not LIKE, to which large and small letters are the same on one engine and not on the other.
        return func.replace(column, value, "") != column if value else true()
    held: ColumnElement[bool] = _COMPARE[sign](column, value)
    return held


def _column(field: RunField) -> ColumnElement[Any]:
    run = schema.run.c
    if field.name in {"branch", "commit"}:
        told: ColumnElement[Any] = run.git[field.name].as_string()
        return told
    if field.name == "seconds":
        return (type_coerce(run.ended_at, BigInteger) - type_coerce(run.started_at, BigInteger)) / float(_MICROSECONDS)
    renamed = {"started": "started_at", "ended": "ended_at", "parent": "parent_id"}
    column: ColumnElement[Any] = run[renamed.get(field.name, field.name)]
    return column
