"""Takes keys out of online stores, as places that an erasure reaches.

A row goes when it meets the condition: its key, its features and its event time are the columns. Where the condition
names others, the row goes when its key is a value that the condition names, or a text of it holds one. What it
was computed from has left the sources by then, so the next materializer, which writes every slot anew that an erasure
has gone by, makes whatever is still right of it again.

Nobody brings such a row back meanwhile. Whoever has read a slot before its fence was raised is refused by the store,
and whoever reads it later finds in the catalog that an erasure has begun. What goes is removed before the rows leave
the catalog, and what freed pages still tell of it is written over afterwards, for which nothing needs to be known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from nbmlops.core.clock import instant
from nbmlops.core.errors import InvalidError, spoken
from nbmlops.data.erasable import Reached, Sought
from nbmlops.features.online.codec import Decoder

if TYPE_CHECKING:
    import pyarrow as pa

    from nbmlops.features.online.port import OnlineStore, Row
    from nbmlops.features.online.records import Slot

__all__ = ["OnlineKeys"]


class OnlineKeys:
    """Keys of online stores.

    Parameters
    ----------
    stores : callable
        Gives the stores of a workspace, as a context that closes what it opened.
    refuse : callable
        Raises `RefusedError` when what is online of a view may not change.
    time_of : callable
        The column of the event time of the version of a view with this digest; None where it has none.
    """

    def __init__(
        self,
        stores: Callable[[], AbstractContextManager[Sequence[OnlineStore]]],
        refuse: Callable[[str], None],
        time_of: Callable[[str], str | None],
    ) -> None:
        self._stores = stores
        self._refuse = refuse
        self._time_of = time_of

    def find(self, sought: Sought) -> list[Reached]:
        """Count the keys that would go."""
        found: list[Reached] = []
        with self._stores() as stores:
            for store, judge in self._judges(stores, sought):
                count = len({key for keys in judge.gone(store) for key in keys})
                if count:
                    self._refuse(judge.slot.name)
                found += _told(store, judge, count)
        return found

    def erase(self, sought: Sought) -> list[Reached]:
        """Take them out."""
        self.find(sought)  # refused is refused before anything changes
        found: list[Reached] = []
        with self._stores() as stores:
            for store, judge in self._judges(stores, sought):
                slot = judge.slot.id
                store.erase(slot, [])  # from here on nobody adds a row that is not looked at
                found += _told(store, judge, sum(store.erase(slot, keys) for keys in judge.gone(store)))
        return found

    def settle(self) -> None:
        """Write over what the removed rows have left behind."""
        with self._stores() as stores:
            for store in stores:
                store.scrub()

    def _judges(self, stores: Sequence[OnlineStore], sought: Sought) -> Iterator[tuple[OnlineStore, _Judge]]:
        for store in stores:
            for slot in store.slots():
                yield store, _Judge(sought, slot, self._time_of(slot.digest))


def _told(store: OnlineStore, judge: _Judge, count: int) -> Iterator[Reached]:
    name = judge.slot.name
    left = [store.remains] if count and store.remains else []
    if judge.is_unsure:
        said = f"{name} online: it lacks a column of the condition; `ml feature materialize {name}` makes it anew"
        left.append(spoken(said))
    if count or left:
        yield Reached(f"online keys of {name}", count, tuple(left))


class _Judge:
    """Tells which keys of one slot go."""

    def __init__(self, sought: Sought, slot: Slot, time: str | None) -> None:
        self.slot = slot
        self._sought = sought
        self._redaction = sought.literals.redaction()
        self._time = time
        features = [name for name, _ in slot.columns]
        self._wanted = [name for name in features if name in sought.condition.columns]
        self._decoder = Decoder(slot.columns, self._wanted)
        self.lacks = bool(sought.condition.missing([*slot.entities, *features, *([time] if time else [])]))
        """Whether the condition names a column that is not online."""
        self.is_unsure = self.lacks and bool(sought.literals.left_out)
        """Whether rows may be left of which nothing tells that they go."""

    def gone(self, store: OnlineStore) -> Iterator[list[str]]:
        """The keys that go, some at a time."""
        for rows in store.scan(self.slot.id):
            keys = self._holding(rows) if self.lacks else self._meeting(rows)
            if keys:
                yield keys

    def _meeting(self, rows: Sequence[Row]) -> list[str]:
        try:
            table = self._table(rows)
            condition = self._sought.condition.on(table.schema)
            holds = self._sought.condition.holds(condition, table, f"online keys of {self.slot.name}")
        except InvalidError:  # kept in another type, as a date is: its values are looked for instead
            return self._holding(rows)
        return [row.key for row, goes in zip(rows, holds.tolist(), strict=True) if goes]

    def _table(self, rows: Sequence[Row]) -> pa.Table:
        """The columns of the condition."""
        import pyarrow as pa

        keys = zip(*(json.loads(row.key) for row in rows), strict=True)
        columns: dict[str, Any] = {name: list(values) for name, values in zip(self.slot.entities, keys, strict=True)}
        if self._wanted:
            features = zip(*(self._decoder.row(row.text) for row in rows), strict=True)
            columns |= {name: list(values) for name, values in zip(self._wanted, features, strict=True)}
        if self._time is not None:
            columns[self._time] = [instant(row.at) for row in rows]
        try:
            return pa.table({name: columns[name] for name in self._sought.condition.columns})
        except pa.ArrowException as error:
            raise InvalidError(f"what is online of {self.slot.name} is of several types") from error

    def _holding(self, rows: Sequence[Row]) -> list[str]:
        """Keys that the condition names, or of which a text holds one of its values.

        Of an entity that the condition compares, the value itself counts, not one that has it inside.
        """
        named = [self._sought.literals.by_column.get(name) for name in self.slot.entities]
        found = []
        for row in rows:
            parts = zip(json.loads(row.key), named, strict=True)
            if any(self._is_sought(value, known) for value, known in parts) or self._redaction.is_in(row.text):
                found.append(row.key)
        return found

    def _is_sought(self, value: Any, known: Collection[Any] | None) -> bool:
        if known is not None:
            return isinstance(value, str | int | float) and value in known
        return self._redaction.is_in(json.dumps(value, ensure_ascii=False))
