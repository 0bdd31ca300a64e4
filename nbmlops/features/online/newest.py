"""The newest row of each entity of an offline table, and what differs between those of two tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nbmlops.features.shaping import times_of
from nbmlops.features.spines import table_parts

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.data.service import Data
    from nbmlops.features.definition import Definition

__all__ = ["AT", "changed", "newest_rows"]

AT = "__at"
"""The event time of a row: microseconds since 1970, UTC; 0 where the view has none."""


def newest_rows(
    data: Data, table: str, view: Definition, since: datetime | None = None, until: datetime | None = None
) -> pl.DataFrame:
    """Entities, `AT` and features of the newest row of each entity, read part by part.

    Parameters
    ----------
    data : Data
        Where the table is.
    table : str
        Its reference.
    view : Definition
        The view that it is of.
    since, until : datetime, optional
        Only rows of event times from the one to before the other.
    """
    import polars as pl

    entities = list(view.entities)
    columns = [*entities, *([view.time] if view.time else []), *view.columns]
    kept: list[pl.DataFrame] = []
    for part in table_parts(data, table, columns):
        at = pl.lit(0, pl.Int64) if view.time is None else _micros(part, view.time, table)
        rows = part.with_columns(at.alias(AT))
        if since is not None:
            rows = rows.filter(pl.col(AT) >= _micro(since))
        if until is not None:
            rows = rows.filter(pl.col(AT) < _micro(until))
        # Tables lie in the order of entities and times: the last row of an entity is its newest.
        kept.append(rows.unique(entities, keep="last", maintain_order=True))
    found = pl.concat(kept).unique(entities, keep="last", maintain_order=True)
    return found.select(*entities, AT, *view.columns)


def _micros(part: pl.DataFrame, time: str, table: str) -> pl.Series:
    return times_of(part[time], f"{table}:{time}").dt.epoch("us")


def _micro(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1_000_000)


def changed(before: pl.DataFrame, after: pl.DataFrame, view: Definition) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that are new or other, and the entities whose old row has to go: gone, or of a later time than now."""
    import polars as pl

    entities = list(view.entities)
    old = before.with_columns(pl.lit(value=True).alias("__there"))
    both = after.join(old, on=entities, how="left", suffix="__old", maintain_order="left")
    same = pl.col(AT).eq_missing(pl.col(f"{AT}__old"))
    for name in view.columns:
        same = same & pl.col(name).eq_missing(pl.col(f"{name}__old"))
    other = both.filter(~(same & pl.col("__there").is_not_null()))
    backwards = other.filter(pl.col(f"{AT}__old") > pl.col(AT))
    gone = before.join(after, on=entities, how="anti")
    return other.select(after.columns), pl.concat([gone.select(entities), backwards.select(entities)])
