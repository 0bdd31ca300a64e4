"""Brings one version of a view online: what has changed since the last table, batch by batch, to be resumed anywhere.

A table is immutable, and so are the rows that differ between two; how many of them are written is kept with the rows
themselves. A batch that was cut off was not written, and the next call goes on behind the last one that was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbmlops.core.clock import instant, microseconds
from nbmlops.core.errors import CorruptError, NotFoundError
from nbmlops.core.signs import StepProgress
from nbmlops.features.online.codec import encoded_rows, key_of, kind_of
from nbmlops.features.online.newest import AT, changed, newest_rows
from nbmlops.features.online.port import Row
from nbmlops.features.online.records import Materialized, Slot

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.core.clock import Clock
    from nbmlops.core.signs import StepState
    from nbmlops.data.records import DataVersion
    from nbmlops.data.service import Data
    from nbmlops.features.online.port import OnlineStore
    from nbmlops.features.records import FeatureVersion

__all__ = ["Filler", "moment"]

_BATCH = 10_000


def moment(micros: int | None) -> datetime | None:
    """A time from microseconds since 1970."""
    return None if micros is None else instant(micros)


@dataclass(slots=True)
class Filler:
    """Writes versions of views into a store.

    Attributes
    ----------
    store : OnlineStore
        Where to.
    data : Data
        Where their tables are.
    clock : Clock
        Tells when.
    old : callable
        The reference of an offline table by its row in the catalog.
    progress : callable
        Called with a sign of life after each batch.
    refuse : callable
        Called when the slot is known and no row was read yet: raises while rows are being erased.
    """

    store: OnlineStore
    data: Data
    clock: Clock
    old: Callable[[int], str]
    progress: Callable[[StepProgress], None]
    refuse: Callable[[], None]

    def fill(self, version: FeatureVersion, table: DataVersion, *, again: bool = False) -> Materialized:
        """Bring all of a table online.

        Raises
        ------
        ConflictError
            When somebody else brings a newer one, or rows are being erased.
        UnavailableError
            When the store cannot be reached.
        """
        begun = time.perf_counter()
        slot = self._slot(version, table, fresh=again)
        if slot.fence:  # an erasure has gone by: what differs from its table is not known
            slot = self._slot(version, table, fresh=True)
        self.refuse()
        if slot.table == table.id:
            note = "nothing is new"
            return self._told_of(version, table, slot, (0, 0), begun, note)
        slot = replace(slot, position=slot.position if slot.filling == table.id else 0, filling=table.id)
        self.store.write(slot, [])  # from here on whoever has an older table is refused
        rows = newest_rows(self.data, table.ref, version.view)
        newest = _newest(rows, version)
        gone: list[str] = []
        if slot.table:
            try:
                before = newest_rows(self.data, self.old(slot.table), version.view)
            except (NotFoundError, CorruptError):  # it was deleted or erased: what came of it goes with it
                return self.fill(version, table, again=True)
            rows, left = changed(before, rows, version.view)
            gone = [key_of(entity, slot.kinds) for entity in left.iter_rows()]
        first = slot.position
        slot = self._written(slot, rows, gone)
        slot = replace(slot, table=table.id, position=0, newest=newest, done_at=microseconds(self.clock.now()))
        self.store.write(slot, [])
        self._drop_others(slot)
        note = f"went on behind {first:,} rows" if first else ""
        return self._told_of(version, table, slot, (rows.height - first, len(gone)), begun, note)

    def add(
        self, version: FeatureVersion, table: DataVersion, since: datetime | None, until: datetime | None
    ) -> Materialized:
        """Bring only rows of some event times online; what is newer there stays."""
        begun = time.perf_counter()
        slot = self._slot(version, table, fresh=False)
        self.refuse()
        rows = newest_rows(self.data, table.ref, version.view, since, until)
        newest = max((each for each in (slot.newest, _newest(rows, version)) if each is not None), default=None)
        slot = replace(slot, filling=max(table.id, slot.filling), position=0)
        written = self._written(slot, rows, [], table.id)
        slot = replace(written, position=0, newest=newest, done_at=microseconds(self.clock.now()))
        self.store.write(slot, [])
        return self._told_of(version, table, slot, (rows.height, 0), begun, "of these times only")

    def _slot(self, version: FeatureVersion, table: DataVersion, *, fresh: bool) -> Slot:
        """The slot to write to: the one there is, or a new one beside it when that has met what is of no use now."""
        known = [slot for slot in self.store.slots() if slot.digest == version.digest]
        if known and not fresh:
            slot = known[-1]
            if slot.filling in {0, slot.table, table.id} or not slot.table:
                return slot
        view = version.view
        kinds = {column.name: column.type for column in table.columns}
        ttl = None if view.ttl is None else view.ttl.total_seconds()
        entities = tuple(kind_of(kinds[name]) for name in view.entities)
        number = version.number or 0
        return self.store.make(
            Slot(0, version.name, version.digest, number, view.entities, entities, view.features, ttl)
        )

    def _written(self, slot: Slot, rows: pl.DataFrame, gone: list[str], table: int | None = None) -> Slot:
        entities = list(slot.entities)
        source = slot.filling if table is None else table
        features = [name for name, _ in slot.columns]
        total, first, begun = rows.height, slot.position, time.perf_counter()
        if gone and not slot.position:
            self.store.write(slot, [], gone)
        while slot.position < total:
            part = rows.slice(slot.position, _BATCH)
            keys = [key_of(entity, slot.kinds) for entity in part.select(entities).iter_rows()]
            texts = encoded_rows(part, features)
            batch = [Row(key, at, source, text) for key, at, text in zip(keys, part[AT].to_list(), texts, strict=True)]
            slot = replace(slot, position=slot.position + part.height)
            self.store.write(slot, batch)
            seconds = time.perf_counter() - begun
            self.tell(slot.name, "running", (slot.position, total), (slot.position - first) / seconds)
        return slot

    def tell(self, view: str, state: StepState, rows: tuple[int, int] = (0, 0), rate: float | None = None) -> None:
        """Give a sign of life: how many rows of a view are written, of how many, and how many in a second."""
        why = "" if rate is None else f"{rate:,.0f} rows/s"
        self.progress(StepProgress(view, state, *rows, why=why, unit="rows"))

    def _drop_others(self, slot: Slot) -> None:
        for other in self.store.slots():
            if other.digest == slot.digest and other.id != slot.id:
                self.store.drop(other.id)

    def _told_of(
        self,
        version: FeatureVersion,
        table: DataVersion,
        slot: Slot,
        changes: tuple[int, int],
        begun: float,
        note: str,
    ) -> Materialized:
        keys = self.store.count(slot.id)
        self.tell(version.name, "completed")
        seconds = time.perf_counter() - begun
        return Materialized(version.ref, table.ref, *changes, keys, moment(slot.newest), seconds, note)


def _newest(rows: pl.DataFrame, version: FeatureVersion) -> int | None:
    found: Any = rows[AT].max() if version.view.time is not None and rows.height else None
    return None if found is None else int(found)
