"""Retention: versions that the rules keep no longer are deleted, as by hand; gc frees their bytes after its grace.

Captured requests, which are not versions, go by the same rules at once.

A version that several rules are about stays as long as any of them keeps it. What an alias, a deployment, a frozen
pipeline, ``nbmlops.lock`` or a hold needs stays, and is told with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection, select

from nbmlops.core.errors import NotFoundError, RefusedError
from nbmlops.core.refs import Ref
from nbmlops.store import audit, resolution, schema, tombstones
from nbmlops.store.version_rows import Part, Version, records, selected

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.retention_rules import RetentionRule
    from nbmlops.store.versions import Versions

__all__ = ["Retained", "Retirable", "Retiree", "Retirement"]

Outside = Callable[[], Mapping[tuple[str, str], str]]


@dataclass(frozen=True, slots=True)
class Retiree:
    """A version that no rule keeps any longer: since when it is there, by which rules, and why it stays if it does.

    Of captured requests it is the version that answered, since the first hour of `hours`.
    """

    ref: str
    kind: str
    created_at: datetime
    rules: tuple[str, ...]
    why: str = ""
    hours: int = 0


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
        Versions that were deleted, or would be, and captured requests.
    needed : tuple of Retiree
        Versions that no rule keeps, and something else needs.
    """

    dry_run: bool
    rules: int
    retired: tuple[Retiree, ...]
    needed: tuple[Retiree, ...]


class Retirable(Protocol):
    """What rules are about besides versions; whoever keeps it lies above the store."""

    def retire(self, rules: Sequence[RetentionRule], *, apply: bool) -> Sequence[Retiree]:
        """Remove what the rules keep no longer, or only tell it; what has a reason stays."""


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
    beyond : sequence of Retirable
        What the rules are about besides versions.
    """

    def __init__(
        self,
        kinds: Mapping[str, Versions],
        rules: Sequence[RetentionRule],
        outside: Outside,
        clock: Clock,
        beyond: Sequence[Retirable] = (),
    ) -> None:
        self._beyond = beyond
        self._kinds = kinds
        self._rules = rules
        self._outside = outside
        self._clock = clock

    def plan(self) -> Retained:
        """Tell what would be deleted, and what stays although no rule keeps it."""
        found = self._versions_outworn() + self._others(apply=False)
        return Retained(True, len(self._rules), *_parted(found))

    def apply(self) -> Retained:
        """Delete each version that the plan tells; one that something came to need meanwhile stays."""
        retired: list[Retiree] = []
        outworn, needed = map(list, _parted(self._versions_outworn()))
        for retiree in outworn:
            versions = self._kinds[retiree.kind]
            try:
                versions.delete(retiree.ref, guard=partial(self._refuse_needed, versions))
            except RefusedError as error:
                needed.append(Retiree(retiree.ref, retiree.kind, retiree.created_at, retiree.rules, error.message))
            else:
                retired.append(retiree)
        gone, held = _parted(self._others(apply=True))
        if retired or gone:
            told: dict[str, object] = {"versions": [[one.kind, one.ref, list(one.rules)] for one in retired]}
            if gone:
                told["requests"] = [[one.ref, one.hours, list(one.rules)] for one in gone]
            catalog = next(iter(self._kinds.values())).catalog
            catalog.transact(lambda c: audit.append(c, self._clock, "store.retain", "store", told))
        return Retained(False, len(self._rules), (*retired, *gone), (*needed, *held))

    def _versions_outworn(self) -> list[Retiree]:
        """Versions that no rule keeps, those too that something needs."""
        kinds = self._kinds.values()
        return [one for versions in kinds for one in versions.catalog.read(partial(self._look, versions))]

    def _others(self, *, apply: bool) -> list[Retiree]:
        return [one for place in self._beyond for one in place.retire(self._rules, apply=apply)]

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


def _parted(found: Sequence[Retiree]) -> tuple[tuple[Retiree, ...], tuple[Retiree, ...]]:
    """Those that go, and those that something needs."""
    return tuple(one for one in found if not one.why), tuple(one for one in found if one.why)


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
