"""The point-in-time join: for each row of a spine the newest row of a view that was known by then.

The rule is Feast's: of the rows of the same entities, the newest with ``time <= event``, and with a ttl
``time >= event - ttl``, both ends included (``feast/infra/offline_stores/dask.py``, ``_filter_ttl``, Feast 0.64). Times
are compared in UTC; one with a zone and one without cannot be compared and are refused. A view without a time holds for
ever. What ``created`` says was made only after the event is a leak, and refused with its rows.

Only the keys of the spine are sorted, once for all views; features are gathered once, by the number of the row that
`nbmlops.features.searching` finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.features.definition import CREATED
from nbmlops.features.searching import newest, runs_of
from nbmlops.features.shaping import shown, times_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["EVENT", "ROW", "Keys", "Wanted", "events_of", "keyed", "looked_up"]

EVENT, ROW = "__event", "__row"
"""What the keys of a spine call the time of the event, and the number of the row from 0."""
_CODE = "__code"


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
    """The keys of a spine in the order of entities and events: entities, the exact time in UTC, the number of each row.

    `entities` has each entity once, `codes` tells which of them a key has, and `places` where the rows of the spine lie
    in that order. They are made once for all views of the same entities.
    """

    frame: pl.DataFrame
    entities: pl.DataFrame
    codes: np.ndarray
    places: np.ndarray

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Self:
        """Keys of what `events_of` gave, in any order."""
        names = [name for name in frame.columns if name not in {EVENT, ROW}]
        entities = frame.select(names).unique().sort(names)
        coded = frame.join(
            entities.with_row_index(_CODE), on=names, how="left", nulls_equal=True, maintain_order="left"
        )
        ordered = coded.sort(_CODE, EVENT)
        return cls(ordered.drop(_CODE), entities, ordered[_CODE].to_numpy(), ordered[ROW].arg_sort().to_numpy())


def keyed(spine: pl.DataFrame, time: str, entities: Sequence[str], what: str) -> Keys:
    """The keys of a spine, as `events_of` takes it."""
    return Keys.of(events_of(spine, time, entities, what))


def events_of(spine: pl.DataFrame, time: str, entities: Sequence[str], what: str, first: int = 0) -> pl.DataFrame:
    """The number of each row of a spine, from `first` on, its entities and its exact time in UTC.

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
    return spine.select(entities).with_columns(event.alias(EVENT)).with_row_index(ROW, first)


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
    import numpy as np
    import polars as pl

    asked, right = _comparable(keys.entities, table.select(wanted.entities), wanted, what)
    runs = runs_of(right, asked)
    if wanted.time:
        own = runs.asked[keys.codes]
        event, known = _of_one_clock(keys.frame[EVENT], table[wanted.time], wanted, what)
        found = newest(runs, _whole(known), own, _whole(event), _lasting(wanted.ttl, event.dtype))
    else:
        found = np.append(runs.starts, -1)[runs.asked][keys.codes]
    given = table.select(pl.col(name).alias(called) for name, called in wanted.features.items())
    if CREATED in table.columns:
        _refuse_leaks(keys.frame, table[CREATED], _numbers(found), wanted, what)
    return given.select(pl.all().gather(_numbers(found[keys.places])))


def _numbers(found: np.ndarray) -> pl.Series:
    """Numbers of rows, null where there is none."""
    import polars as pl

    return pl.select(pl.when(pl.lit(pl.Series(found)) >= 0).then(pl.lit(pl.Series(found)))).to_series()


def _whole(times: pl.Series) -> np.ndarray:
    return times.to_physical().to_numpy()


def _lasting(ttl: timedelta | None, kind: pl.DataType) -> int | None:
    """A ttl in the unit of some times."""
    if ttl is None:
        return None
    return ttl // timedelta(microseconds=1) * (1_000 if getattr(kind, "time_unit", "us") == "ns" else 1)


def _comparable(
    left: pl.DataFrame, right: pl.DataFrame, wanted: Wanted, what: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The entities of both sides, of the same types."""
    import polars as pl

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
    return left, right


def _of_one_clock(event: pl.Series, known: pl.Series, wanted: Wanted, what: str) -> tuple[pl.Series, pl.Series]:
    """The times of both sides, of the same unit."""
    known = times_of(known, f"{wanted.ref}:{wanted.time}")
    kinds: Any = event.dtype, known.dtype
    if bool(kinds[0].time_zone) != bool(kinds[1].time_zone):
        which = (what, wanted.ref) if kinds[0].time_zone else (wanted.ref, what)
        raise InvalidError(
            f"the times of {which[0]} have a zone and those of {which[1]} have none, so they cannot be compared",
            hint="say which zone is meant, as by df.time.dt.tz_localize('America/New_York')",
        )
    if kinds[0].time_unit != kinds[1].time_unit:
        return _exact(event, what), _exact(known, wanted.ref)
    return event, known


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
