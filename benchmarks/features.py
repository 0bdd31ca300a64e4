"""A training set of ten views, beside a loop of `pandas.merge_asof` and beside Feast's local offline store.

``python benchmarks/features.py`` prints every row; ``--rows 100000`` takes fewer rows of the spine and of each view.
The peers read the same Parquet files and keep the result as one. What is timed of nbmlops reads the offline tables from
the store and re-hashes them, joins, refuses leaks, and saves the training set as a version with its lineage. Feast
joins every pair of rows of an entity before it drops all but one, so it is given fewer rows, and what is stated of it
is at that size, for both. Memory is the most that one process had, in a run of its own, told to stay within a bound;
beside it is what twice the rows take, and what the same join takes in memory.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import _features_feast
import numpy as np
import pandas as pd
from _bounds import Row, Times, at_most, by_turns, print_rows, run, times_faster

from nbmlops import Workspace
from nbmlops.core.settings import Profiles

ROWS, FEAST_ROWS, VIEWS, ENTITIES = 1_000_000, 20_000, 10, 50_000
FASTER_THAN_FEAST, OF_PANDAS = 10.0, 1.0
MEMORY, CAP = 200, 900 << 20
PARTS = ("pandas", "feast", "memory")
START, DAYS = pd.Timestamp("2024-01-01", tz="UTC"), 90
_PEAK = """
import sys
from nbmlops import Workspace
with Workspace.open(sys.argv[1]) as workspace:
    names = [f"view_{number}" for number in range(int(sys.argv[4]))]
    memory = float(sys.argv[3]) or None
    workspace.feature.training(sys.argv[2], names, time="event", name=f"peak{sys.argv[3]}", memory=memory)
line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(line.split()[1]) << 10)
"""


def view(source: pd.DataFrame) -> pd.DataFrame:
    """All of the source."""
    return source


def rows_of(count: int, seed: int, time_column: str) -> pd.DataFrame:
    """Keys and times, all different."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "driver": random.integers(0, max(10, ENTITIES * count // ROWS), count),
            time_column: START + pd.to_timedelta(random.integers(0, 86_400 * DAYS, count), unit="s"),
        }
    )
    return frame.drop_duplicates(ignore_index=True)


def filled(folder: Path, rows: int) -> Workspace:
    """A workspace with the views, their tables and the spine; the same as Parquet files beside it."""
    workspace = Workspace.init(folder)
    workspace.data.profiles = Profiles(
        after_saves=False
    )  # made after a save by a thread of their own, at the cost of what is timed next
    spine = rows_of(rows, 0, "event")
    spine.to_parquet(folder / "spine.parquet")
    workspace.data.save(spine, "spine")
    for number in range(VIEWS):
        table = rows_of(rows, number + 1, "at")
        table[f"feature_{number}"] = np.random.default_rng(number).normal(size=len(table))
        table.to_parquet(folder / f"view_{number}.parquet")
        workspace.data.save(table, f"source_{number}")
        workspace.feature.define(view, f"view_{number}", entity="driver", from_=f"source_{number}", time="at", ttl="7d")
        workspace.feature.table(f"view_{number}")
    return workspace


def loop(folder: Path) -> None:
    """What people write with pandas."""
    made = pd.read_parquet(folder / "spine.parquet").sort_values("event")
    for number in range(VIEWS):
        table = pd.read_parquet(folder / f"view_{number}.parquet").sort_values("at")
        made = pd.merge_asof(
            made, table, left_on="event", right_on="at", by="driver", tolerance=pd.Timedelta(days=7)
        ).drop(columns="at")
    made.to_parquet(folder / "by_pandas.parquet")


def training(workspace: Workspace, name: str) -> None:
    """The same with nbmlops."""
    workspace.feature.training("spine", [f"view_{number}" for number in range(VIEWS)], time="event", name=name)


def by_pandas(folder: Path, rows: int, rounds: int) -> Iterator[Row]:
    """Both at the size of the target."""
    with filled(folder, rows) as workspace:
        made: list[str] = []

        def ours() -> None:
            made.append(f"training_{len(made)}")
            training(workspace, made[-1])

        peer, own = by_turns(rounds, lambda: lambda: loop(folder), lambda: ours)
        _refuse_other_values(workspace, folder, made[0])
    work = f"training set: {rows:,} rows by {VIEWS} views of {rows:,} rows"
    yield at_most(work, ("pandas.merge_asof", peer), own, OF_PANDAS)


def by_feast(folder: Path, rows: int, rounds: int) -> Iterator[Row]:
    """Both at the size that Feast is given."""
    work = f"training set: {rows:,} rows by {VIEWS} views of {rows:,} rows"
    views = [
        {"name": f"view_{one}", "entities": ["driver"], "time": "at", "ttl": 7 * 86_400, "features": [f"feature_{one}"]}
        for one in range(VIEWS)
    ]
    with filled(folder, rows) as workspace:
        spine = pd.read_parquet(folder / "spine.parquet").rename(columns={"event": "event_timestamp"})
        spine.to_parquet(folder / "spine.parquet")
        seconds = []
        for number in range(rounds):
            (own := folder / f"feast-{number}").mkdir()
            for path in folder.glob("*.parquet"):
                (own / path.name).hardlink_to(path)
            seconds.append(_features_feast.training_seconds(own, views))
        (ours,) = by_turns(rounds, lambda: lambda: training(workspace, "training"))
    yield times_faster(work, ("Feast", Times(tuple(seconds))), ours, FASTER_THAN_FEAST)


def memory(folder: Path, rows: int) -> Iterator[Row]:
    """The most memory of a process that is told to stay within a bound, for the rows and for half of them."""
    peaks = {}
    for name, count in (("half", rows // 2), ("whole", rows)):
        (folder / name).mkdir()
        filled(folder / name, count).close()
        peaks[name] = _peak(folder / name, MEMORY)
    free = _peak(folder / "whole", 0)
    told = f"half the rows {peaks['half'] >> 20} MiB, all in memory {free >> 20} MiB"
    work = f"training set of {rows:,} rows by {VIEWS} views, told {MEMORY} MB: peak memory"
    yield Row(work, told, f"{peaks['whole'] >> 20} MiB", "", f"under {CAP >> 20} MiB", peaks["whole"] < CAP)


def _peak(folder: Path, most: int) -> int:
    return int(run([sys.executable, "-c", _PEAK, str(folder), "spine", str(most), str(VIEWS)], folder))


def _refuse_other_values(workspace: Workspace, folder: Path, name: str) -> None:
    """End the benchmark when both did not find the same."""
    ours, theirs = workspace.data.load(name), pd.read_parquet(folder / "by_pandas.parquet")
    keys = ["driver", "event"]
    assert ours.sort_values(keys, ignore_index=True).equals(theirs.sort_values(keys, ignore_index=True)[ours.columns])


def main(words: Sequence[str]) -> int:
    """Print the table, and give 0 when every target is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the spine and of each view")
    parser.add_argument("--feast-rows", type=int, default=FEAST_ROWS, help="the same beside Feast")
    parser.add_argument("--rounds", type=int, default=3, help="how often what is timed is run")
    asked = parser.parse_args(words)
    parts = asked.parts or PARTS
    if "feast" in parts:
        print(f"  {_features_feast.installed()}", flush=True)
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="nbmlops-bench-") as name:
        os.environ["XDG_CONFIG_HOME"] = f"{name}/config"  # the trust given here ends with the folder
        for part in parts:
            (folder := Path(name) / part).mkdir()
            if part == "pandas":
                found += by_pandas(folder, asked.rows, asked.rounds)
            elif part == "feast":
                found += by_feast(folder, asked.feast_rows, asked.rounds)
            else:
                found += memory(folder, asked.rows)
            print(f"  {part}", flush=True)
    print_rows(found)
    return 1 if any(row.met is False for row in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
