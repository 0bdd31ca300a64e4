"""The most memory that a process takes to save and to load files larger than it may hold."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from _bounds import MEGABYTE, Row, bytes_below, run

from nbmlops import Workspace

CAP = 512 << 20
_PEAK = """
import resource, sys
from pathlib import Path
from nbmlops import Workspace
with Workspace.open(sys.argv[1]) as workspace:
    {work}
# What the kernel keeps of this process alone; ru_maxrss may still hold that of the one it was forked from.
status = Path("/proc/self/status")
if status.exists():
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    print(int(line.split()[1]) << 10)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def rows(folder: Path, scale: float) -> Iterator[Row]:
    """Rows of the table: a file and a Parquet file, saved and loaded."""
    size = int(5_000 * MEGABYTE * scale)
    yield from _saved_and_loaded(folder, _write_file(folder / "large.csv", size))
    yield from _saved_and_loaded(folder, _write_parquet(folder / "large.parquet", size // 4))


def _saved_and_loaded(folder: Path, path: Path) -> Iterator[Row]:
    own = folder / f"workspace-{path.suffix[1:]}"
    Workspace.init(own).close()
    size = path.stat().st_size
    save = _peak(own, f'workspace.data.save(Path({str(path)!r}), "large")')
    path.unlink()
    stored = bytes_below(own / ".nbmlops" / "objects")
    print(f"    {path.name}: {size:,} bytes, {stored:,} stored", flush=True)
    load = _peak(own, f'workspace.data.load("large", to={str(path)!r})')
    with Workspace.open(own) as workspace:
        print(f"    {workspace.data.show('large').digest}")
    assert path.stat().st_size > size // 2
    path.unlink()
    for verb, peak in (("save", save), ("load", load)):
        work = f"{size / MEGABYTE:,.0f} MB {path.suffix[1:].upper()}, {verb}: peak memory"
        yield Row(work, "", f"{peak / (1 << 20):.0f} MiB", "", "under 512 MiB", peak < CAP)


def _peak(own: Path, work: str) -> int:
    return int(run([sys.executable, "-c", _PEAK.format(work=work), own], own).split()[-1])


def _write_file(path: Path, size: int) -> Path:
    """Lines of numbers, none like the one before."""
    rng = np.random.default_rng(0)
    with path.open("wb") as sink:
        while sink.tell() < size:
            numbers = rng.integers(0, 1 << 62, 1 << 19).view(np.uint8)
            sink.write(numbers.tobytes().hex(" ", 24).encode())
    return path


def _write_parquet(path: Path, size: int) -> Path:
    """Columns of random numbers and of text, in row groups of a million rows."""
    rng = np.random.default_rng(0)
    words = pa.array([f"word-{number:05}" for number in range(50_000)])
    writer = None
    while writer is None or path.stat().st_size < size:
        columns = {f"x{number}": rng.normal(size=1 << 20) for number in range(6)}
        columns["word"] = words.take(pa.array(rng.integers(0, len(words), 1 << 20)))
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    writer.close()
    return path
