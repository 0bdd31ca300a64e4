"""Runs as a table of any length: pages of only what is shown, and an outline from which any page can be reached."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nbmlops.core.errors import InvalidError
from nbmlops.tracking.filtering import Group, RunField, condition_of, read_field
from nbmlops.tracking.looking import Looking
from nbmlops.tracking.queries import names
from nbmlops.tracking.queries.search import outline, search

__all__ = ["RunOutline", "RunRow", "Tabling"]

_LONGEST = 200
"""Characters of a text in a cell of the table."""
_MOST = 1_000
_COLUMNS = "id experiment number kind status started_at ended_at notebook parent_id".split()


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of the table; `values` are those of the columns that were asked for, None where a run has none."""

    id: str
    name: str
    kind: str
    status: str
    started_at: datetime
    seconds: float | None
    notebook: str | None
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RunOutline:
    """How many runs there are, and the ids of every so-manieth: each is the `after` of a page."""

    total: int
    anchors: tuple[str, ...]


class Tabling(Looking):
    """What a table of runs asks for."""

    def fields(self, most: int = 200) -> list[RunField]:
        """The params, metrics and tags that runs have, at most so many of each."""
        groups: tuple[Group, ...] = ("params", "metrics", "tags")

        def work(connection: Any) -> list[RunField]:
            return [RunField(group, name) for group in groups for name in names.names(connection, group, most)]

        return self.catalog.read(work)

    def rows(
        self,
        columns: Sequence[str] = (),
        limit: int = 100,
        *,
        where: str | None = None,
        by: str | None = None,
        after: str | None = None,
    ) -> list[RunRow]:
        """A page of the table.

        Parameters
        ----------
        columns : sequence of str
            What is wanted besides what every run has, such as ``metrics.auc``.
        limit : int
            How many rows, at most 1,000.
        where, by, after : str, optional
            As in `list`; `after` is an id.

        Raises
        ------
        MisreadError
            When `where`, `by` or a column cannot be read.
        InvalidError
            When `limit` is out of bounds.
        NotFoundError
            When there is no run `after`.
        """
        if not 1 <= limit <= _MOST:
            raise InvalidError(f"a page has 1 to {_MOST:,} rows, not {limit}")
        condition = condition_of(where)
        field, descending = _order(by)
        wanted = [read_field(column) for column in columns]
        last = None if after is None else self._found(after).id
        self.reap()

        def work(connection: Any) -> list[RunRow]:
            found = search(connection, condition, field, descending, limit, last, _COLUMNS)
            return _rows(found, wanted, _values(connection, [row.id for row in found], wanted))

        return self.catalog.read(work)

    def outline(self, every: int = 100, *, where: str | None = None, by: str | None = None) -> RunOutline:
        """Where the pages of a table begin that `rows` gives; raises as `rows` does."""
        condition = condition_of(where)
        field, descending = _order(by)
        total, anchors = self.catalog.read(lambda c: outline(c, condition, field, descending, every))
        return RunOutline(total, tuple(anchors))


def _order(by: str | None) -> tuple[RunField, bool]:
    if by is None:
        return RunField("run", "sequence"), True
    return read_field(by.removeprefix("-")), by.startswith("-")


def _values(
    connection: Any, run_ids: Sequence[str], wanted: Sequence[RunField]
) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for group in {field.group for field in wanted} - {"run"}:
        asked = [field.name for field in wanted if field.group == group]
        found[group] = names.given(connection, group, run_ids, asked, _LONGEST)
    return found


def _rows(
    found: Sequence[Any], wanted: Sequence[RunField], values: dict[str, dict[str, dict[str, Any]]]
) -> list[RunRow]:
    def told(run_id: str, field: RunField) -> Any:
        value = values.get(field.group, {}).get(run_id, {}).get(field.name)
        return _read(value) if field.group == "params" and value is not None else value

    return [
        RunRow(
            id=row.id,
            name=f"{row.experiment}-{row.number}",
            kind=row.kind,
            status=row.status,
            started_at=row.started_at,
            seconds=None if row.ended_at is None else max(0.0, (row.ended_at - row.started_at).total_seconds()),
            notebook=row.notebook,
            values=tuple(told(row.id, field) for field in wanted),
        )
        for row in found
    ]


def _read(written: str) -> Any:
    """A param as it was kept; one that was cut stays text."""
    try:
        value = json.loads(written)
    except ValueError:
        return written.removeprefix('"') + "…"
    return value if isinstance(value, str | int | float | bool) else written
