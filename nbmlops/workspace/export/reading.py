"""Reads what happened from the catalog in the order of time, a page in each reading, so that nobody is held up.

Ids and times of all that there is are kept, 16 bytes each; what is known of it is read for some 100 at a time.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.clock import microseconds
from nbmlops.store import edges
from nbmlops.store.subjects import Subject
from nbmlops.tracking.queries import metrics, values
from nbmlops.workspace.export import queries
from nbmlops.workspace.export.facts import KINDS, Dropped, Fact, Finished, Judged, Maker, Quality, RunName, Saved, Thing
from nbmlops.workspace.search.queries import texts

if TYPE_CHECKING:
    from nbmlops.profiling.records import Profile
    from nbmlops.store.catalog import Catalog, Connection
    from nbmlops.store.version_rows import Version

__all__ = ["Reading"]

_PAGE = 100
_REMEMBERED = 1_000
"""Profiles of which is kept what they tell."""
_RUN, _LOOSE, _DROPPED = range(3)


class Reading:
    """What happened from a time on.

    Parameters
    ----------
    catalog : Catalog
        Where it stands.
    root : Path
        The project's folder.
    profile : callable
        Gives the profile that is kept of a version, by its reference.
    since : datetime, optional
        From when on; all of it by default.
    """

    def __init__(
        self,
        catalog: Catalog,
        root: Path,
        profile: Callable[[str], Profile | None],
        since: datetime | None = None,
    ) -> None:
        self._catalog = catalog
        self._root = root
        self._profile = profile
        self._qualities: dict[tuple[str, Any], Quality | None] = {}
        read = catalog.read
        self._runs, self._loose = read(lambda c: queries.ended(c, since)), read(lambda c: queries.loose(c, since))
        self._dropped = read(lambda c: queries.dropped(c, since))
        self.running: tuple[str, ...] = tuple(read(queries.live_runs))

    def __iter__(self) -> Iterator[Fact]:
        """All facts, by the time at which a run ended, a version was saved, or the last of a name was deleted."""
        dropped = ((microseconds(row.at), place) for place, row in enumerate(self._dropped))
        ordered = heapq.merge(_marked(_RUN, self._runs), _marked(_LOOSE, self._loose), _marked(_DROPPED, dropped))
        while page := list(islice(ordered, _PAGE)):
            runs = [key for _, what, key in page if what == _RUN]
            loose = [key for _, what, key in page if what == _LOOSE]
            known: dict[tuple[int, int], Fact] = {(_RUN, key): fact for key, fact in self._finished(runs)}
            known |= {(_LOOSE, key): fact for key, fact in self._saved(loose)}
            for _, what, key in page:
                if what == _DROPPED:
                    row = self._dropped[key]
                    yield Dropped(row.kind, row.name, row.at)
                elif fact := known.get((what, key)):  # None for what a gc or a rename took meanwhile
                    yield fact

    def _finished(self, sequences: Sequence[int]) -> Iterator[tuple[int, Finished]]:
        if not sequences:
            return

        def work(c: Connection) -> Any:
            rows = queries.runs(c, sequences)
            ids = [row.id for row in rows]
            above = queries.parents(c, {row.parent_id for row in rows if row.parent_id})
            own = edges.of_subjects(c, [f"run:{one}" for one in ids])
            made = edges.closest(c, edges.derived_to(c, {one.object for one in own if one.relation == "writes"}))
            things = self._things(c, [*(one.object for one in own), *(one.source for one in made if one.source)])
            return (
                rows,
                (values.values(c, "param", ids), values.values(c, "tag", [*ids, *above]), metrics.last(c, ids)),
                queries.environments(c, (row.environment for row in rows)),
                (above, own, made, things),
            )

        rows, (params, tags, measured), pythons, (above, own, made, found) = self._catalog.read(work)
        things = self._with_quality(found)
        by_run = _by(own, lambda one: one.subject)
        makers = _by(made, lambda one: Subject.parse(one.subject).run_id or "")
        for row in rows:
            its = sorted(by_run.get(f"run:{row.id}", ()), key=lambda one: (one.at, one.object))
            its_own = row, params[row.id], tags[row.id], measured[row.id], pythons.get(row.environment)
            notebook = _inside(self._root, row.notebook)
            above_it = tuple(_parents(row.parent_id, above, tags))
            made_from = _made_from(makers.get(row.id, ()), things)
            yield row.sequence, Finished(*its_own, notebook, above_it, *_used_and_made(its, things), made_from)

    def _saved(self, ids: Sequence[int]) -> Iterator[tuple[int, Saved]]:
        if not ids:
            return

        def work(c: Connection) -> Any:
            own = queries.versions(c, [f"{kind}:{one}" for one in ids for kind in KINDS])
            made = edges.closest(c, edges.derived_to(c, own))
            makers = _by(edges.of_subjects(c, {one.subject for one in made}), lambda one: one.subject)
            written = {one.object for its in makers.values() for one in its if one.relation == "writes"}
            first = edges.first_writes(c, written)
            # A script may have saved thousands of versions: what it did is told once, with the last of them.
            last = {}
            for subject, its in makers.items():
                uses = _until_last(its, first)
                if uses and uses[-1].object in own and not subject.startswith("run:"):
                    last[uses[-1].object] = (subject, uses)
            others = [one.object for _, uses in last.values() for one in uses]
            wanted = [*own, *(one.source for one in made if one.source), *others]
            return own, made, last, self._things(c, wanted)

        own, made, last, found = self._catalog.read(work)
        things, sources = self._with_quality(found), _by(made, lambda one: one.made)
        for thing, version in own.items():
            taken = tuple(things[one.source] for one in sources.get(thing, ()) if one.source in things)
            subject, uses = last.get(thing, (None, ()))
            maker = None if subject is None else _maker(subject, uses, things)
            yield version.id, Saved(things[thing], taken, maker)

    def _things(self, connection: Connection, wanted: Iterable[str]) -> dict[str, Thing]:
        found = queries.versions(connection, wanted)
        said = queries.descriptions(connection, [one.id for one in found.values()])
        judged, newest = texts.judged(connection, found), queries.newest(connection, [one.id for one in found.values()])
        suites = queries.suites(connection, judged)
        things = {}
        for thing, version in found.items():
            number, status = judged.get(thing, (0, ""))
            report = Judged(number, suites[number], status) if number else None
            things[thing] = Thing(version, said.get(version.id, {}), report, version.id in newest)
        return things

    def _with_quality(self, things: Mapping[str, Thing]) -> dict[str, Thing]:
        """The same with what profiles tell; they are read outside of any transaction."""
        return {key: replace(thing, quality=self._quality(thing.version)) for key, thing in things.items()}

    def _quality(self, version: Version) -> Quality | None:
        kept = version.detail.get("profile")
        if kept is None or version.kind != "data" or version.deleted_at is not None:
            return None
        key = (version.digest, kept)
        if key not in self._qualities:
            if len(self._qualities) >= _REMEMBERED:
                self._qualities.pop(next(iter(self._qualities)))
            profile = self._profile(version.ref)
            self._qualities[key] = None if profile is None else _told(profile)
        return self._qualities[key]


def _marked(what: int, times: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    return ((at, what, key) for at, key in times)


def _told(profile: Profile) -> Quality:
    columns = {}
    for column in profile.columns:
        distinct = column.distinct
        columns[column.name] = (column.nulls, round(distinct) if distinct == distinct else None)  # noqa: PLR0124 - NaN
    return Quality(profile.rows, columns, {one.name: one.personal for one in profile.columns if one.personal})


def _inside(root: Path, notebook: str | None) -> str | None:
    """A notebook's path in the project; what folders of this machine are called says nothing elsewhere."""
    if not notebook:
        return None
    path = Path(os.path.normpath(root / notebook))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _by(rows: Iterable[Any], key: Callable[[Any], str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def _parents(run_id: str | None, above: Mapping[str, Any], tags: Mapping[str, Any]) -> Iterator[RunName]:
    while run_id and (row := above.get(run_id)):
        yield RunName(row.id, row.experiment, row.kind, tags[row.id].get("logical_time"))
        run_id = row.parent_id


def _made_from(made: Iterable[Any], things: Mapping[str, Thing]) -> dict[int, tuple[Thing, ...]]:
    found: dict[int, tuple[Thing, ...]] = {}
    for one in made:
        if one.made in things:
            number = edges.parsed(one.made)[1]
            source = (things[one.source],) if one.source in things else ()
            found[number] = (*found.get(number, ()), *source)
    return found


def _until_last(its: Iterable[edges.Edge], first: Mapping[str, datetime]) -> list[edges.Edge]:
    """Edges of a maker in the order of time, up to the last version that it was the first to write."""
    ordered = sorted(its, key=lambda one: (one.at, edges.parsed(one.object)[1]))
    while ordered and not (ordered[-1].relation == "writes" and first[ordered[-1].object] == ordered[-1].at):
        ordered.pop()
    return ordered


def _maker(subject: str, its: Sequence[edges.Edge], things: Mapping[str, Thing]) -> Maker:
    return Maker(Subject.parse(subject), its[-1].at, *_used_and_made(its, things))


def _used_and_made(
    its: Iterable[edges.Edge], things: Mapping[str, Thing]
) -> tuple[tuple[Thing, ...], tuple[Thing, ...]]:
    """The inputs and the outputs that edges tell of, without versions of kinds that are not told of."""
    known = [(one.relation == "writes", things[one.object]) for one in its if one.object in things]
    inputs, outputs = (tuple(thing for is_made, thing in known if is_made == made) for made in (False, True))
    return inputs, outputs
