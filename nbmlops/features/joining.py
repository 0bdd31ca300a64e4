"""The point-in-time join: for each row of a spine the newest row of a view that was known by then.

The rule is Feast's: of the rows of the same entities, the newest with ``time <= event``, and with a ttl
``time >= event - ttl``, both ends included (``feast/infra/offline_stores/dask.py``, ``_filter_ttl``, Feast 0.64). Times
are compared in UTC; one with a zone and one without cannot be compared and are refused. A view without a time holds for
ever. What ``created`` says was made only after the event is a leak, and refused with its rows.

Of the two tables only the keys are sorted; features are gathered once, by the number of the row that was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.features.definition import CREATED
from nbmlops.features.shaping import shown, times_of

if TYPE_CHECKING:
    import polars as pl

__all__ = ["EVENT", "ROW", "Keys", "Wanted", "keyed", "looked_up"]

EVENT, ROW = "__event", "__row"
"""What the keys of a spine call the time of the event, and the number of the row from 0."""
_FOUND, _TIME = "__found", "__time"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of one view: the reference, its keys, its time and ttl, and features -> what to call them."""

    ref: str
    entities: tuple[str, ...]
    time: str | None
    ttl: timedelta | None
    features: Mapping[str, str]

    def columns(self, known: Sequence[str]) -> list[str]:
        """The columns of its table that are read."""
        more = [self.time] if self.time else []
        return [*self.entities, *more, *self.features, *([CREATED] if CREATED in known else [])]


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a spine in the order of the events: entities, the exact time in UTC, the number of each row.

    `places` tells where the rows of the spine lie in that order.
    """

    frame: pl.DataFrame
    places: pl.Series

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Self:
        """Keys of a frame in any order."""
        ordered = frame.sort(EVENT)
        return cls(ordered, ordered[ROW].arg_sort())


def keyed(spine: pl.DataFrame, time: str, entities: Sequence[str], what: str, first: int = 0) -> Keys:
    """The keys of a spine, whose rows are numbered from `first` on.

    Raises
    ------
    InvalidError
        When an event time is missing, or the column holds no times.
    """
    event = times_of(spine[time], f"{what}:{time}")
    if event.null_count():
        rows = shown(spine.with_row_index("row", first + 1).filter(event.is_null()), ["row", *entities])
        raise InvalidError(
            f"{event.null_count():,} rows of {what} have no {time}: what was known then cannot be told\n{rows}",
            hint="drop these rows, or fill their time",
        )
    return Keys.of(spine.select(entities).with_columns(event.alias(EVENT)).with_row_index(ROW, first))


def looked_up(keys: Keys, table: pl.DataFrame, wanted: Wanted, what: str) -> pl.DataFrame:
    """The features of a view for each row of a spine, in the order of the spine; null where nothing was known.

    Parameters
    ----------
    keys : Keys
        What `keyed` gave.
    table : polars.DataFrame
        The rows of the view, in the order of their keys.
    wanted : Wanted
        What is wanted of it.
    what : str
        What messages call the spine.

    Raises
    ------
    InvalidError
        When entities or times of the two cannot be compared.
    RefusedError
        When what was found had been made only after the event.
    """
    import polars as pl

    left, right = _comparable(keys.frame, table, wanted, what)
    found = _newest(left, right, wanted) if wanted.time else _only(left, right, wanted)
    given = table.select(pl.col(name).alias(called) for name, called in wanted.features.items())
    if CREATED in table.columns:
        _refuse_leaks(keys.frame, table[CREATED], found, wanted, what)
    return given.select(pl.all().gather(found.gather(keys.places)))


def _newest(left: pl.DataFrame, right: pl.DataFrame, wanted: Wanted) -> pl.Series:
    """For each row of the left the number of the row of the right that holds; null for none."""
    import polars as pl

    entities = list(wanted.entities)
    there = pl.any_horizontal(pl.col(name).is_null() for name in entities)
    joined = left.join_asof(
        right.with_row_index(_FOUND).rename({wanted.time or "": _TIME}),
        left_on=EVENT,
        right_on=_TIME,
        by=entities,
        strategy="backward",
        tolerance=wanted.ttl,
        check_sortedness=False,  # both lie in the order of their times: `keyed` and `shaping` see to that
    )
    return joined.select(pl.when(there).then(None).otherwise(pl.col(_FOUND)).alias(_FOUND))[_FOUND]


def _only(left: pl.DataFrame, right: pl.DataFrame, wanted: Wanted) -> pl.Series:
    entities = list(wanted.entities)
    numbered = right.select(entities).with_row_index(_FOUND)
    return left.join(numbered, on=entities, how="left", maintain_order="left")[_FOUND]


def _comparable(
    keys: pl.DataFrame, table: pl.DataFrame, wanted: Wanted, what: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The keys of both sides, of the same types."""
    import polars as pl

    left, right = keys.select(*wanted.entities, EVENT), table.select(*wanted.entities, *filter(None, [wanted.time]))
    for name in wanted.entities:
        kinds = left.schema[name], right.schema[name]
        as_one = next((kind for kind in (_as_text, _as_whole) if all(map(kind, kinds))), None)
        if as_one is not None:
            same: pl.DataType = pl.String() if as_one is _as_text else pl.Int64()
            left, right = left.with_columns(pl.col(name).cast(same)), right.with_columns(pl.col(name).cast(same))
        elif kinds[0] != kinds[1]:
            raise InvalidError(
                f"{name} is {kinds[0]} in {what} and {kinds[1]} in {wanted.ref}: no row of one is a row of the other",
                hint=f"give both the same type, as by df[{name!r}].astype(str)",
            )
    if wanted.time:
        left, right = _of_one_clock(left, right, wanted, what)
    return left, right


def _of_one_clock(
    left: pl.DataFrame, right: pl.DataFrame, wanted: Wanted, what: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    import polars as pl

    time = wanted.time or ""
    right = right.with_columns(times_of(right[time], f"{wanted.ref}:{time}"))
    event, known = left.schema[EVENT], right.schema[time]
    assert isinstance(event, pl.Datetime)
    assert isinstance(known, pl.Datetime)
    if bool(event.time_zone) != bool(known.time_zone):
        which = (what, wanted.ref) if event.time_zone else (wanted.ref, what)
        raise InvalidError(
            f"the times of {which[0]} have a zone and those of {which[1]} have none, so they cannot be compared",
            hint="say which zone is meant, as by df.time.dt.tz_localize('America/New_York')",
        )
    if event.time_unit != known.time_unit:
        left = left.with_columns(_exact(left[EVENT], what))
        right = right.with_columns(_exact(right[time], wanted.ref))
    return left, right


def _exact(times: pl.Series, what: str) -> pl.Series:
    """Times in nanoseconds, which reach from 1677 to 2262.

    Raises
    ------
    InvalidError
        When one lies outside of that.
    """
    years = times.drop_nulls().dt.year().to_list()
    first, last = min(years, default=2000), max(years, default=2000)
    if first < 1678 or last > 2261:
        raise InvalidError(
            f"{what} has times from {first} to {last}, which nanoseconds do not reach",
            hint="keep the other table's times in microseconds",
        )
    return times.dt.cast_time_unit("ns")


def _refuse_leaks(keys: pl.DataFrame, created: pl.Series, found: pl.Series, wanted: Wanted, what: str) -> None:
    """Refuse rows whose feature was made only after their event.

    Raises
    ------
    RefusedError
        When there are such rows; names the first.
    InvalidError
        When one of the two times has a zone and the other has none.
    """
    import polars as pl

    event = keys[EVENT]
    if bool(getattr(event.dtype, "time_zone", None)) != bool(getattr(created.dtype, "time_zone", None)):
        raise InvalidError(
            f"{CREATED} of {wanted.ref} and the times of {what} cannot be compared: one has a zone, the other has none",
            hint="say which zone is meant, as by df.created.dt.tz_localize('UTC')",
        )
    known = times_of(created, f"{wanted.ref}:{CREATED}").gather(found)
    both = keys.with_columns(known.alias(CREATED), (pl.col(ROW) + 1).alias("row"))
    late = both.filter(pl.col(CREATED) > pl.col(EVENT)).sort("row")
    if late.height:
        rows = shown(late.rename({EVENT: "event"}), ["row", *wanted.entities, "event", CREATED])
        raise RefusedError(
            f"{late.height:,} rows of {what} would get what {wanted.ref} made only after their event:\n{rows}",
            hint=f"give the view the time when its value was known, or leave {CREATED} out when it says something else",
        )


def _as_text(kind: pl.DataType) -> bool:
    import polars as pl

    return isinstance(kind, pl.String | pl.Categorical | pl.Enum)


def _as_whole(kind: pl.DataType) -> bool:
    return kind.is_integer() and str(kind) != "UInt64"
