"""Retention: versions that the rules keep no longer are deleted, as by hand; gc frees their bytes after its grace.

A version that several rules are about stays as long as any of them keeps it. What an alias, a deployment, a frozen
pipeline, ``nbmlops.lock`` or a hold needs stays, and is told with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from nbmlops.core.errors import NotFoundError, RefusedError
from nbmlops.core.refs import Ref
from nbmlops.store import audit, resolution, schema, tombstones
from nbmlops.store.version_rows import Part, Version, records, selected

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.retention_rules import RetentionRule
    from nbmlops.store.versions import Versions

__all__ = ["Retained", "Retiree", "Retirement"]

Outside = Callable[[], Mapping[tuple[str, str], str]]


@dataclass(frozen=True, slots=True)
class Retiree:
    """A version that no rule keeps any longer: since when it is there, by which rules, and why it stays if it does."""

    ref: str
    kind: str
    created_at: datetime
    rules: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Retained:
    """What retention did, or with `dry_run` would do.

    Attributes
    ----------
    dry_run : bool
        Whether nothing was done.
    rules : int
        How many rules there are.
    retired : tuple of Retiree
        Versions that were deleted, or would be.
    needed : tuple of Retiree
        Versions that no rule keeps, and something else needs.
    """

    dry_run: bool
    rules: int
    retired: tuple[Retiree, ...]
    needed: tuple[Retiree, ...]


class Retirement:
    """Applies rules once.

    Parameters
    ----------
    kinds : mapping of str to Versions
        The versions of each kind.
    rules : sequence of RetentionRule
        The rules.
    outside : callable
        Contents that something outside the catalog refers to, by kind and digest: what refers to them.
    clock : Clock
        The time.
    """

    def __init__(
        self, kinds: Mapping[str, Versions], rules: Sequence[RetentionRule], outside: Outside, clock: Clock
    ) -> None:
        self._kinds = kinds
        self._rules = rules
        self._outside = outside
        self._clock = clock

    def plan(self) -> Retained:
        """Tell what would be deleted, and what stays although no rule keeps it."""
        retired: list[Retiree] = []
        needed: list[Retiree] = []
        for versions in self._kinds.values():
            for retiree in versions.catalog.read(partial(self._look, versions)):
                (needed if retiree.why else retired).append(retiree)
        return Retained(True, len(self._rules), tuple(retired), tuple(needed))

    def apply(self) -> Retained:
        """Delete each version that the plan tells; one that something came to need meanwhile stays."""
        planned = self.plan()
        retired, needed = [], list(planned.needed)
        for retiree in planned.retired:
            versions = self._kinds[retiree.kind]
            try:
                versions.delete(retiree.ref, guard=partial(self._refuse_needed, versions))
            except RefusedError as error:
                needed.append(Retiree(retiree.ref, retiree.kind, retiree.created_at, retiree.rules, error.message))
            else:
                retired.append(retiree)
        if retired:
            told = {"versions": [[one.kind, one.ref, list(one.rules)] for one in retired]}
            catalog = next(iter(self._kinds.values())).catalog
            catalog.transact(lambda c: audit.append(c, self._clock, "store.retain", "store", told))
        return Retained(False, len(self._rules), tuple(retired), tuple(needed))

    def _look(self, versions: Versions, connection: Connection) -> list[Retiree]:
        rules = [rule for rule in self._rules if rule.kind == versions.kind]
        return list(self._found(versions, connection, rules)) if rules else []

    def _found(self, versions: Versions, connection: Connection, rules: list[RetentionRule]) -> Iterator[Retiree]:
        table, now = schema.version, self._clock.now()
        query = selected(versions.kind, Part()).where(table.c.number.is_not(None), table.c.deleted_at.is_(None))
        rows = connection.execute(query.order_by(schema.name.c.name, table.c.number.desc())).all()
        places: dict[tuple[str, str], int] = {}
        outside, deployed = self._outside(), _deployed(connection, versions)
        for version in records(connection, versions.kind, rows, Part()):
            about = [rule for rule in rules if rule.fits(version)]
            keeping = False
            for rule in about:
                place = places.get((rule.name, version.name), 0)
                places[rule.name, version.name] = place + 1
                keeping = keeping or rule.keeps(version, place, now)
            if about and not keeping:
                why = _pinned(connection, version, outside) or deployed.get(version.id) or _held(connection, version)
                names = tuple(rule.name for rule in about)
                yield Retiree(version.ref, version.kind, version.created_at, names, why)

    def _refuse_needed(self, versions: Versions, version: Version) -> None:
        def why(connection: Connection) -> str | None:
            return _pinned(connection, version, self._outside()) or _deployed(connection, versions).get(version.id)

        if found := versions.catalog.read(why):
            raise RefusedError(found)


def _pinned(connection: Connection, version: Version, outside: Mapping[tuple[str, str], str]) -> str:
    """What names this content outside of the catalog, or the one that it was before rows of it were erased."""
    meant = sorted(tombstones.erased_into(connection, version.digest))
    return next((outside[version.kind, digest] for digest in meant if (version.kind, digest) in outside), "")


def _deployed(connection: Connection, versions: Versions) -> dict[int, str]:
    """Versions that a deployment names by themselves, by id; those behind an alias are held by that."""
    if versions.kind != "model":
        return {}
    found: dict[int, str] = {}
    table = schema.deployment.c
    for name, alias, split, shadow in connection.execute(select(table.name, table.alias, table.split, table.shadow)):
        for said in (alias, *(ref for ref, _ in split), *shadow):
            try:
                version = versions.resolve_in(connection, Ref.parse(f"{name}@{said}"))
            except NotFoundError:  # a deployment may name what is not there yet
                continue
            found[version.id] = f"the deployment {name} answers with it"
    return found


def _held(connection: Connection, version: Version) -> str:
    """Why a version cannot be deleted; nothing when it can."""
    try:
        resolution.refuse_held(connection, version)
    except RefusedError as error:
        return error.message
    return ""
