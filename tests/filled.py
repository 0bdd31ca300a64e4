"""A catalog with very many names, runs, params and metrics, written at once."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from nbmlops.store import schema

if TYPE_CHECKING:
    from nbmlops import Workspace

__all__ = ["fill"]

_NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)


def fill(workspace: Workspace, *, runs: int, names: int, experiments: int = 1) -> None:
    """Put finished runs of experiments ``e0``, ``e1``, …, each with two params and three metrics, and names of data."""

    def work(connection: Any) -> None:
        ids = [f"{place:032x}" for place in range(runs)]
        rows = [
            {"id": run_id, "sequence": place + 1, "experiment": f"e{place % experiments}"}
            | {"number": place // experiments + 1, "kind": "run", "status": "finished", "as_of": 0}
            | {"started_at": _NOW, "ended_at": _NOW}
            for place, run_id in enumerate(ids)
        ]
        params = [
            {"run_id": run_id, "key": key, "value": place % 7, "number": place % 7}
            for place, run_id in enumerate(ids)
            for key in ("depth", "rate")
        ]
        series = [
            {"run_id": run_id, "key": key, "count": 1, "step": 0, "value": place / runs, "at": 0}
            for place, run_id in enumerate(ids)
            for key in ("auc", "loss", "f1")
        ]
        for table, given in ((schema.run, rows), (schema.param, params), (schema.series, series)):
            if given:
                connection.execute(insert(table), given)
        for number, version_id in zip(range(names), count(1), strict=False):
            _name(connection, number, version_id)

    workspace.catalog.transact(work)


def _name(connection: Any, number: int, version_id: int) -> None:
    named = insert(schema.name).values(kind="data", name=f"table_{number:05}", created_at=_NOW)
    name_id = connection.execute(named).inserted_primary_key[0]
    detail = {"format": "table", "rows": 3, "columns": [["dep_delay", "int64", False], ["carrier", "string", True]]}
    values: dict[str, Any] = {"name_id": name_id, "number": 1, "named": version_id, "digest": f"{number:064x}"}
    values |= {"root": f"{number:064x}", "size": 1, "new_bytes": 1, "created_at": _NOW, "author": "me"}
    connection.execute(insert(schema.version).values(**values, detail=detail))
