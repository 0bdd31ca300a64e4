"""Movable names on versions: promote moves one, rollback moves it back, remove takes it off; each leaves an Event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from nbmlops.core.clock import Clock
from nbmlops.core.errors import ConflictError, NotFoundError, nearest
from nbmlops.core.refs import Ref, check_alias, check_name, pinned
from nbmlops.store import audit, lineage, schema
from nbmlops.store.versions import Version, Versions

__all__ = ["Aliases", "Move"]


@dataclass(frozen=True, slots=True)
class Move:
    """One move of an alias: from which version id to which, how, when, by whom, on which report."""

    alias: str
    how: str
    before_id: int | None
    after_id: int | None
    report_id: int | None
    at: datetime
    actor: str


class Aliases:
    """Aliases on the versions of one kind."""

    def __init__(self, versions: Versions, clock: Clock) -> None:
        self._versions = versions
        self._clock = clock

    def at(self, name: str, alias: str) -> Version | None:
        """The version an alias is on, or None."""
        check_alias(alias)
        try:
            # Where it is, not where it was when a frozen pipeline that runs now was proved.
            with lineage.activate(replace(lineage.current(), pins={})):
                return self._versions.resolve(Ref(check_name(name), alias=alias))
        except NotFoundError:
            self._versions.resolve(name)  # an unknown name is still an error
            return None

    def move(
        self,
        connection: Connection,
        alias: str,
        to: Version,
        *,
        expected: int | None,
        how: str = "promote",
        report_id: int | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Move an alias inside the caller's transaction, with its history and its audit Event.

        An alias that is there already does not move, and leaves neither; none moves while a run is executed again.

        Parameters
        ----------
        connection : Connection
            The transaction that also re-checks what the verdict was computed on.
        alias : str
            The alias.
        to : Version
            Where it goes.
        expected : int or None
            Id of the version it was on when the verdict was computed, None for nowhere.
        how : {"promote", "rollback"}
            Which verb moves it.
        report_id : int, optional
            The report that justifies it.
        detail : mapping, optional
            What else the Event says.

        Raises
        ------
        ConflictError
            When the alias is elsewhere by now, or the version is deleted.
        """
        check_alias(alias)
        table = schema.alias
        name_id, deleted = connection.execute(
            select(schema.version.c.name_id, schema.version.c.deleted_at).filter_by(id=to.id)
        ).one()
        if deleted is not None:
            raise ConflictError(f"{to.ref} was deleted in the meantime", hint="restore it, then promote again")
        key = {"name_id": name_id, "alias": alias}
        present = connection.execute(select(table.c.version_id).filter_by(**key)).scalar_one_or_none()
        if present != expected:
            raise ConflictError(
                f"the alias {alias} of {to.name} was moved by somebody else in the meantime",
                hint=f"see `ml {self._versions.kind} show {to.name}@{alias}`, then promote again",
            )
        if present == to.id or lineage.current().proof:
            return
        connection.execute(delete(table).filter_by(**key))
        connection.execute(insert(table).values(version_id=to.id, **key))
        move = {"how": how, "before_id": present, "after_id": to.id, "report_id": report_id}
        self._tell(connection, key, move, to, detail or {})

    def place(self, connection: Connection, alias: str, to: Version) -> None:
        """Move an alias that no gate guards to a version, wherever it is, inside the caller's transaction."""
        check_alias(alias)
        self.move(connection, alias, to, expected=self.id_at(connection, to.name, alias))

    def remove(self, connection: Connection, alias: str, version: Version) -> None:
        """Take an alias off a version inside the caller's transaction, with its history and its audit Event.

        Raises
        ------
        NotFoundError
            When it is not on that version.
        """
        if self.id_at(connection, version.name, check_alias(alias)) != version.id:
            hint = nearest(alias, version.aliases) or (
                f"it has {', '.join(version.aliases)}" if version.aliases else "it has no aliases"
            )
            raise NotFoundError(f"the alias {alias} is not on {version.ref}", hint=hint)
        if lineage.current().proof:
            return
        name_id = connection.execute(select(schema.version.c.name_id).filter_by(id=version.id)).scalar_one()
        key = {"name_id": name_id, "alias": alias}
        connection.execute(delete(schema.alias).filter_by(**key))
        move = {"how": "remove", "before_id": version.id, "after_id": None, "report_id": None}
        self._tell(connection, key, move, version, {})

    def placed(self) -> dict[str, dict[str, str]]:
        """Where all aliases are: for each name that has some, alias -> the reference of its version."""
        table = schema.alias
        query = (
            select(schema.name.c.name, table.c.alias, schema.version.c.number, schema.version.c.digest)
            .select_from(table.join(schema.name).join(schema.version, schema.version.c.id == table.c.version_id))
            .where(schema.name.c.kind == self._versions.kind)
            .order_by(table.c.alias)
        )
        found: dict[str, dict[str, str]] = {}
        for row in self._versions.catalog.read(lambda c: c.execute(query).all()):
            found.setdefault(row.name, {})[row.alias] = pinned(row.name, row.number, row.digest)
        return found

    def id_at(self, connection: Connection, name: str, alias: str) -> int | None:
        """Row of the version that an alias is on, inside the caller's transaction."""
        query = select(schema.alias.c.version_id).join(schema.name, schema.name.c.id == schema.alias.c.name_id)
        query = query.where(schema.name.c.kind == self._versions.kind, schema.name.c.name == name)
        return connection.execute(query.where(schema.alias.c.alias == alias)).scalar_one_or_none()

    def _tell(
        self,
        connection: Connection,
        key: Mapping[str, Any],
        move: Mapping[str, Any],
        version: Version,
        detail: Mapping[str, Any],
    ) -> None:
        """Write a move into the alias's history and the audit trail."""
        connection.execute(insert(schema.alias_move).values(at=self._clock.now(), actor=audit.actor(), **key, **move))
        said = {"alias": key["alias"], "before": move["before_id"], "after": move["after_id"]}
        action = f"{self._versions.kind}.{move['how']}"
        audit.append(connection, self._clock, action, version.ref, {**said, "report": move["report_id"], **detail})

    def moves(self, name: str, alias: str) -> list[Move]:
        """All moves of an alias, newest first."""
        table = schema.alias_move
        query = (
            select(table)
            .join(schema.name)
            .where(schema.name.c.kind == self._versions.kind, schema.name.c.name == name, table.c.alias == alias)
            .order_by(table.c.id.desc())
        )
        rows = self._versions.catalog.read(lambda c: c.execute(query).all())
        return [Move(**{key: row._mapping[key] for key in Move.__slots__}) for row in rows]

    def ever(self, name: str) -> set[str]:
        """The aliases that were ever on a version of a name."""
        query = select(schema.alias_move.c.alias).join(schema.name).distinct()
        query = query.where(schema.name.c.kind == self._versions.kind, schema.name.c.name == name)
        return set(self._versions.catalog.read(lambda c: c.execute(query).scalars().all()))

    def way_back(self, name: str, alias: str) -> tuple[Version, Version]:
        """The version an alias is on, and the one a rollback takes it to; rolling back twice goes back twice.

        Raises
        ------
        NotFoundError
            When the alias is nowhere, or was nowhere before.
        """
        present = self.at(name, alias)
        stack: list[int] = []
        for move in reversed(self.moves(name, alias)):
            if move.how == "rollback":
                stack.pop()
            elif move.after_id is not None:
                stack.append(move.after_id)
        if present is None or len(stack) < 2:
            raise NotFoundError(
                f"{name} has no earlier {alias} to go back to", hint=f"`ml {self._versions.kind} history {name}`"
            )
        return present, self._versions.get(stack[-2])

    def rollback(self, name: str, alias: str) -> tuple[Version, Version]:
        """Move an alias to where `way_back` leads; the versions before and after."""
        before, after = self.way_back(name, alias)
        self._versions.catalog.transact(lambda c: self.move(c, alias, after, expected=before.id, how="rollback"))
        return before, after
