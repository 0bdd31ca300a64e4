"""What an erasure will do, found out without changing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from nbmlops.core.refs import pinned
from nbmlops.data import queries
from nbmlops.data.erasure_records import Descendant, Erased
from nbmlops.data.saving import needs
from nbmlops.data.survey import is_table
from nbmlops.store import erasures, holds

if TYPE_CHECKING:
    import numpy as np

    from nbmlops.data.survey import Content, Survey
    from nbmlops.store.catalog import Connection
    from nbmlops.store.lineage import Lineage
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.versions import Version, Versions

__all__ = ["Plan", "Planner"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen to which versions.

    Attributes
    ----------
    names : tuple of str
        The names whose versions were looked through.
    touched : tuple of (Version, Content)
        Versions that something leaves, with what that is.
    dependents : tuple of Version
        Versions that are written anew as they are, because their files hold what leaves.
    doomed : frozenset of str
        Digests of the objects that are to go, unless something else refers to them in the end.
    unjudged : tuple of str
        Versions of the names that stay as they are: no tables, without a column of the condition, or not pulled.
    descendants : tuple of Descendant
        What was made from the touched ones.
    world : frozenset
        All versions of data with their profiles, reports and artifacts as they were.
    """

    names: tuple[str, ...]
    touched: tuple[tuple[Version, Content], ...]
    dependents: tuple[Version, ...]
    doomed: frozenset[str]
    unjudged: tuple[str, ...]
    descendants: tuple[Descendant, ...]
    world: frozenset[tuple[int, str, str]]

    def contents(self) -> list[Content]:
        """What leaves, each content once, in the order of the versions."""
        return list({content.version.digest: content for _, content in self.touched}.values())

    def erased(self, into: Mapping[str, str]) -> tuple[Erased, ...]:
        """The touched versions as they are told; `into` leads from old digests to new ones."""
        return tuple(
            Erased(
                version.ref,
                version.digest,
                into.get(version.digest),
                len(content.rows),
                int(version.detail["rows"]) - len(content.rows),
                deleted=version.deleted_at is not None,
            )
            for version, content in self.touched
        )

    def rows_by_ref(self) -> dict[str, np.ndarray]:
        """Numbers of the erased rows by the references under which reports name a version."""
        return {
            ref: content.rows
            for version, content in self.touched
            for ref in (version.ref, pinned(version.name, None, version.digest))
        }

    def refuse_held(self, connection: Connection) -> None:
        """Raise `RefusedError` when something that rows would leave, or that would be written anew, is on hold."""
        for version in (*(version for version, _ in self.touched), *self.dependents):
            holds.refuse(connection, version, "erased")


class Planner:
    """Makes plans.

    Parameters
    ----------
    versions : Versions
        The catalog's versions of data.
    objects : ObjectStore
        Where tables lie.
    lineage : Lineage
        Knows what was made from what.
    survey : Survey
        Looks into tables.
    absent : callable
        Whether the bytes of a version are not here, but on a remote.
    """

    def __init__(
        self,
        versions: Versions,
        objects: ObjectStore,
        lineage: Lineage,
        survey: Survey,
        absent: Callable[[Version], bool],
    ) -> None:
        self._absent = absent
        self._versions = versions
        self._objects = objects
        self._lineage = lineage
        self._survey = survey

    def plan(self, names: Sequence[str]) -> Plan:
        """Look through all versions of some names.

        Raises
        ------
        InvalidError
            When a name has no table with the columns of the condition.
        """
        world = frozenset(self._versions.catalog.read(queries.world))
        known = [version for version in self._versions.everything() if version.freed_at is None]
        everything = [version for version in known if not self._absent(version)]
        away = [version for version in _without(known, everything) if version.name in names]
        own = [version for version in everything if version.name in names]
        self._survey.refuse_unknown(own)
        judged = [version for version in own if self._survey.can_judge(version)]
        contents = {content.version.digest: content for content in self._survey.look(judged)}
        touched = [(version, contents[version.digest]) for version in judged if contents[version.digest].is_touched]
        rest = _without(everything, [version for version, _ in touched])
        doomed = self._doomed([version for version, _ in touched], _without(judged, [v for v, _ in touched]), rest)
        dependents = [version for version in rest if _is_recipe(version) and doomed & set(needs(version))]
        kept = _owned(rest)
        return Plan(
            tuple(names),
            tuple(touched),
            tuple(dependents),
            frozenset(doomed.union(*map(needs, dependents)) - kept),
            tuple(version.ref for version in [*_without(own, judged), *away]),
            tuple(self._descendants([version for version, _ in touched], dependents, rest)),
            world,
        )

    def _doomed(self, touched: Sequence[Version], clean: Sequence[Version], rest: Sequence[Version]) -> set[str]:
        """Objects that touched versions need, and files below clean ones that hold rows which those left out."""
        doomed = {digest for version in touched for digest in needs(version)}
        doomed |= {version.detail["profile"] for version in touched if "profile" in version.detail}
        # What a pull brought back of earlier erasures goes again.
        doomed |= self._versions.catalog.read(erasures.doomed)
        for version in clean:
            if _is_recipe(version):
                doomed |= set(self._holding(version))
        return doomed - _owned(rest)

    def _holding(self, version: Version) -> Iterator[str]:
        from nbmlops.data.recipes import parse

        recipe = parse(self._objects.read(version.root), self._objects.read)
        for piece in recipe.pieces():
            if piece.digest and self._survey.holds_any(version, piece.digest, piece.rows):
                yield piece.digest

    def _descendants(
        self, touched: Sequence[Version], dependents: Sequence[Version], rest: Sequence[Version]
    ) -> Iterator[Descendant]:
        """What was made from touched versions, by lineage, by its files, or by being the same content."""
        below = self._below(touched)
        written = {version.id for version in dependents}
        same = {version.digest for version in touched}
        for version in rest:
            if ("data", version.id) in below or version.id in written or version.digest in same:
                yield self._judged(version, is_rewritten=version.id in written)
        for kind, version_id in sorted(below):
            if kind != "data":
                ref = self._versions.catalog.read(partial(queries.ref_of, version_id))
                yield Descendant(kind, ref, "code" if kind == "feature" else "unknown")

    def _judged(self, version: Version, *, is_rewritten: bool) -> Descendant:
        rows = 0
        if self._survey.can_judge(version):
            rows = len(self._survey.content(version).rows)
        if rows:
            return Descendant("data", version.ref, "holds", rows)
        if is_rewritten:
            return Descendant("data", version.ref, "rewritten")
        return Descendant("data", version.ref, "clean" if self._survey.can_judge(version) else "unknown")

    def _below(self, versions: Sequence[Version]) -> set[tuple[str, int]]:
        """Everything that was made of some versions, directly or by way of others."""
        asked = {("data", version.id) for version in versions}
        found = set(asked)
        while asked:
            asked = set(self._lineage.made_into(asked)) - found
            found |= asked
        return found - {("data", version.id) for version in versions}


def _without(versions: Sequence[Version], others: Sequence[Version]) -> list[Version]:
    left_out = {version.id for version in others}
    return [version for version in versions if version.id not in left_out]


def _is_recipe(version: Version) -> bool:
    return is_table(version) and version.detail.get("layout") == "recipe"


def _owned(versions: Sequence[Version]) -> set[str]:
    """Objects that are the own content of versions which stay as they are."""
    return {digest for version in versions if not _is_recipe(version) for digest in (version.root, version.digest)}
