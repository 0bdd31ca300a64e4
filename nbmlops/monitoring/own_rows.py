"""Rows of a window as functions of the user's own get them: a pandas table, inputs by their own names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.monitoring.watching import INPUT, OUTPUT, NoDataError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from nbmlops.monitoring.watching import Watched

__all__ = ["frame_of"]

_MOST = 2_000_000
"""Rows that a function gets at most; of more, memory would say how many."""


def frame_of(watched: Watched, *, sample: int | None = None, labels: bool = False) -> pd.DataFrame:
    """Rows of the window that were answered, in the order of time.

    Parameters
    ----------
    watched : Watched
        The window.
    sample : int, optional
        How many rows at most, the same ones each time.
    labels : bool
        Whether ``label`` stands beside those whose truth is known.

    Raises
    ------
    NoDataError
        When there are none.
    InvalidError
        When there are too many.
    """
    import polars as pl

    rows = watched.rows()
    names = rows.collect_schema().names()
    if labels:
        known = watched.labelled().select("_id", "label").unique("_id")
        rows = rows.join(known, on="_id", how="left")
    height = rows.select(pl.len()).collect().item()
    if not height:
        raise NoDataError("no rows were kept in this window", hint="`ml deployment set NAME --sampled 0.1` keeps some")
    if sample is not None and height > sample:
        # By the hash of its id, so that the next look of the same window takes the same rows.
        rows = rows.with_columns(pl.col("_id").hash(0).alias("_place")).sort("_place").head(sample)
    elif height > _MOST:
        raise InvalidError(f"{height:,} rows are too many for a function", hint=f"at most {_MOST:,}: a shorter window")
    shown = [*_renamed(names), *([pl.col("label")] if labels else [])]
    found: pd.DataFrame = rows.sort("_at", "_id").select(shown).collect().to_pandas()
    return found


def _renamed(names: list[str]) -> list[pl.Expr]:
    import polars as pl

    own = [pl.col(name) for name in ("_id", "_at", "_version", "_key")]
    inputs = [pl.col(name).alias(name.removeprefix(INPUT)) for name in names if name.startswith(INPUT)]
    taken = {name.removeprefix(INPUT) for name in names if name.startswith(INPUT)}
    outputs = [
        pl.col(name).alias(name.removeprefix(OUTPUT))
        for name in names
        if name.startswith(OUTPUT) and name.removeprefix(OUTPUT) not in taken
    ]
    return [*own, *inputs, *outputs]
