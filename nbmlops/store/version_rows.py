"""From rows of the catalog to versions, with their aliases, their tags and the run that made each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from nbmlops.core.refs import pinned
from nbmlops.store import schema, tags

__all__ = ["Part", "Version", "records", "selected"]

_LABEL = "detail_"


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


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what a kind keeps of its versions besides: some values, and of some lists only how long they are.

    What is kept of a table of thousands of columns is long, and a list of versions shows next to nothing of it.
    """

    values: tuple[str, ...] = ()
    lengths: tuple[str, ...] = ()

    def columns(self) -> list[ColumnElement[Any]]:
        """What to select in the place of all that is kept."""
        detail = schema.version.c.detail
        return [
            *(detail[key].label(_LABEL + key) for key in self.values),
            *(func.json_array_length(detail[key]).label(_LABEL + key) for key in self.lengths),
        ]

    def of(self, row: Any) -> dict[str, Any]:
        """The part of a row, by its keys."""
        found = {key: row._mapping[_LABEL + key] for key in (*self.values, *self.lengths)}
        return {key: value for key, value in found.items() if value is not None}


def selected(kind: str, part: Part | None = None) -> Select[Any]:
    """Rows of versions of a kind, to be narrowed and ordered; with all that is kept, or a part of it."""
    table, run = schema.version, schema.run
    own = [table] if part is None else [*(column for column in table.c if column.name != "detail"), *part.columns()]
    named = select(*own, schema.name.c.name, run.c.experiment, run.c.number.label("run_number"))
    return named.join(schema.name).outerjoin(run, run.c.id == table.c.run_id).where(schema.name.c.kind == kind)


def records(connection: Connection, kind: str, rows: Any, part: Part | None = None) -> list[Version]:
    """The versions of some rows that `selected` gave, whose `detail` is all that is kept, or the part."""
    aliases: dict[int, list[str]] = {}
    query = select(schema.alias.c.version_id, schema.alias.c.alias).join(schema.name).filter_by(kind=kind)
    for version_id, alias in connection.execute(query.order_by(schema.alias.c.alias)):
        aliases.setdefault(version_id, []).append(alias)
    tagged = tags.of_versions(connection, [row.id for row in rows])
    given = {field.name for field in fields(Version)} - {"detail"}

    def own(row: Any) -> dict[str, Any]:
        read = {key: value for key, value in row._mapping.items() if key in given}
        return {**read, "detail": row.detail if part is None else part.of(row)}

    return [
        Version(
            **own(row),
            kind=kind,
            aliases=tuple(aliases.get(row.id, ())),
            tags=tagged.get(row.id, {}),
            run=f"{row.experiment}-{row.run_number}" if row.experiment else None,
        )
        for row in rows
    ]
