"""The profile of a large Parquet file, beside DuckDB's SUMMARIZE of the same file."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import _flights
import _peers
import pyarrow as pa
import pyarrow.parquet as pq
from _bounds import MEGABYTE, Row, Times, at_most, by_turns, warm

from nbmlops.profiling.profiler import profile_parts

if TYPE_CHECKING:
    from _bench import Bench

__all__ = ["profile"]

_SIZE = 1_000 * MEGABYTE
# It says when it is ready, and then how long each line that it is sent took: its start is no part of the time.
_SUMMARIZE = """
import sys, time, duckdb
duckdb.sql("SET enable_progress_bar = false")  # it would be taken for an answer
query = f"SUMMARIZE SELECT * FROM '{sys.argv[1]}'"
print("ready", flush=True)
for _ in sys.stdin:
    duckdb.sql(query).fetchall()
    print("done", flush=True)
"""


def profile(bench: Bench) -> Iterator[Row]:
    """A Parquet file of a gigabyte of flights."""
    path = bench.fresh() / "flights.parquet"
    rows = _write(path, int(_SIZE * bench.scale))
    work = f"profile of {path.stat().st_size / MEGABYTE:,.0f} MB of Parquet, {rows / 1e6:.1f} M x 19"
    warm(path)
    if not bench.peers:
        (ours,) = by_turns(bench.rounds, lambda: lambda: _profiled(path))
        yield Row(work, "DuckDB absent", str(ours), "", "at most 1.5x", None)
        return
    command: list[str | Path] = [_peers.BIN / "python", "-c", _SUMMARIZE, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
        _answer(peer)
        theirs, ours = _turns(bench, peer, path)
        assert peer.stdin is not None
        peer.stdin.close()
    yield at_most(work, ("DuckDB SUMMARIZE", theirs), ours, 1.5)
    path.unlink()


def _turns(bench: Bench, peer: subprocess.Popen[str], path: Path) -> list[Times]:
    def summarize() -> None:
        assert peer.stdin is not None
        peer.stdin.write("\n")
        peer.stdin.flush()
        _answer(peer)

    def own() -> Callable[[], object]:
        return lambda: _profiled(path)

    return by_turns(bench.rounds, lambda: summarize, own)


def _answer(peer: subprocess.Popen[str]) -> None:
    assert peer.stdout is not None
    said = peer.stdout.readline().strip()
    assert said in {"ready", "done"}, said


def _profiled(path: Path) -> object:
    with pq.ParquetFile(path) as file:
        return profile_parts(pa.Table.from_batches([batch]) for batch in file.iter_batches(1 << 18))


def _write(path: Path, size: int) -> int:
    """Write years of flights until the file has so many bytes; its rows."""
    first = pa.Table.from_pandas(_flights.year(0), preserve_index=False)
    number = rows = 0
    with pq.ParquetWriter(path, first.schema, compression="snappy") as writer:
        while path.stat().st_size < size:
            table = pa.Table.from_pandas(_flights.year(number), first.schema, preserve_index=False)
            writer.write_table(table)
            rows += table.num_rows
            number += 1
    return rows
