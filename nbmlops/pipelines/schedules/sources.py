"""Where events come from: new versions, reports that are not good, models that grow old, new commits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import NotFoundError
from nbmlops.pipelines.logical_time import written
from nbmlops.pipelines.schedules import queries
from nbmlops.store import git

if TYPE_CHECKING:
    from nbmlops.pipelines.schedules.triggers import On
    from nbmlops.store.catalog import Catalog, Connection
    from nbmlops.store.versions import Versions

__all__ = ["Occurrence", "Sources"]

_KEY = 64
"""Letters of a logical time that the ledger keeps."""
_GIT_EVERY = 5.0
"""Seconds between two questions to git, which takes longer than all others together."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that something came due: what it stands for, and when that was."""

    logical_time: str
    at: datetime

    @classmethod
    def of_time(cls, at: datetime) -> Occurrence:
        """A time, which stands for itself."""
        return cls(written(at), at)


class Sources:
    """What happened since one last looked.

    Parameters
    ----------
    catalog : Catalog
        Where versions and reports are.
    models : Versions
        Versions of models.
    root : Path
        The project's folder, whose commits count.
    """

    def __init__(self, catalog: Catalog, models: Versions, root: Path) -> None:
        self._catalog = catalog
        self._models = models
        self._root = root
        self._asked_git = -_GIT_EVERY
        self._head: str | None = None

    def place(self, event: On) -> str | None:
        """Where one stands now: what comes later is new."""
        match event.kind:
            case "data":
                return str(self._catalog.read(queries.last_version))
            case "model":
                return "{}:{}".format(*self._catalog.read(queries.last_change))
            case "report" | "drift":
                return str(self._catalog.read(queries.last_report))
            case "commit":
                return self._commit()
            case _:
                return None

    def since(self, event: On, seen: str | None, now: datetime) -> tuple[list[Occurrence], str | None]:
        """What happened after the place `seen`, in order, and the place to go on from."""
        match event.kind:
            case "data":
                return self._versions(event, int(seen or 0))
            case "model":
                return self._changes(event, seen or "0:0")
            case "report" | "drift":
                return self._reports(event, int(seen or 0))
            case "commit":
                commit = self._commit()
                new = commit is not None and commit != seen
                return ([Occurrence(f"commit:{commit}"[:_KEY], now)] if new else []), commit or seen
            case _:
                return self._stale(event, seen, now)

    def _versions(self, event: On, seen: int) -> tuple[list[Occurrence], str]:
        rows = self._catalog.read(lambda c: queries.new_versions(c, event.kind, event.name, seen))
        found = [Occurrence(_key(f"{event.name}@v{row.number}", f"data:{row.named}"), row.created_at) for row in rows]
        return found, str(rows[-1].named if rows else seen)

    def _changes(self, event: On, seen: str) -> tuple[list[Occurrence], str]:
        """What became of models, by the audit trail and by the order in which versions were named."""
        sequence, named = (int(place) for place in seen.split(":"))

        def look(connection: Connection) -> tuple[Sequence[Any], Sequence[Any]]:
            told = queries.new_events(connection, event.name, sequence)
            saved = list(queries.new_versions(connection, "model", event.name, named))
            for row in told if event.name else ():
                if row.action == "model.rename":  # what was saved before that has the new name by now
                    moved = queries.new_versions(connection, "model", row.detail["new"], named)
                    saved += [one for one in moved if one.created_at <= row.at]
            return told, sorted(saved, key=lambda one: one.named)

        told, saved = self._catalog.read(look)
        found = [Occurrence(f"event:{row.sequence}", row.at) for row in told]
        found += [Occurrence(f"version:{row.id}", row.created_at) for row in saved]
        last = told[-1].sequence if told else sequence, saved[-1].named if saved else named
        return sorted(found, key=lambda one: one.at), "{}:{}".format(*last)

    def _reports(self, event: On, seen: int) -> tuple[list[Occurrence], str]:
        is_drift = event.kind == "drift"
        rows = self._catalog.read(lambda c: queries.new_reports(c, seen, event.name, drift=is_drift))
        found = [Occurrence(f"report:{row.id}", row.created_at) for row in rows]
        return found, str(rows[-1].id if rows else seen)

    def _stale(self, event: On, seen: str | None, now: datetime) -> tuple[list[Occurrence], str | None]:
        """A model that grew old: once when it is stale, and again each time that it is as old once more."""
        try:
            model = self._models.resolve(event.name)
        except NotFoundError:
            return [], seen
        times = (now - model.created_at) // event.older
        key = _key(f"{model.ref} stale {times}", f"model:{model.id} stale {times}")
        if times < 1 or key == seen:
            return [], seen
        return [Occurrence(key, model.created_at + times * event.older)], key

    def _commit(self) -> str | None:
        if time.monotonic() - self._asked_git >= _GIT_EVERY:
            state: dict[str, Any] | None = git.state(self._root)
            self._head = None if state is None else state.get("commit")
            self._asked_git = time.monotonic()
        return self._head


def _key(readable: str, short: str) -> str:
    return readable if len(readable) <= _KEY else short
