"""SQL of the names that params, metrics and tags have, found by leaping from one to the next in their index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, cast, func, select

from nbmlops.store import schema

__all__ = ["given", "names"]

_TABLES = {"params": "param", "metrics": "series", "tags": "tag"}


def names(connection: Connection, group: str, most: int) -> list[str]:
    """The first names of a group, in order; a million rows cost one look at the index for each name."""
    key = schema.metadata.tables[_TABLES[group]].c.key
    found: list[str] = []
    while len(found) < most:
        query = select(func.min(key))
        name = connection.execute(query.where(key > found[-1]) if found else query).scalar()
        if name is None:
            break
        found.append(name)
    return found


def given(
    connection: Connection, group: str, run_ids: Sequence[str], wanted: Sequence[str], longest: int
) -> dict[str, dict[str, Any]]:
    """What runs have under some names of a group: run id -> name -> value; of a text so many characters."""
    table = schema.metadata.tables[_TABLES[group]]
    value: ColumnElement[Any] = table.c.value
    if group == "tags":
        value = func.substr(value, 1, longest)
    elif group == "params":
        # Kept as JSON: numbers are whole, texts are cut where they are long.
        value = func.substr(cast(value, Text), 1, longest)
    query = select(table.c.run_id, table.c.key, value.label("value"))
    found: dict[str, dict[str, Any]] = {run_id: {} for run_id in run_ids}
    for row in connection.execute(query.where(table.c.run_id.in_(run_ids), table.c.key.in_(wanted))):
        found[row.run_id][row.key] = row.value
    return found
