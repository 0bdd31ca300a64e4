"""The rows that a feature's function gives, as the offline table they become: checked, in UTC, one row of each key.

A row's key is its entities and its event time. Rows of one key are told apart by ``created``, where the last one
holds; without such a column they are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.data.frames import is_table, kind_of, to_arrow
from nbmlops.features.definition import CREATED

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = ["feature_columns", "shaped", "shown", "times_of"]

_SHOWN = 5


def shaped(given: Any, name: str, entities: Sequence[str], time: str | None) -> pl.DataFrame:
    """Check what a function gave, and put it in order of entities and time.

    Parameters
    ----------
    given : pandas.DataFrame, polars.DataFrame or pyarrow.Table
        What the function gave.
    name : str
        What messages call the view.
    entities : sequence of str
        The key columns.
    time : str or None
        The column of the event time.

    Raises
    ------
    InvalidError
        When it is no table, lacks a column, has a key twice, a key or a time missing, or infinite values.
    """
    import polars as pl

    if not is_table(given):
        raise InvalidError(
            f"{name} gave {kind_of(given)}, not a table",
            hint="return a DataFrame with the entities, the time and the features",
        )
    if type(given).__module__.startswith("pandas"):
        given = given.reset_index(drop=_is_bare(given, (*entities, time)))
        for column in (time, CREATED):
            if column in given.columns:
                _refuse_mixed_zones(given[column], f"{name}:{column}")
    frame = pl.from_arrow(to_arrow(given, allow_empty=True))
    assert isinstance(frame, pl.DataFrame)
    _refuse_missing(frame, name, entities, time)
    keys = [*entities, *([time] if time else [])]
    if not feature_columns(frame.columns, entities, time):
        raise InvalidError(f"{name} gave no column besides {', '.join(keys)}", hint="return the features too")
    if time:
        frame = frame.with_columns(times_of(frame[time], f"{name}:{time}"))
    if CREATED in frame.columns:
        frame = frame.with_columns(times_of(frame[CREATED], f"{name}:{CREATED}"))
    for key in keys:
        if frame[key].null_count():
            rows = shown(frame.filter(pl.col(key).is_null()), frame.columns[:6])
            raise InvalidError(
                f"{name} gave {frame[key].null_count():,} rows without {key}:\n{rows}",
                hint=f"drop them: {key} is a key",
            )
    _refuse_infinite(frame, name, entities)
    return _one_of_each(frame, name, entities, time)


def feature_columns(columns: Sequence[str], entities: Sequence[str], time: str | None) -> list[str]:
    """Those of some columns that are features."""
    return [column for column in columns if column not in {*entities, time, CREATED}]


def shown(rows: pl.DataFrame, columns: Sequence[str]) -> str:
    """A few rows for a message, one on a line."""
    lines = [
        "  " + ", ".join(f"{key}={value}" for key, value in row.items())
        for row in rows.select(columns).head(_SHOWN).to_dicts()
    ]
    return "\n".join([*lines, *([f"  … and {rows.height - _SHOWN:,} more"] if rows.height > _SHOWN else [])])


def times_of(column: pl.Series, what: str) -> pl.Series:
    """A column of times at least as exact as microseconds, zoned ones in UTC; a date is its midnight.

    Raises
    ------
    InvalidError
        When it holds no times, or times of which some have a zone and others have none.
    """
    import polars as pl

    kind = column.dtype
    if kind == pl.Date:
        return column.cast(pl.Datetime("us"))
    if not isinstance(kind, pl.Datetime):
        raise InvalidError(
            f"{what} holds {kind}, not times", hint="turn it into times first, as by pd.to_datetime(column, utc=True)"
        )
    exact = column.dt.cast_time_unit("us") if kind.time_unit == "ms" else column
    return exact.dt.convert_time_zone("UTC") if kind.time_zone else exact


def _is_bare(frame: Any, keys: Sequence[str | None]) -> bool:
    """Whether the index of a frame holds no key: it is numbers then, or what is left of a filter."""
    return not {name for name in frame.index.names if name is not None} & {key for key in keys if key}


def _refuse_mixed_zones(column: pd.Series[Any], what: str) -> None:
    """Refuse times of which some have a zone and others none: Arrow would take them for times of one clock."""
    if column.dtype == object:
        zoned = [getattr(value, "tzinfo", None) is not None for value in column.dropna()]
        if any(zoned) and not all(zoned):
            place = zoned.index(not zoned[0])
            raise InvalidError(
                f"{what} holds times with a zone and times without, such as {column.dropna().iloc[0]} and "
                f"{column.dropna().iloc[place]}",
                hint="bring them to one clock, as by pd.to_datetime(column, utc=True)",
            )


def _refuse_missing(frame: pl.DataFrame, name: str, entities: Sequence[str], time: str | None) -> None:
    for what, column in (*(("entity", entity) for entity in entities), *((("time", time),) if time else ())):
        if column not in frame.columns:
            raise InvalidError(
                f"{name} gave no column {column!r}, its {what}; it gave {', '.join(frame.columns[:12])}",
                hint=nearest(column, frame.columns) or f"return {column} as a column",
            )


def _refuse_infinite(frame: pl.DataFrame, name: str, entities: Sequence[str]) -> None:
    import polars as pl

    for column, kind in frame.schema.items():
        if kind in {pl.Float32, pl.Float64} and (bad := frame[column].is_infinite()).any():
            rows = shown(frame.filter(bad.fill_null(False)), [*entities, column])
            raise InvalidError(
                f"{name}:{column} holds {int(bad.sum()):,} infinite values:\n{rows}",
                hint="say null where nothing is known",
            )


def _one_of_each(frame: pl.DataFrame, name: str, entities: Sequence[str], time: str | None) -> pl.DataFrame:
    import polars as pl

    keys = [*entities, *([time] if time else [])]
    created = CREATED in frame.columns
    ordered = frame.sort([*keys, *([CREATED] if created else [])], maintain_order=True)
    same = pl.all_horizontal(pl.col(key) == pl.col(key).shift(-1) for key in keys).fill_null(False)
    tied = same & (pl.col(CREATED) == pl.col(CREATED).shift(-1)).fill_null(True) if created else same
    again = ordered.filter(tied)
    if again.height:
        why = f"of the same {', '.join(keys)}" + (f" and {CREATED}" if created else "")
        raise InvalidError(
            f"{name} gave {again.height:,} rows {why} as another:\n{shown(again, keys)}",
            hint=f"aggregate them to one, or return a column {CREATED!r}: the last one created holds",
        )
    return ordered.filter(~same)
