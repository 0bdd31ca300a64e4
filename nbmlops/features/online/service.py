"""Verbs on the online store: ``materialize``, ``online`` and ``freshness``."""

from __future__ import annotations

import time as monotonic_clock
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError
from nbmlops.core.keywords import check_one_of
from nbmlops.features.capturing import rebuilt
from nbmlops.features.online.filling import Filler, moment
from nbmlops.features.online.keys import as_numbers, columns_of
from nbmlops.features.online.reading import LookUp, MovedError, OnDemand, Reader
from nbmlops.features.online.records import Freshness, Materialized, OnlineRows
from nbmlops.features.registry import NEWEST
from nbmlops.features.using import Using
from nbmlops.store import erasures

if TYPE_CHECKING:
    from nbmlops.core.signs import StepProgress
    from nbmlops.features.online.port import OnlineStore
    from nbmlops.features.online.reading import Down
    from nbmlops.features.online.records import Slot
    from nbmlops.features.records import FeatureVersion

__all__ = ["Online"]

_TRUSTED_FOR = 1.0
"""Seconds after which it is asked again which version of a view a bare name means."""
Called = Callable[[str, str], str]


class Online(Using):
    """What brings views online and reads them."""

    open_online: Callable[[], OnlineStore]
    """Opens the online store; `workspace` says which."""
    _store: OnlineStore | None
    _readers: dict[tuple[tuple[str, ...], str], tuple[Reader, float]]

    def online_store(self) -> OnlineStore:
        """The online store, opened once."""
        if self._store is None:
            self._store = self.open_online()
        return self._store

    def close(self) -> None:
        """Give back connections to the online store."""
        if self._store is not None:
            self._store.close()

    def materialize(
        self,
        *views: str,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        again: bool = False,
        progress: Callable[[StepProgress], None] | None = None,
    ) -> list[Materialized]:
        """Bring views online: of each entity the newest row, as far as that has changed.

        Offline tables are computed where a source has changed. What was stopped goes on where it was. A new version
        of a view stands beside the old one, which is read until the new one is complete.

        Parameters
        ----------
        *views : str
            Views or services; all that are not retired by default.
        since, until : str or datetime, optional
            Only rows of event times from the one to before the other, which are added; times as ISO 8601.
        again : bool
            Write everything anew, beside what is there; keys that are no more go.
        progress : callable, optional
            Called with a sign of each view when it begins, when a batch of its rows is written, and at its end. What
            it raises, as a stop does, ends it between two batches: the next call goes on there.

        Raises
        ------
        InvalidError
            When a view is computed on the request, or a time is none.
        NotFoundError
            When there is no such view.
        UnavailableError
            When the store cannot be reached.
        ConflictError
            When somebody else materializes a newer table, or rows are being erased.
        """
        first, last = _time(since, "since"), _time(until, "until")
        if (first or last) and again:
            raise InvalidError("what is written anew is written whole", hint="leave --since and --until out")
        if first and last and first >= last:
            raise InvalidError("since is not before until, so no time lies between", hint="--since 2024-01-01")
        told = progress or (lambda _: None)
        filler = Filler(self.online_store(), self._data, self._clock, self._table_named, told, self._refuse_erasing)
        found = []
        for version in self._to_materialize(views):
            filler.tell(version.name, "running")
            table = self.table(version.ref)
            if first or last:
                found.append(filler.add(version, table, first, last))
            else:
                found.append(filler.fill(version, table, again=again))
        self._readers.clear()
        return found

    def _refuse_erasing(self) -> None:
        """Refuse while rows leave the data: what is read now may be of them."""
        for intent in erasures.unfinished(self._versions.catalog):
            if intent.state == "begun":
                names = " ".join(intent.names)
                raise ConflictError(
                    f"rows of {names} are being erased, or that was cut off: nothing is brought online meanwhile",
                    hint="wait for its end; when it was cut off, `ml data erase --resume`",
                )

    def _to_materialize(self, views: Sequence[str]) -> list[FeatureVersion]:
        if not views:
            rows = [row for row in self._rows() if row.kind == "view" and row.retired is None]
            return [self._record(self._versions.resolve(row.ref)) for row in rows]
        versions = [version for version, _ in self.chosen(views)]
        plain = [version for version in versions if not version.view.on_demand]
        if len(plain) < len(versions) and not any(self._is_service(view) for view in views):
            asked = next(version for version in versions if version.view.on_demand)
            raise InvalidError(
                f"{asked.ref} is computed on the request, and is never kept", hint=f"`ml feature show {asked.name}`"
            )
        return plain

    def _is_service(self, ref: str) -> bool:
        return ":" not in ref and self.show(ref).kind == "service"

    def _table_named(self, version_id: int) -> str:
        from nbmlops.store.versions import Versions

        version = Versions(self._versions.catalog, self._clock, "data").get(version_id)
        if version.deleted_at is not None:
            raise NotFoundError(f"{version.ref} was deleted")
        return version.ref

    def online(self, keys: Any, features: str | Sequence[str], *, down: Down = "error") -> OnlineRows:
        """Read features by key, in the order of the keys.

        Parameters
        ----------
        keys : mapping, sequence of mapping, pandas.DataFrame or str
            Entities, and inputs of on-demand features: columns, rows, a table, or ``carrier=AA,origin=JFK``, with a
            semicolon between rows.
        features : sequence of str
            Views, services, or features as ``view:feature``. A bare name means the newest version that is complete.
        down : {"error", "stale"}
            What becomes of a read when the store is down: an error, or the last values that this process has read,
            with their age.

        Returns
        -------
        OnlineRows
            Values, and for each whether it is present, missing since its key was never seen, or expired.

        Raises
        ------
        InvalidError
            When a key is missing or none.
        NotFoundError
            When there is no such feature, or its view was never materialized.
        UnavailableError
            When the store is down.
        """
        named = (features,) if isinstance(features, str) else tuple(features)
        given = columns_of(keys)
        known = self._readers
        entry = known.get((named, down))
        now = monotonic_clock.monotonic()
        if entry is None or now > entry[1]:
            check_one_of("down", down, ("error", "stale"))
            reader = self._reader(named, down, set(given))
            known[named, down] = (entry[0] if entry and entry[0].same_as(reader) else reader), now + _TRUSTED_FOR
            entry = known[named, down]
        if isinstance(keys, str):
            given |= {name: as_numbers(given[name]) for name in entry[0].inputs if name in given}
        try:
            return entry[0].read(given)
        except MovedError:
            del known[named, down]
            return self._reader(named, down, set(given)).read(given)

    def _reader(self, named: Sequence[str], down: Down, keys: set[str]) -> Reader:
        chosen = self.chosen(named)
        twice = Counter(name for _, names in chosen for name in names) + Counter(keys)
        called: Called = lambda view, name: name if twice[name] == 1 else f"{view}__{name}"  # noqa: E731 - two words
        floating = {ref.name for ref in self._spelt(named) if "@" not in ref.view}
        return self.reader_of([(version, names, version.name in floating) for version, names in chosen], called, down)

    def reader_of(
        self,
        chosen: Sequence[tuple[FeatureVersion, Sequence[str], bool]],
        called: Called,
        down: Down = "error",
        pinned: Mapping[str, FeatureVersion] = NEWEST,
    ) -> Reader:
        """What reads some features of versions of views.

        Parameters
        ----------
        chosen : sequence of tuple
            Versions, their features, and whether an older version will do while this one is not complete.
        called : callable
            What a feature of a view is called.
        down : {"error", "stale"}
            What becomes of a read when the store is down.
        pinned : mapping, optional
            Versions of the views that functions take inputs of, as `inputs_of` gives them.
        """
        store = self.online_store()
        slots = [slot for slot in store.slots() if slot.done_at is not None]
        wanted: dict[int, tuple[FeatureVersion, dict[str, str], bool]] = {}
        order: list[str] = []
        on_demand: list[OnDemand] = []
        for version, names, older in chosen:
            own = {name: called(version.name, name) for name in names}
            order += own.values()
            if not version.view.on_demand:
                wanted.setdefault(version.id, (version, {}, older))[1].update(own)
                continue
            inputs = []
            for one in version.view.inputs:
                if ":" in one:
                    of, name = self.input_of(one, pinned)
                    floats = of not in pinned.values()
                    inputs.append(wanted.setdefault(of.id, (of, {}, floats))[1].setdefault(name, f"{of.name}:{name}"))
                else:
                    inputs.append(one)
            said = version.view
            on_demand.append(OnDemand(version.ref, said.name, rebuilt(said.source, said.function), tuple(inputs), own))
        looked_up = [
            LookUp(version.ref, _slot(slots, version, own, older), own, version.view.time is not None)
            for version, own, older in wanted.values()
        ]
        return Reader(store, self._clock, looked_up, on_demand, order, down)

    def freshness(self, *views: str) -> list[Freshness]:
        """Tell how fresh views are online: their newest event, when they were materialized, and what waits.

        Raises
        ------
        NotFoundError
            When there is no such view.
        UnavailableError
            When the store cannot be reached.
        """
        store = self.online_store()
        versions = self._to_materialize(views)
        slots = store.slots()
        return [self._freshness(store, slots, version) for version in versions]

    def _freshness(self, store: OnlineStore, slots: Sequence[Slot], version: FeatureVersion) -> Freshness:
        slot = next((each for each in reversed(slots) if each.digest == version.digest), None)
        table = self._newest_table(version.name)
        stale = table is None or slot is None or slot.table != table.id or slot.fence > 0
        stale = stale or self._is_stale(self._sources_of(table))
        ttl = version.view.ttl
        if slot is None:
            return Freshness(version.ref, None, None, None, None, ttl, 0, waiting=True, complete=False)
        newest, now = moment(slot.newest), self._clock.now()
        age = None if newest is None else max(now - newest, timedelta(0))
        behind = timedelta(0) if table is not None and slot.table == table.id else None
        if table is not None and behind is None and newest is not None and version.view.time is not None:
            offline = moment(self._newest_event(table.ref, version.view.time))
            behind = None if offline is None else max(offline - newest, timedelta(0))
        return Freshness(
            version.ref, newest, moment(slot.done_at), age, behind, ttl, store.count(slot.id), stale, slot.complete
        )

    def _sources_of(self, table: Any) -> Sequence[str]:
        from nbmlops.features.tables import computed_of

        return [source for one in computed_of(table)[-1:] for source in one.sources]

    def _newest_event(self, table: str, time: str) -> int | None:
        from nbmlops.features.shaping import times_of

        column = self._data.load(table, columns=[time], as_="polars")[time]
        found: Any = times_of(column, f"{table}:{time}").dt.epoch("us").max()
        return None if found is None else int(found)


def _slot(slots: Sequence[Slot], version: FeatureVersion, own: Mapping[str, str], older: bool) -> Slot:
    """The slot that is read for a version: its own, or while that is not complete the newest before."""
    exact = [slot for slot in slots if slot.digest == version.digest]
    if exact:
        return max(exact, key=lambda slot: (slot.complete, slot.id))
    others = [slot for slot in slots if slot.name == version.name and own.keys() <= {name for name, _ in slot.columns}]
    if older and others:
        return max(others, key=lambda slot: (slot.number, slot.id))
    raise NotFoundError(f"{version.ref} is not online", hint=f"`ml feature materialize {version.ref}`")


def _time(given: str | datetime | None, what: str) -> datetime | None:
    if given is None or isinstance(given, datetime):
        return given
    try:
        return datetime.fromisoformat(given)
    except ValueError:
        raise InvalidError(
            f"{given!r} is no time for {what}", hint="2024-01-31, or 2024-01-31T12:00:00+00:00"
        ) from None
