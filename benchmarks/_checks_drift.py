"""Drift of flights and of a wide table, beside Evidently's preset and what scipy computes column by column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import _evidently
import _flights
import numpy as np
import pandas as pd
import pyarrow as pa
from _bounds import Row, at_most, by_turns, times_faster

from nbmlops.checks.drift.comparing import compare_profiles, compare_tables
from nbmlops.checks.frames import table_of
from nbmlops.profiling.profiler import profile_parts

if TYPE_CHECKING:
    from _bench import Bench

    from nbmlops.profiling.records import Profile

__all__ = ["drift"]

_SMALL, _LARGE = 27_000, 1_000_000
_COLUMNS = 15
_FROM_PROFILES, _WIDE = 0.05, 1.0


def drift(bench: Bench) -> Iterator[Row]:
    """January's flights against July's, as many rows as asked; then 200 columns."""
    for rows, rounds in ((_SMALL, bench.rounds), (_LARGE, 1)):
        before, after = (_taken(month, int(rows * bench.scale)) for month in (0, 6))
        work = f"drift, {_COLUMNS} columns of {len(before):,} and {len(after):,} rows"
        (ours,) = by_turns(max(rounds, 3), lambda: lambda: _ours(before, after))  # noqa: B023 - called at once
        evidently = _evidently.preset(bench, before, after, rounds)
        yield times_faster(work, ("Evidently's preset", *evidently), ours, 15)
        if rows == _LARGE:
            (scipys,) = by_turns(1, lambda: lambda: _scipy(before, after))  # noqa: B023 - called at once
            yield at_most(work, ("scipy's Wasserstein, JS", scipys), ours, 0.5)
            was, now = (_profiled(one) for one in (before, after))
            (told,) = by_turns(3, lambda: lambda: compare_profiles(was, now, was.names))  # noqa: B023
            yield Row(f"{work}, saved profiles", "", str(told), "", "50 ms", told.median <= _FROM_PROFILES)
    before, after = (_wide(seed, int(5_000 * bench.scale)) for seed in (0, 1))
    loop, ours = by_turns(bench.rounds, lambda: lambda: _scipy(before, after), lambda: lambda: _ours(before, after))
    work = f"drift, {before.shape[1]} columns x {len(before):,} rows, calibrated"
    yield Row(work, f"scipy's Wasserstein, JS {loop}", str(ours), "", "1 s", ours.median <= _WIDE)
    evidently = _evidently.preset(bench, before, after, 1)
    yield times_faster(work, ("Evidently's preset", *evidently), ours, 15)


def _profiled(frame: pd.DataFrame) -> Profile:
    return profile_parts([pa.Table.from_pandas(frame, preserve_index=False)])


def _ours(before: pd.DataFrame, after: pd.DataFrame) -> object:
    return compare_tables(table_of(before), table_of(after), [*before.columns])


def _taken(month: int, rows: int) -> pd.DataFrame:
    """Fifteen columns of one month's flights, over and over until there are so many rows."""
    year = _flights.year(0)
    part = year[year["month"] == month + 1].select_dtypes(["number", "object", "string"]).iloc[:, 1 : _COLUMNS + 1]
    return pd.concat([part] * (rows // len(part) + 1), ignore_index=True).head(rows)


def _wide(seed: int, rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(size=(rows, 200)), columns=[f"x{number}" for number in range(200)])


def _scipy(before: pd.DataFrame, after: pd.DataFrame) -> object:
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import wasserstein_distance

    found = []
    for name in before.columns:
        first, second = before[name].dropna(), after[name].dropna()
        if pd.api.types.is_numeric_dtype(first):
            found.append(wasserstein_distance(first, second))
        else:
            counts = pd.concat([one.value_counts(normalize=True) for one in (first, second)], axis=1).fillna(0.0)
            found.append(jensenshannon(*counts.to_numpy().T))
    return found
