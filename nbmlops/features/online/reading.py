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
    from nbmlops.features.online.port import Found, OnlineStore
    from nbmlops.features.online.records import Kind, Slot

__all__ = ["Down", "LookUp", "MovedError", "OnDemand", "Reader"]

Down = Literal["error", "stale"]
"""What becomes of a read when the store is down: an error, or the last values known, with their age."""
_REMEMBERED = 100_000
_PAUSE = 1.0
"""Seconds for which a store that was down is not asked again."""
_FEW = 8
"""Rows for which numpy is not worth its call."""
Settled = tuple[dict[str, list[Any]], list["Status"], list[datetime | None]]
Shape = tuple[tuple[str, ...], tuple["Kind", ...]]
"""Entities and their kinds: views of one shape have the same keys, which are written once."""


class MovedError(ConflictError):
    """A slot was replaced by another: whoever reads it opens the other."""


@dataclass(slots=True)
class LookUp:
    """Features of one view: its slot, and the names that its features have in the answer."""

    ref: str
    slot: Slot
    called: Mapping[str, str]
    timed: bool
    shape: Shape = field(init=False)
    names: tuple[str, ...] = field(init=False)
    _decoder: Decoder = field(init=False)
    _lasting: int | None = field(init=False)

    def __post_init__(self) -> None:
        self.shape = self.slot.entities, self.slot.kinds
        self.names = tuple(self.called.values())
        self._decoder = Decoder(self.slot.columns, list(self.called))
        self._lasting = round(self.slot.ttl * 1e6) if self.timed and self.slot.ttl is not None else None

    @property
    def expires(self) -> bool:
        """Whether what is found may be too old."""
        return self._lasting is not None

    def settled(self, rows: list[Found], now: int, there: Status) -> Settled:
        """What rows are at a time: features by column, null where they do not hold, statuses, and event times."""
        first = None if self._lasting is None else now - self._lasting
        if len(rows) == 1 and (row := rows[0]) and (first is None or row[0] >= first):  # mostly: be quick
            pairs = zip(self.names, self._decoder.row(row[1]))  # noqa: B905 - strict takes twice the time
            return {name: [value] for name, value in pairs}, [there], [instant(row[0]) if self.timed else None]
        if None not in rows and (first is None or all(row[0] >= first for row in rows if row)):
            here = self._decoder.rows([row[1] for row in rows if row])
            return self._columns(here), [there] * len(rows), self._times(rows)
        said: list[Status] = [
            "missing" if row is None else "expired" if first is not None and row[0] < first else there for row in rows
        ]
        holding = [row[1] for row, status in zip(rows, said, strict=True) if row and status == there]
        rest, nothing = iter(self._decoder.rows(holding)), [None] * len(self.called)
        here = [next(rest) if status == there else nothing for status in said]
        return self._columns(here), said, self._times(rows)

    def _columns(self, here: list[list[Any]]) -> dict[str, list[Any]]:
        columns = zip(*here, strict=True) if here else [()] * len(self.names)
        return {name: list(column) for name, column in zip(self.names, columns, strict=True)}

    def _times(self, rows: list[Found]) -> list[datetime | None]:
        if not self.timed:
            return [None] * len(rows)
        if len(rows) < _FEW or None in rows:
            return [instant(row[0]) if row else None for row in rows]
        return _instants([row[0] for row in rows if row])


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
        self._known: OrderedDict[tuple[int, str], tuple[Found, int]] = OrderedDict()
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
        self._needed = (*self.kinds, *self.inputs)
        self._refs = (*(one.ref for one in self.looked_up), *(one.ref for one in self.on_demand))
        self._shapes = tuple(dict.fromkeys(one.shape for one in self.looked_up))
        self._asked = tuple((one.slot.id, one.shape) for one in self.looked_up)
        self._timely = down == "stale" or any(one.expires for one in self.looked_up)
        self._picks = self.order != tuple(name for one in self.looked_up for name in one.names)

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
        for name in self._needed:
            if name not in given:
                hint = nearest(name, list(given)) or f"the keys are {', '.join(self._needed)}"
                raise InvalidError(f"the column {name} is missing, which these features need", hint=hint)
        now = microseconds(self._clock.now()) if self._timely else 0
        keys = {shape: keys_of([given[entity] for entity in shape[0]], shape[1]) for shape in self._shapes}
        found, age = self._found([(slot, _some(keys[shape])) for slot, shape in self._asked], now)
        there: Status = "present" if age is None else "stale"
        values: dict[str, list[Any]] = {}
        statuses: dict[str, list[Status]] = {}
        times: dict[str, list[datetime | None]] = {}
        for place, one in enumerate(self.looked_up):
            columns, said, times[one.ref] = one.settled(_spread(found[place], keys[one.shape]), now, there)
            values |= columns
            statuses |= dict.fromkeys(one.names, said)
        if self.on_demand:
            self._compute(given, values, statuses)
        if self._picks:
            values, statuses = ({name: each[name] for name in self.order} for each in (values, statuses))
        spent = None if age is None else timedelta(microseconds=age)
        keyed = given if len(given) == len(self.kinds) else {name: given[name] for name in self.kinds}
        return OnlineRows(keyed, values, statuses, times, self._refs, spent)

    def _found(self, asked: list[tuple[int, list[str]]], now: int) -> tuple[list[list[Found]], int | None]:
        """Rows of the keys of each slot, and when they are only remembered, since how long at most."""
        if self._failure is not None and time.monotonic() < self._rest_until:
            return self._remembered(asked, now, self._failure)
        try:
            found = self._store.read(asked)
        except UnavailableError as error:
            self._failure, self._rest_until = error, time.monotonic() + _PAUSE
            return self._remembered(asked, now, error)
        self._failure = None
        for place, rows in enumerate(found):
            if None in rows and not self._store.holds(asked[place][0]):
                raise MovedError("what was read was replaced meanwhile", hint="`ml feature freshness`")
            if self._down == "stale":
                self._remember(*asked[place], rows, now)
        return found, None

    def _remember(self, slot: int, keys: list[str], rows: list[Found], now: int) -> None:
        for key, row in zip(keys, rows, strict=True):
            self._known[slot, key] = row, now
            self._known.move_to_end((slot, key))
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _remembered(
        self, asked: list[tuple[int, list[str]]], now: int, error: UnavailableError
    ) -> tuple[list[list[Found]], int | None]:
        if self._down == "error" or any((slot, key) not in self._known for slot, keys in asked for key in keys):
            raise error
        known = [[self._known[slot, key] for key in keys] for slot, keys in asked]
        age = max((now - then for rows in known for _, then in rows), default=0)
        return [[row for row, _ in rows] for rows in known], age

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


def _some(keys: list[str | None]) -> list[str]:
    """Keys but for those with a null in them, which nothing can be kept of."""
    return keys if None not in keys else [key for key in keys if key is not None]  # type: ignore[return-value]


def _spread(rows: list[Found], keys: list[str | None]) -> list[Found]:
    """The rows of `_some` of the keys, and None for the others."""
    if len(rows) == len(keys):
        return rows
    rest = iter(rows)
    return [None if key is None else next(rest) for key in keys]


def _instants(numbers: list[int]) -> list[datetime | None]:
    """Times from many microseconds since 1970."""
    import numpy as np

    return list(map(instant(0).__add__, np.array(numbers, "i8").view("m8[us]").tolist()))
