"""From rows of the catalog to versions, with their aliases, their tags and the run that made each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from nbmlops.core.refs import pinned
from nbmlops.store import schema, tags

__all__ = ["Version", "records", "selected"]


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable version of a named thing."""

    id: int
    kind: str
    name: str
    number: int | None
    digest: str
    root: str
    size: int
    new_bytes: int
    created_at: datetime
    author: str
    message: str | None
    run_id: str | None
    detail: Mapping[str, Any]
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    deleted_at: datetime | None
    freed_at: datetime | None = None
    run: str | None = None
    """Friendly name of the run that made it; None for a run that this catalog does not know."""

    @property
    def ref(self) -> str:
        """How a person names it."""
        return pinned(self.name, self.number, self.digest)


def selected(kind: str) -> Select[Any]:
    """Rows of versions of a kind, to be narrowed and ordered."""
    table, run = schema.version, schema.run
    named = select(table, schema.name.c.name, run.c.experiment, run.c.number.label("run_number"))
    return named.join(schema.name).outerjoin(run, run.c.id == table.c.run_id).where(schema.name.c.kind == kind)


def records(connection: Connection, kind: str, rows: Any) -> list[Version]:
    """The versions of some rows that `selected` gave."""
    aliases: dict[int, list[str]] = {}
    query = select(schema.alias.c.version_id, schema.alias.c.alias).join(schema.name).filter_by(kind=kind)
    for version_id, alias in connection.execute(query.order_by(schema.alias.c.alias)):
        aliases.setdefault(version_id, []).append(alias)
    tagged = tags.of_versions(connection, [row.id for row in rows])
    own = ("name_id", "named", "experiment", "run_number")
    return [
        Version(
            **{key: value for key, value in row._mapping.items() if key not in own},
            kind=kind,
            aliases=tuple(aliases.get(row.id, ())),
            tags=tagged.get(row.id, {}),
            run=f"{row.experiment}-{row.run_number}" if row.experiment else None,
        )
        for row in rows
    ]
