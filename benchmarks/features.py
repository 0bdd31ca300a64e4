"""A training set of ten views, beside a loop of `pandas.merge_asof` and beside Feast's local offline store.

``python benchmarks/features.py`` prints every row; ``--rows 100000`` takes fewer rows of the spine and of each view.
The peers read the same Parquet files; the loop keeps its result as one. What is timed of nbmlops reads the offline
tables from the store and re-hashes them, joins, refuses leaks, and saves the training set as a version with its
lineage. Each round has a spine of its own, so that none saves what is there already. Feast is asked once. Memory is the
most that one process had, in a run of its own, told to stay within a bound, the program itself included; beside it is
what half the rows take, and what the same join takes in memory.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import _features_feast
import numpy as np
import pandas as pd
from _bounds import Row, Times, at_most, by_turns, print_rows, run, times_faster

from nbmlops import Workspace
from nbmlops.core.settings import Profiles

ROWS, VIEWS, ENTITIES = 1_000_000, 10, 50_000
FASTER_THAN_FEAST, OF_PANDAS = 10.0, 1.0
MEMORY, CAP = 200, 400 << 20
PARTS = ("peers", "memory")
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


def filled(folder: Path, rows: int, spines: int = 1) -> Workspace:
    """A workspace with the views, their tables and some spines; the same as Parquet files beside it."""
    workspace = Workspace.init(folder)
    workspace.data.profiles = Profiles(
        after_saves=False
    )  # made after a save by a thread of their own, at the cost of what is timed next
    for turn in range(spines):
        spine = rows_of(rows, VIEWS + 1 + turn, "event")
        spine.to_parquet(folder / f"spine_{turn}.parquet")
        workspace.data.save(spine, f"spine_{turn}")
    for number in range(VIEWS):
        table = rows_of(rows, number + 1, "at")
        table[f"feature_{number}"] = np.random.default_rng(number).normal(size=len(table))
        table.to_parquet(folder / f"view_{number}.parquet")
        workspace.data.save(table, f"source_{number}")
        workspace.feature.define(view, f"view_{number}", entity="driver", from_=f"source_{number}", time="at", ttl="7d")
        workspace.feature.table(f"view_{number}")
    return workspace


def loop(folder: Path, turn: int) -> None:
    """What people write with pandas."""
    made = pd.read_parquet(folder / f"spine_{turn}.parquet").sort_values("event")
    for number in range(VIEWS):
        table = pd.read_parquet(folder / f"view_{number}.parquet").sort_values("at")
        made = pd.merge_asof(
            made, table, left_on="event", right_on="at", by="driver", tolerance=pd.Timedelta(days=7)
        ).drop(columns="at")
    made.to_parquet(folder / f"by_pandas_{turn}.parquet")


def training(workspace: Workspace, turn: int) -> None:
    """The same with nbmlops."""
    views = [f"view_{number}" for number in range(VIEWS)]
    workspace.feature.training(f"spine_{turn}", views, time="event", name=f"training_{turn}")


def by_peers(folder: Path, rows: int, rounds: int, *, feast: bool) -> Iterator[Row]:
    """All of them at the size of the target."""
    with filled(folder, rows, rounds) as workspace:
        turns = iter(range(rounds)), iter(range(rounds))

        def theirs() -> Callable[[], None]:
            turn = next(turns[0])
            return lambda: loop(folder, turn)

        def ours() -> Callable[[], None]:
            turn = next(turns[1])
            return lambda: training(workspace, turn)

        peer, own = by_turns(rounds, theirs, ours)
        _refuse_other_values(workspace, folder)
    work = f"training set: {rows:,} rows by {VIEWS} views of {rows:,} rows"
    yield at_most(work, ("pandas.merge_asof", peer), own, OF_PANDAS)
    if feast:
        yield times_faster(work, ("Feast", Times((_feast_seconds(folder),))), own, FASTER_THAN_FEAST)


def _feast_seconds(folder: Path) -> float:
    views = [
        {"name": f"view_{one}", "entities": ["driver"], "time": "at", "ttl": 7 * 86_400, "features": [f"feature_{one}"]}
        for one in range(VIEWS)
    ]
    (own := folder / "feast").mkdir()
    for path in folder.glob("view_*.parquet"):
        (own / path.name).hardlink_to(path)
    spine = pd.read_parquet(folder / "spine_0.parquet")
    spine.rename(columns={"event": "event_timestamp"}).to_parquet(own / "spine.parquet")
    return _features_feast.training_seconds(own, views)


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
    return int(run([sys.executable, "-c", _PEAK, str(folder), "spine_0", str(most), str(VIEWS)], folder))


def _refuse_other_values(workspace: Workspace, folder: Path) -> None:
    """End the benchmark when both did not find the same."""
    ours, theirs = workspace.data.load("training_0"), pd.read_parquet(folder / "by_pandas_0.parquet")
    keys = ["driver", "event"]
    assert ours.sort_values(keys, ignore_index=True).equals(theirs.sort_values(keys, ignore_index=True)[ours.columns])


def main(words: Sequence[str]) -> int:
    """Print the table, and give 0 when every target is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the spine and of each view")
    parser.add_argument("--no-feast", action="store_true", help="without Feast")
    parser.add_argument("--rounds", type=int, default=3, help="how often what is timed is run")
    asked = parser.parse_args(words)
    parts = asked.parts or PARTS
    if "peers" in parts and not asked.no_feast:
        print(f"  {_features_feast.installed()}", flush=True)
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="nbmlops-bench-") as name:
        os.environ["XDG_CONFIG_HOME"] = f"{name}/config"  # the trust given here ends with the folder
        for part in parts:
            (folder := Path(name) / part).mkdir()
            if part == "peers":
                found += by_peers(folder, asked.rows, asked.rounds, feast=not asked.no_feast)
            else:
                found += memory(folder, asked.rows)
            print(f"  {part}", flush=True)
    print_rows(found)
    return 1 if any(row.met is False for row in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
