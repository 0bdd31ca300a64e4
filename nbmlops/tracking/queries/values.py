"""SQL of params, tags and artifacts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update

from nbmlops.core.errors import ConflictError
from nbmlops.store import schema, turns

if TYPE_CHECKING:
    from nbmlops.store.objects import Stored

__all__ = ["add_params", "add_tags", "keep_params", "refuse_change", "set_artifacts", "values"]


def add_params(connection: Connection, run_id: str, params: Mapping[str, Any]) -> None:
    """Insert params; the same value again is fine.

    Raises
    ------
    ConflictError
        When a param has another value already.
    """
    known = values(connection, "param", [run_id])[run_id] if params else {}
    refuse_change(known, params)
    _insert_params(connection, run_id, params, known)


def keep_params(connection: Connection, run_id: str, params: Mapping[str, Any]) -> None:
    """Insert params that were acknowledged already: where two processes gave one two values, the first stays.

    The other is kept as the tag ``conflict.NAME``. An error would stop all that was said after it.
    """
    known = values(connection, "param", [run_id])[run_id] if params else {}
    _insert_params(connection, run_id, params, known)
    others = {key: value for key, value in params.items() if key in known and known[key] != value}
    add_tags(connection, run_id, {f"conflict.{key}"[:512]: json.dumps(value) for key, value in others.items()})


def _insert_params(connection: Connection, run_id: str, params: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    rows = [
        {"run_id": run_id, "key": key, "value": value, "number": _number(value)}
        for key, value in params.items()
        if key not in known
    ]
    if rows:
        connection.execute(insert(schema.param), rows)


def _number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def refuse_change(known: Mapping[str, Any], params: Mapping[str, Any]) -> None:
    """Raise `ConflictError` for a param that is known with another value."""
    for key, value in params.items():
        if key in known and known[key] != value:
            raise ConflictError(
                f"the param {key} is {known[key]!r} already and cannot become {value!r}",
                hint="log what changes during a run as a metric, or start another run",
            )


def add_tags(connection: Connection, run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags; a later value replaces an earlier one."""
    table = schema.tag
    query = select(table.c.key).filter_by(run_id=run_id)
    known = {
        key for page in turns.pages(tags) for key in connection.execute(query.where(table.c.key.in_(page))).scalars()
    }
    for key in known:
        connection.execute(update(table).filter_by(run_id=run_id, key=key).values(value=tags[key]))
    rows = [{"run_id": run_id, "key": key, "value": value} for key, value in tags.items() if key not in known]
    if rows:
        connection.execute(insert(table), rows)


def set_artifacts(connection: Connection, run_id: str, kept: Mapping[str, Stored]) -> None:
    """Set artifacts, which have to be in the store still; a later one of the same name replaces it."""
    turns.hold(connection, [stored.digest for stored in kept.values()])
    table = schema.artifact
    for name, stored in kept.items():
        values = {"digest": stored.digest, "size": stored.size}
        if connection.execute(update(table).filter_by(run_id=run_id, name=name).values(**values)).rowcount == 0:
            connection.execute(insert(table).values(run_id=run_id, name=name, **values))


def values(
    connection: Connection, table_name: str, run_ids: Sequence[str], column: str = "value"
) -> dict[str, dict[str, Any]]:
    """Params, tags or artifacts of several runs: run id -> key -> value."""
    table = schema.metadata.tables[table_name]
    key = table.c.name if "name" in table.c else table.c.key
    query = select(table.c.run_id, key.label("key"), table.c[column].label("value"))
    found: dict[str, dict[str, Any]] = {run_id: {} for run_id in run_ids}
    for row in connection.execute(query.where(table.c.run_id.in_(run_ids)).order_by(key)):
        found[row.run_id][row.key] = row.value
    return found
