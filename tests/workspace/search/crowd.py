"""A catalog with very many things, written at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert

from nbmlops.store import schema

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from nbmlops.store.catalog import Catalog

__all__ = ["crowd"]

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def crowd(catalog: Catalog, runs: int, names: int = 0) -> None:
    """Write runs ``trial{n % 50}-{n}`` with an owner each, and tables of ten columns with one version each."""
    same = {"kind": "run", "status": "finished", "as_of": 0, "started_at": BEGIN}
    rows = [
        {"id": f"{n:032x}", "sequence": n + 1, "experiment": f"trial{n % 50}", "number": n, **same} for n in range(runs)
    ]
    tags = [{"run_id": row["id"], "key": "owner", "value": f"person{row['number'] % 7}"} for row in rows]
    detail = {"format": "table", "rows": 1, "columns": [[f"column_{place}", "int64", True] for place in range(10)]}
    about = {"size": 1, "new_bytes": 1, "created_at": BEGIN, "author": "somebody", "detail": detail}

    def work(connection: Connection) -> None:
        if rows:
            connection.execute(insert(schema.run), rows)
            connection.execute(insert(schema.tag), tags)
        for number in range(names):
            named = insert(schema.name).values(kind="data", name=f"table_{number:05}", created_at=BEGIN)
            (name_id,) = connection.execute(named).inserted_primary_key or (0,)
            digest = f"{number + 1:064x}"
            values = {"name_id": name_id, "number": 1, "named": number + 1, "digest": digest, "root": digest}
            connection.execute(insert(schema.version).values(**values, **about))

    catalog.transact(work)
