"""Range, set and null checks of a wide table, beside pandera, numpy by hand, and Polars on the same file."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from _bounds import Row, at_most, by_turns, run, times_faster, warm

from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.suite import Suite, SuiteBuilder

if TYPE_CHECKING:
    from _bench import Bench

__all__ = ["data"]

_ROWS = 5_000_000
_LARGE = 100_000_000
_PIECE = 1_000_000
_FLOATS, _INTEGERS, _WORDS = 9, 3, 3
_CODES = [f"N{code}" for code in "ABCDEFGHIJKLMNOP"]
_TURNS = 13
"""Ranges or sets of each column, for 210 checks."""
_PEAK = """
import resource, sys
from pathlib import Path
from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.suite import Suite
outcomes = judge(table_of(Path(sys.argv[1])), Suite.parse(Path(sys.argv[2]).read_text()))
assert {outcome.status for outcome in outcomes} <= {"passed", "failed"}, outcomes
line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(line.split()[1]) << 10)
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One column's range, or its set of values."""

    column: str
    low: float = 0.0
    high: float = 0.0
    values: tuple[str, ...] = ()


def data(bench: Bench) -> Iterator[Row]:
    """Fifteen columns: nine with fractions and NaN, three whole, three of words; a few values in each third offend."""
    frame = _frame(int(_ROWS * bench.scale))
    size = f"15 x {len(frame) / 1e6:g} M"
    few = _asked(1)
    theirs, hand, ours = by_turns(
        bench.rounds,
        lambda: lambda: _pandera(frame, few),
        lambda: lambda: _numpy(frame, few),
        lambda: lambda: _ours(frame, few),
    )
    work = f"range, set and null checks, {size}, pandas"
    yield times_faster(work, ("pandera", theirs), ours, 2.5)
    yield at_most(work, ("numpy by hand", hand), ours, 1.3)
    many = _asked(_TURNS)
    theirs, ours = by_turns(bench.rounds, lambda: lambda: _pandera(frame, many), lambda: lambda: _ours(frame, many))
    yield times_faster(f"{len(many) + 15} checks, {size}, pandas", ("pandera", theirs), ours, 5.0)
    path = bench.fresh() / "wide.parquet"
    frame.to_parquet(path, index=False)
    warm(path)
    theirs, ours = by_turns(bench.rounds, lambda: lambda: _polars(path, few), lambda: lambda: _ours(path, few))
    yield at_most(f"the checks of 15 columns, {size}, Parquet", ("Polars by hand", theirs), ours, 1.5)
    suite = path.with_suffix(".suite")
    suite.write_text(str(_suite(few)))
    yield from _memory(path, suite)
    path.unlink()
    path = _write_large(bench.fresh() / "large.parquet", int(_LARGE * bench.scale))
    suite.write_text("a: between(0, 1), no nulls\nb: between(0, 999)\nc: between(-9, 9), nulls < 1%")
    yield from _memory(path, suite)


def _memory(path: Path, suite: Path) -> Iterator[Row]:
    """Peak memory of a process that judges a file, over that of one that judges a file of one row."""
    first = path.with_name("first.parquet")
    with pq.ParquetFile(path) as file:
        rows, columns = file.metadata.num_rows, file.metadata.num_columns
        held = sum(batch.nbytes for batch in file.iter_batches())
        pq.write_table(pa.Table.from_batches([next(file.iter_batches(1))]), first)
    base, peak = (int(run([sys.executable, "-c", _PEAK, one, suite], path.parent).split()[-1]) for one in (first, path))
    more = peak - base
    words = f"{more / held:.2f}x the data ({more >> 20} of {held >> 20} MiB)"
    work = f"memory, {rows / 1e6:g} M x {columns} by path"
    yield Row(work, "", words, "", "at most 1.2x", more <= 1.2 * held)


def _frame(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {}
    for number in range(_FLOATS):
        values = rng.normal(size=rows)
        values[rng.integers(0, rows, rows // 100)] = np.nan
        if number % 3 == 0:
            values[rng.integers(0, rows, 20)] = 99.0
        columns[f"f{number}"] = values
    for number in range(_INTEGERS):
        columns[f"i{number}"] = rng.integers(0, 1_000, rows)
        columns[f"i{number}"][rows // 2] = -1 if number == 0 else 5
    codes = pa.array(_CODES)
    for number in range(_WORDS):
        drawn = rng.integers(0, len(_CODES) - 1, rows)
        drawn[rows // 3] = len(_CODES) - 1 if number == 0 else 0
        columns[f"w{number}"] = pd.Series(codes.take(pa.array(drawn)).to_pandas(), dtype="str")
    return pd.DataFrame(columns)


def _asked(times: int) -> list[_Asked]:
    """A range or a set for each column, so many times over, no two alike."""
    found = []
    for turn in range(times):
        found += [_Asked(f"f{number}", -8.0 - turn, 8.0 + turn) for number in range(_FLOATS)]
        found += [_Asked(f"i{number}", -turn, 1_000.0 + turn) for number in range(_INTEGERS)]
        extra = (f"X{turn}",) if turn else ()
        found += [_Asked(f"w{number}", values=(*_CODES[:-1], *extra)) for number in range(_WORDS)]
    return found


def _suite(asked: Sequence[_Asked]) -> Suite:
    builder = SuiteBuilder("wide")
    for turn, one in enumerate(asked):
        builder = builder.column(one.column)
        builder = builder.isin(one.values) if one.values else builder.between(one.low, one.high)
        builder = builder if turn >= 15 else builder.nulls(0.05)
    return builder.done()


def _ours(source: pd.DataFrame | Path, asked: Sequence[_Asked]) -> object:
    outcomes = judge(table_of(source), _suite(asked))
    assert not any(outcome.status == "errored" for outcome in outcomes)
    assert any(outcome.rows for outcome in outcomes)
    return outcomes


def _pandera(frame: pd.DataFrame, asked: Sequence[_Asked]) -> object:
    import pandera.pandas as pandera

    checks: dict[str, list[Any]] = {}
    for turn, one in enumerate(asked):
        own = pandera.Check.isin(one.values) if one.values else pandera.Check.in_range(one.low, one.high)
        nulls = [] if turn >= 15 else [pandera.Check(_few_nulls, ignore_na=False)]
        checks.setdefault(one.column, []).extend([own, *nulls])
    schema = pandera.DataFrameSchema({name: pandera.Column(None, own, nullable=True) for name, own in checks.items()})
    with contextlib.suppress(pandera.errors.SchemaErrors):
        schema.validate(frame, lazy=True)
        raise AssertionError("nothing was found")
    return None


def _few_nulls(column: pd.Series[Any]) -> bool:
    return bool(column.isna().mean() < 0.05)


def _numpy(frame: pd.DataFrame, asked: Sequence[_Asked]) -> object:
    found = []
    for one in asked:
        column = frame[one.column]
        if one.values:
            good, missing = column.isin(one.values).to_numpy(), column.isna().to_numpy()
        else:
            values = column.to_numpy()
            missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
            good = (values >= one.low) & (values <= one.high)
        bad = ~(good | missing)
        found.append((int(missing.sum()), int(bad.sum()), np.flatnonzero(bad)[:5]))
    return found


def _polars(path: Path, asked: Sequence[_Asked]) -> object:
    lazy, wanted = pl.scan_parquet(path), []
    for turn, one in enumerate(asked):
        column = pl.col(one.column)
        good = column.is_in(one.values) if one.values else column.is_between(one.low, one.high)
        missing = column.is_null() | column.is_nan() if one.column[0] == "f" else column.is_null()
        bad = ~good & ~missing
        wanted += [missing.sum().alias(f"m{turn}"), bad.sum().alias(f"b{turn}")]
        wanted.append(bad.arg_true().head(5).implode().alias(f"r{turn}"))
    return lazy.select(wanted).collect(engine="streaming")


def _write_large(path: Path, rows: int) -> Path:
    rng = np.random.default_rng(0)
    writer = None
    for _ in range(max(1, rows // _PIECE)):
        columns = {"a": rng.random(_PIECE), "b": rng.integers(0, 1_000, _PIECE), "c": rng.normal(size=_PIECE)}
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return path
