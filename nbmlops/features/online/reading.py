"""Reads features by key: slots, columns and functions are settled once, and then each call is a look-up."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from nbmlops.core.clock import instant, microseconds
from nbmlops.core.errors import ConflictError, InvalidError, UnavailableError, nearest
from nbmlops.features.on_demand import answered
from nbmlops.features.online.codec import Decoder, keys_of
from nbmlops.features.online.records import OnlineRows, Status

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.features.online.port import OnlineStore
    from nbmlops.features.online.records import Kind, Slot

__all__ = ["Down", "LookUp", "MovedError", "OnDemand", "Reader"]

Down = Literal["error", "stale"]
"""What becomes of a read when the store is down: an error, or the last values known, with their age."""
_REMEMBERED = 100_000
_PAUSE = 1.0
"""Seconds for which a store that was down is not asked again."""


class MovedError(ConflictError):
    """A slot was replaced by another: whoever reads it opens the other."""


@dataclass(slots=True)
class LookUp:
    """Features of one view: its slot, and the names that its features have in the answer."""

    ref: str
    slot: Slot
    called: Mapping[str, str]
    timed: bool
    decoder: Decoder = field(init=False)

    def __post_init__(self) -> None:
        self.decoder = Decoder(self.slot.columns, list(self.called))


@dataclass(frozen=True, slots=True)
class OnDemand:
    """Features that a function computes on the request: its inputs by their columns, and what they are called."""

    ref: str
    name: str
    function: Callable[..., Any]
    inputs: tuple[str, ...]
    called: Mapping[str, str]


class Reader:
    """Reads some features.

    Parameters
    ----------
    store : OnlineStore
        Where they are.
    clock : Clock
        Tells what is expired.
    looked_up : sequence of LookUp
        Of views.
    on_demand : sequence of OnDemand
        Computed from the request and from the others, in order.
    order : sequence of str
        What is given, in order.
    down : {"error", "stale"}
        What becomes of a read when the store is down.
    """

    def __init__(
        self,
        store: OnlineStore,
        clock: Clock,
        looked_up: Sequence[LookUp],
        on_demand: Sequence[OnDemand],
        order: Sequence[str],
        down: Down = "error",
    ) -> None:
        self._store = store
        self._clock = clock
        self.looked_up = tuple(looked_up)
        self.on_demand = tuple(on_demand)
        self.order = tuple(order)
        self._down = down
        self._known: OrderedDict[tuple[int, str], tuple[tuple[int, str] | None, int]] = OrderedDict()
        self._rest_until = 0.0
        self._failure: UnavailableError | None = None
        self.kinds: dict[str, Kind] = {
            entity: kind for one in looked_up for entity, kind in zip(one.slot.entities, one.slot.kinds, strict=True)
        }
        """The entities, and how their values become keys."""
        made = {name for one in looked_up for name in one.called.values()}
        made |= {name for one in on_demand for name in one.called.values()}
        self.inputs = tuple(
            dict.fromkeys(name for one in on_demand for name in one.inputs if name not in made | self.kinds.keys())
        )
        """Columns of the request that functions take, beside the entities."""

    def same_as(self, other: Reader) -> bool:
        """Whether another reads the same in the same way, so that what this one remembers stays of use."""
        mine, theirs = ([(one.slot.id, one.ref, one.called) for one in each.looked_up] for each in (self, other))
        asked = [[(one.ref, one.inputs, one.called) for one in each.on_demand] for each in (self, other)]
        return mine == theirs and asked[0] == asked[1] and self.order == other.order

    def read(self, given: Mapping[str, Sequence[Any]]) -> OnlineRows:
        """Features of rows, in their order.

        Parameters
        ----------
        given : mapping of str to sequence
            The entities and inputs as columns of one length; other columns are left alone.

        Raises
        ------
        InvalidError
            When one is missing, or no key.
        UnavailableError
            When the store is down, and nothing is known of a key or an error is wanted.
        """
        for name in (*self.kinds, *self.inputs):
            if name not in given:
                hint = nearest(name, list(given)) or f"the keys are {', '.join((*self.kinds, *self.inputs))}"
                raise InvalidError(f"the column {name} is missing, which these features need", hint=hint)
        now = microseconds(self._clock.now())
        values: dict[str, list[Any]] = {}
        statuses: dict[str, list[Status]] = {}
        times: dict[str, list[datetime | None]] = {}
        oldest: int | None = None
        for one in self.looked_up:
            age = self._look_up(one, given, now, values, statuses, times)
            oldest = age if oldest is None else max(oldest, age or 0)
        if self.on_demand:
            self._compute(given, values, statuses)
        return OnlineRows(
            {name: given[name] for name in self.kinds},
            {name: values[name] for name in self.order},
            {name: statuses[name] for name in self.order},
            times,
            (*(one.ref for one in self.looked_up), *(one.ref for one in self.on_demand)),
            None if oldest is None else timedelta(microseconds=oldest),
        )

    def _look_up(
        self,
        one: LookUp,
        given: Mapping[str, Sequence[Any]],
        now: int,
        values: dict[str, list[Any]],
        statuses: dict[str, list[Status]],
        times: dict[str, list[datetime | None]],
    ) -> int | None:
        """Add the columns of one view; gives the age of what is known when the store is down."""
        slot = one.slot
        keys = keys_of([given[entity] for entity in slot.entities], slot.kinds)
        asked = keys if None not in keys else [key for key in keys if key is not None]
        found, age = self._found(slot.id, asked, now)  # type: ignore[arg-type]
        rows = iter(found)
        limit = None if slot.ttl is None else now - round(slot.ttl * 1e6)
        wide = len(one.called)
        here: list[list[Any]] = []
        said: list[Status] = []
        at: list[datetime | None] = []
        for key in keys:
            row = None if key is None else next(rows)
            if row is None:
                here.append([None] * wide)
                said.append("missing")
                at.append(None)
            elif limit is not None and one.timed and row[0] < limit:
                here.append([None] * wide)
                said.append("expired")
                at.append(instant(row[0]))
            else:
                here.append(one.decoder.row(row[1]))
                said.append("present" if age is None else "stale")
                at.append(instant(row[0]) if one.timed else None)
        for name, column in zip(one.called.values(), zip(*here, strict=True), strict=True):
            values[name] = list(column)
            statuses[name] = said
        times[one.ref] = at
        return age

    def _found(self, slot: int, keys: list[str], now: int) -> tuple[list[tuple[int, str] | None], int | None]:
        """Rows of keys, and when they are only remembered, since how long at most."""
        if self._failure is not None and time.monotonic() < self._rest_until:
            return self._remembered(slot, keys, now, self._failure)
        try:
            found = self._store.read(slot, keys)
        except UnavailableError as error:
            self._failure, self._rest_until = error, time.monotonic() + _PAUSE
            return self._remembered(slot, keys, now, error)
        self._failure = None
        if None in found and not self._store.holds(slot):
            raise MovedError("what was read was replaced meanwhile", hint="`ml feature freshness`")
        if self._down == "stale":
            for key, row in zip(keys, found, strict=True):
                self._known[slot, key] = row, now
                self._known.move_to_end((slot, key))
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return found, None

    def _remembered(
        self, slot: int, keys: list[str], now: int, error: UnavailableError
    ) -> tuple[list[tuple[int, str] | None], int | None]:
        if self._down == "error" or any((slot, key) not in self._known for key in keys):
            raise error
        known = [self._known[slot, key] for key in keys]
        return [row for row, _ in known], max((now - then for _, then in known), default=0)

    def _compute(
        self, given: Mapping[str, Sequence[Any]], values: dict[str, list[Any]], statuses: dict[str, list[Status]]
    ) -> None:
        import pandas as pd

        rows = pd.DataFrame({name: given[name] for name in (*self.kinds, *self.inputs)} | values)
        for one in self.on_demand:
            made = answered(one.function, one.name, one.inputs, rows).frame
            for feature, name in one.called.items():
                if feature not in made.columns:
                    raise InvalidError(
                        f"{one.ref} gave no {feature}", hint=f"it gave {', '.join(map(str, made.columns))}"
                    )
                column = made[feature]
                values[name] = column.astype(object).where(column.notna(), None).tolist()
                statuses[name] = ["present"] * len(column)
                rows[name] = column
