"""What the online store holds, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Freshness", "Kind", "Materialized", "OnlineRows", "Slot", "Status"]

Status = Literal["present", "missing", "expired", "stale"]
"""Of a value: there; the key was never seen; older than its ttl; the last one known, since the store is down."""
Kind = Literal["text", "whole", "other"]
"""Of an entity: how its values become keys."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One version of a view in the online store, and how far it is.

    Attributes
    ----------
    id : int
        Its number in that store.
    name, digest : str
        The view, and the identity of its version.
    number : int
        The number of the version; 0 until it has one.
    entities : tuple of str
        Its keys.
    kinds : tuple of str
        What each of them is.
    columns : tuple of tuple of str
        Features and their Arrow types.
    ttl : float or None
        Seconds for which a value holds.
    table : int
        The offline table that is wholly in, by its row in the catalog; 0 while there is none.
    filling : int
        The offline table that is being written, or was last.
    position : int
        How many rows of that are written.
    newest : int or None
        The newest event time: microseconds since 1970, UTC.
    done_at : int or None
        When it was last brought up to date.
    fence : int
        How often keys were erased from it, or looked for. What differs from its table is not known then, so the next
        materializer writes a new one.
    """

    id: int
    name: str
    digest: str
    number: int
    entities: tuple[str, ...]
    kinds: tuple[Kind, ...]
    columns: tuple[tuple[str, str], ...]
    ttl: float | None
    table: int = 0
    filling: int = 0
    position: int = 0
    newest: int | None = None
    done_at: int | None = None
    fence: int = 0

    @property
    def complete(self) -> bool:
        """Whether it may be read: all of one table was written."""
        return self.table > 0

    def document(self) -> dict[str, Any]:
        """As stores keep it."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Read what `document` gave."""
        columns = tuple((str(name), str(kind)) for name, kind in document["columns"])
        named = {"entities": tuple(document["entities"]), "kinds": tuple(document["kinds"]), "columns": columns}
        return cls(**{**document, **named})


@dataclass(frozen=True, slots=True)
class Materialized:
    """What became of one view: its version, its table, keys written and removed, and how many there are."""

    ref: str
    table: str
    written: int
    removed: int
    keys: int
    newest: datetime | None
    seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh a view is online.

    `newest` is the newest event time online, `behind` how much newer the offline table is, None when that is not
    known; `waiting` whether sources have changed since.
    """

    ref: str
    newest: datetime | None
    done_at: datetime | None
    age: timedelta | None
    behind: timedelta | None
    ttl: timedelta | None
    keys: int
    waiting: bool
    complete: bool


@dataclass(slots=True)  # not frozen: that alone takes a tenth of the time of a read
class OnlineRows:
    """Features of some keys, in their order.

    Attributes
    ----------
    keys : mapping of str to sequence
        The entities that were asked.
    values : mapping of str to sequence
        A column for each feature; null where its status is ``missing`` or ``expired``.
    statuses : mapping of str to sequence of str
        The same of what became of each value.
    times : mapping of str to sequence
        Event times by view; None where there is none.
    views : tuple of str
        Versions that were read.
    age : timedelta or None
        How old the values are when the store is down and the last ones known are given.
    """

    keys: Mapping[str, Sequence[Any]]
    values: Mapping[str, Sequence[Any]]
    statuses: Mapping[str, Sequence[Status]]
    times: Mapping[str, Sequence[datetime | None]] = field(default_factory=dict)
    views: tuple[str, ...] = ()
    age: timedelta | None = None

    def __len__(self) -> int:
        return len(next(iter(self.values.values()), ()))

    def to_pandas(self) -> pd.DataFrame:
        """Keys and values as a table."""
        import pandas as pd

        return pd.DataFrame({**self.keys, **self.values})

    @property
    def unseen(self) -> int:
        """How many values are missing because their key was never seen."""
        return sum(status == "missing" for column in self.statuses.values() for status in column)
