"""Data versions against DVC, MLflow, Delta and plain pyarrow: seconds, bytes and memory, each beside its peer.

``python benchmarks/data_versioning.py`` prints every row, with ``csv edits`` after it those rows alone; ``--scale
0.1`` takes tables and files of a tenth, ``--without-peers`` leaves out those that have an environment of their own.
What is timed runs by turns with its peer; inputs are in memory and nothing waits to be written when it begins.
nbmlops syncs what it stores to the disk within its time; of the peers none does.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import _flights
import _memory
import _peers
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from _bench import Bench, describe, print_table
from _bounds import Row, Times, at_most, by_turns
from _from_shell import csv, small_files

from nbmlops import Workspace


def frame(bench: Bench) -> Iterator[Row]:
    """A DataFrame saved, against pyarrow writing a Parquet file of the same row groups."""
    for what, table in _frames(bench):
        folder = bench.fresh()
        with Workspace.init(folder / "first") as workspace:
            version = workspace.data.save(table, "table")
            groups = _group_rows(workspace, version.digest)
            describe(workspace, version.size)

        def ours(table: pd.DataFrame = table) -> Callable[[], object]:
            made = Workspace.init(bench.fresh())
            return lambda: made.data.save(table, "table")

        def theirs(table: pd.DataFrame = table, groups: Sequence[int] = groups) -> Callable[[], object]:
            return lambda: _write(pa.Table.from_pandas(table), bench.fresh() / "table.parquet", groups)

        write, save = by_turns(bench.rounds, theirs, ours)
        yield at_most(f"{what}, save", (f"pyarrow write, {len(groups)} row groups", write), save, 1.4)


def _frames(bench: Bench) -> Iterator[tuple[str, pd.DataFrame]]:
    count = bench.years(10)
    table = _flights.years(count)
    yield f"{len(table) / 1e6:.1f} M x 19 DataFrame", table


def _group_rows(workspace: Workspace, digest: str) -> list[int]:
    """Rows of each row group of the newest table's file."""
    root = workspace.versions("data").resolve("table").root
    with workspace.objects.open(root) as file:
        metadata = pq.read_metadata(file)
    assert digest
    return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]


def _write(table: pa.Table, path: Path, groups: Sequence[int]) -> None:
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        start = 0
        for rows in groups:
            writer.write_table(table.slice(start, rows), row_group_size=rows)
            start += rows


def edits(bench: Bench) -> Iterator[Row]:
    """New bytes after what notebooks do to a table."""
    table = _flights.years(bench.years(32))
    folder = bench.fresh()
    first = folder / "first"
    with Workspace.init(first) as workspace:
        version = workspace.data.save(table, "flights")
        whole = version.new_bytes
        describe(workspace, version.size)
    files = [folder / "0.parquet"]
    table.to_parquet(files[0], compression="zstd")
    found: dict[str, tuple[int, float]] = {}
    for number, (what, (edit, limit)) in enumerate(_flights.EDITS.items(), 1):
        edited = edit(table)
        own = folder / f"workspace-{number}"
        shutil.copytree(first, own)
        with Workspace.open(own) as workspace:
            version = workspace.data.save(edited, "flights")
            print(f"    {what}: {version.digest} {version.new_bytes:,} new bytes of {whole:,}")
        shutil.rmtree(own)
        files.append(folder / f"{number}.parquet")
        edited.to_parquet(files[-1], compression="zstd")
        own_share = 0.0
        if limit is None:
            column = folder / "column.parquet"
            edited[[edited.columns[-1]]].to_parquet(column, compression="zstd")
            own_share = column.stat().st_size / whole
        found[what] = (version.new_bytes, own_share + 0.01 if limit is None else limit)
    peers = _growths(bench, files, folder) if bench.peers else {}
    shutil.rmtree(folder)
    print(f"    first version: nbmlops {whole:,} bytes", *(f", {name} {grown[0]:,}" for name, grown in peers.items()))
    for number, (what, (new, limit)) in enumerate(found.items(), 1):
        shown = ", ".join(f"{name} {grown[number] / grown[0]:.0%}" for name, grown in peers.items()) or "absent"
        share = new / whole
        work = f"{len(table) / 1e6:.1f} M rows, {what}: new bytes"
        yield Row(work, shown, f"{share:.2%}", f"{new:,}", f"at most {limit:.1%}", share <= limit)


def _growths(bench: Bench, files: Sequence[Path], folder: Path) -> dict[str, list[int]]:
    """Bytes by which each peer grows with each file."""
    return {
        "DVC": _dvc_growth(bench, files),
        "MLflow": _peers.mlflow_growth(files, folder / "mlflow"),
        "Delta overwrite": _peers.delta_growth(files, folder / "delta"),
    }


def _dvc_growth(bench: Bench, files: Sequence[Path]) -> list[int]:
    project, grown = bench.fresh(), []
    _peers.dvc_init(project)
    for path in files:
        had = _peers.dvc_bytes(project)
        shutil.copyfile(path, project / "flights.parquet")
        _peers.dvc_add(project, "flights.parquet")
        grown.append(_peers.dvc_bytes(project) - had)
    shutil.rmtree(project)
    return grown


COLUMNS = ["carrier", "dep_delay", "arr_delay", "distance"]


def load(bench: Bench) -> Iterator[Row]:
    """Some columns and some rows of a table, from its own file and through a recipe three deep, against pyarrow."""
    table = _flights.years(bench.years(32))
    folder = bench.fresh()
    with Workspace.init(folder) as workspace:
        workspace.data.save(table, "flights")
        describe(workspace, 0)
        yield from _loads(workspace, "flights", table, bench)
        derived = table[table["dep_time"].notna()]
        workspace.data.save(derived, "flights")
        derived = derived.sort_values(["carrier", "time_hour"])
        workspace.data.save(derived, "flights")
        derived = derived.assign(dep_delay=derived["dep_delay"].where(derived["hour"] != 5, 0.0))
        version = workspace.data.save(derived, "flights")
        layout = workspace.versions("data").resolve("flights").detail.get("layout", "file")
        print(f"    {version.ref} {version.digest} {layout}, {version.new_bytes:,} new bytes")
        yield from _loads(workspace, "flights", derived, bench)
    shutil.rmtree(folder)


def _loads(workspace: Workspace, name: str, table: pd.DataFrame, bench: Bench) -> Iterator[Row]:
    version = workspace.versions("data").resolve(name)
    kind = "recipe three deep" if version.detail.get("layout") == "recipe" else f"{len(table) / 1e6:.1f} M rows"
    path = bench.fresh() / "same.parquet"
    groups = _groups_of(table, bench)
    _write(pa.Table.from_pandas(table), path, groups)
    data = workspace.data

    def pair(**asked: Any) -> list[Times]:
        condition = asked.pop("filters", None)
        words = {"where": asked.pop("where")} if condition else {}
        expected = pq.read_table(path, filters=condition, **asked)
        got = data.load(name, as_="arrow", **asked, **words)
        assert expected.num_rows == got.num_rows, (expected.num_rows, got.num_rows)
        return by_turns(
            2 * bench.rounds + 1,
            lambda: lambda: pq.read_table(path, filters=condition, **asked),
            lambda: lambda: data.load(name, as_="arrow", **asked, **words),
        )

    read, ours = pair(columns=COLUMNS)
    yield at_most(f"{kind}, load of 4 of 19 columns", ("pyarrow read_table", read), ours, 1.5)
    some = table["time_hour"].sort_values()
    low, high = some.iloc[len(some) // 2], some.iloc[len(some) // 2 + len(some) // 100]
    bounds = [("time_hour", ">=", low), ("time_hour", "<", high)]
    where = f'time_hour >= date("{low.isoformat()}") and time_hour < date("{high.isoformat()}")'
    read, ours = pair(filters=bounds, where=where)
    yield at_most(f"{kind}, load of a 1 % range", ("pyarrow read_table", read), ours, 1.5)
    path.unlink()


def _groups_of(table: pd.DataFrame, bench: Bench) -> list[int]:
    """Rows of each row group that nbmlops gives a table of its own."""
    with Workspace.init(bench.fresh()) as workspace:
        version = workspace.data.save(table, "table")
        return _group_rows(workspace, version.digest)


def diff(bench: Bench) -> Iterator[Row]:
    """What differs between two tables of a million rows by eight columns, by key."""
    names = ["carrier", "tailnum", "origin", "dest", "dep_delay", "arr_delay", "distance"]
    before = _flights.years(bench.years(3))[: int(1e6 * bench.scale)][names]
    before.insert(0, "id", range(len(before)))
    after = before.drop(range(100, 600)).reset_index(drop=True)
    after.loc[::100, "dep_delay"] += 1
    after.loc[::500, "carrier"] = "XX"
    more = after[:500].assign(id=range(len(before), len(before) + 500))
    after = pd.concat([after, more], ignore_index=True).sample(frac=1, random_state=0)
    with Workspace.init(bench.fresh()) as workspace:
        workspace.data.save(before, "table")
        workspace.data.save(after, "table")
        describe(workspace, 0)
        found = workspace.data.diff("table@v1", "table@v2", key=["id"])
        print(f"    {found.rows}")
        peer, ours = by_turns(
            bench.rounds,
            lambda: lambda: _merged(workspace, names),
            lambda: lambda: workspace.data.diff("table@v1", "table@v2", key=["id"]),
        )
    work = f"{len(before):,} x 8, diff by key"
    yield Row(
        work, f"pandas merge {peer}", str(ours), f"{ours.median / peer.median:.2f}x", "about 1 s", ours.median <= 1.1
    )


def _merged(workspace: Workspace, names: Sequence[str]) -> dict[str, int]:
    """The number of changed cells by column, as one would find it with pandas alone."""
    old, new = (workspace.data.load(f"table@v{number}") for number in (1, 2))
    both = old.merge(new, on="id", how="outer", indicator=True, suffixes=("_old", "_new"))
    both = both[both["_merge"] == "both"]
    changed = {}
    for name in names:
        one, other = both[f"{name}_old"], both[f"{name}_new"]
        changed[name] = int(((one != other) & ~(one.isna() & other.isna())).sum())
    return changed


def memory(bench: Bench) -> Iterator[Row]:
    """The most memory that saving and loading large files takes, each in a process of its own."""
    yield from _memory.rows(bench.fresh(), bench.scale)


ROWS = {
    "csv": csv,
    "frame": frame,
    "edits": edits,
    "load": load,
    "folder": small_files,
    "diff": diff,
    "memory": memory,
}


def main(words: Sequence[str]) -> int:
    """Print the table, and give 0 when every target is met."""
    return print_table(words, __doc__, ROWS, _peers.NAMES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
