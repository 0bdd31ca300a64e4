"""A catalog with very many runs and names of data, written at once: what a benchmark looks for things in."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from nbmlops import Workspace
from nbmlops.store import schema

METRICS = {"auc": 0.91, "loss": 0.2, "f1": 0.8}


def fill(workspace: Workspace, count: int, names: int = 0) -> None:
    """Put runs of one experiment into a catalog, each with two params and three metrics, and so many tables."""
    generator = random.Random(1)
    now, ids = datetime.now(UTC), [uuid.UUID(int=generator.getrandbits(128)).hex for _ in range(count)]

    def work(connection: Any) -> None:
        runs = [
            {"id": run_id, "sequence": place, "experiment": "e", "number": place, "kind": "run", "status": "finished"}
            | {"started_at": now, "ended_at": now + timedelta(seconds=place % 100), "as_of": 0}
            for place, run_id in enumerate(ids, 1)
        ]
        connection.execute(insert(schema.run), runs)
        params: dict[str, Callable[[], float]] = {
            "depth": lambda: generator.choice(range(3, 9)),
            "rate": generator.random,
        }
        given = [(run_id, key, value()) for run_id in ids for key, value in params.items()]
        connection.execute(
            insert(schema.param),
            [{"run_id": r, "key": key, "value": value, "number": value} for r, key, value in given],
        )
        measured = [(run_id, key, generator.random()) for run_id in ids for key in METRICS]
        connection.execute(
            insert(schema.series),
            [{"run_id": r, "key": key, "count": 1, "step": 0, "value": v, "at": 0} for r, key, v in measured],
        )

        for number in range(1, names + 1):
            _table(connection, number, now)

    workspace.catalog.transact(work)


def _table(connection: Any, number: int, now: datetime) -> None:
    named = insert(schema.name).values(kind="data", name=f"table_{number:05}", created_at=now)
    detail = {"format": "table", "rows": 1, "columns": [[f"column_{place}", "int64", True] for place in range(40)]}
    digest, (name_id,) = f"{number:064x}", connection.execute(named).inserted_primary_key
    values = {"name_id": name_id, "number": 1, "named": number, "digest": digest, "root": digest, "detail": detail}
    about = {"size": 1, "new_bytes": 1, "created_at": now, "author": "somebody"}
    connection.execute(insert(schema.version).values(**values, **about))
