"""The online store, beside Feast's in SQLite and beside SQLite alone.

``python benchmarks/online.py`` prints every row; ``--rows 100000`` takes a smaller table. Feast reads and writes what
`ml.feature.export` gives it, so both have the same rows. SQLite alone has one row of twenty numbers for each key, in a
file of its own, and is asked by a statement that it keeps. What is timed of nbmlops is the call that people make.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import _features_feast
import numpy as np
import pandas as pd
from _bounds import Row, Times, print_rows, run, times_faster

from nbmlops import Workspace
from nbmlops.core.settings import Profiles

ROWS, WIDE, READS = 1_000_000, 20, 2_000
FASTER_TO_READ, OF_SQLITE, FASTER_TO_WRITE, P99_MS = 5.0, 1.5, 5.0, 1.0
KEYS = (1, 100)


def newest(source: pd.DataFrame) -> pd.DataFrame:
    """All of the source."""
    return source


def filled(folder: Path, rows: int) -> Workspace:
    """A workspace with one view of twenty features, ten rows for each key."""
    workspace = Workspace.init(folder)
    workspace.data.profiles = Profiles(after_saves=False)
    random = np.random.default_rng(0)
    seconds = np.arange(rows)
    table = pd.DataFrame({"driver": random.permutation(rows) % max(rows // 10, 100)})
    table["at"] = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(seconds, unit="s")
    values = random.normal(size=(rows, WIDE))
    table = table.join(pd.DataFrame(values, columns=[f"feature_{number}" for number in range(WIDE)]))
    workspace.data.save(table, "source")
    workspace.feature.define(newest, "drivers", entity="driver", from_="source", time="at")
    workspace.feature.service("inputs", ["drivers"])
    workspace.feature.table("drivers")
    return workspace


def reads(read: Callable[[], object], rounds: int) -> Times:
    """Seconds of each of many reads, after some that warm up."""
    for _ in range(100):
        read()
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        read()
        seconds.append(time.perf_counter() - began)
    return Times(tuple(seconds))


def alone(folder: Path, workspace: Workspace) -> sqlite3.Connection:
    """The same values in SQLite, without anything around it."""
    table = workspace.data.load(workspace.feature.table("drivers").ref).groupby("driver", sort=False).tail(1)
    columns = ", ".join(f"feature_{number} REAL" for number in range(WIDE))
    made = sqlite3.connect(folder / "alone.db", isolation_level=None)
    made.execute(f"CREATE TABLE online (driver INTEGER PRIMARY KEY, at TEXT, {columns})")
    made.execute("BEGIN")
    rows = table.assign(at=table["at"].astype(str))[["driver", "at", *table.columns[2:]]].itertuples(index=False)
    made.executemany(f"INSERT INTO online VALUES ({', '.join('?' * (WIDE + 2))})", map(tuple, rows))
    made.execute("COMMIT")
    return made


def measured(folder: Path, rows: int, rounds: int, *, feast: bool) -> Iterator[Row]:
    """All rows of the table."""
    with filled(folder, rows) as workspace:
        began = time.perf_counter()
        (done,) = workspace.feature.materialize("drivers")
        wrote = Times((time.perf_counter() - began,))
        theirs = {}
        if feast:
            repository = workspace.feature.export(feast=folder / "repository").folder
            script = Path(__file__).parent / "_online_feast.py"
            words = [str(_features_feast.PYTHON), str(script), str(repository), str(min(rounds, 200)), *map(str, KEYS)]
            theirs = json.loads(run(words, folder).splitlines()[-1])
            work = f"materialize {rows:,} rows by {WIDE} features, {done.keys:,} keys"
            yield times_faster(work, ("Feast", Times((theirs["materialize"],))), wrote, FASTER_TO_WRITE)
        with alone(folder, workspace) as raw:
            for count in KEYS:
                yield from _read(workspace, raw, count, rounds, theirs.get(str(count)))
        raw.close()


def _read(
    workspace: Workspace, raw: sqlite3.Connection, count: int, rounds: int, theirs: Sequence[float] | None
) -> Iterator[Row]:
    keys = {"driver": list(range(count))}
    asked = f"SELECT * FROM online WHERE driver IN ({', '.join('?' * count)})"
    ours = reads(lambda: workspace.feature.online(keys, "inputs"), rounds)
    peer = reads(lambda: raw.execute(asked, keys["driver"]).fetchall(), rounds)
    work = f"online read of {count} keys by {WIDE} features"
    if theirs is not None:
        ratio = Times(tuple(theirs)).median / ours.median
        met = ratio >= FASTER_TO_READ
        told = f"Feast {_micro(Times(tuple(theirs)).median)}"
        yield Row(work, told, _micro(ours.median), f"{ratio:.1f}x", f"{FASTER_TO_READ:g}x faster", met)
    ratio = ours.median / peer.median
    yield Row(
        *(work, f"SQLite {_micro(peer.median)}", _micro(ours.median), f"{ratio:.2f}x"),
        *(f"at most {OF_SQLITE:g}x", ratio <= OF_SQLITE),
    )
    if count == 1:
        p99 = float(np.quantile(ours.seconds, 0.99))
        yield Row(f"{work}: p99", "", _micro(p99), "", f"under {P99_MS:g} ms", 1e3 * p99 < P99_MS)


def _micro(seconds: float) -> str:
    return f"{1e6 * seconds:,.0f} µs"


def main(words: Sequence[str]) -> int:
    """Print the table, and give 0 when every target is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the table, ten for each key")
    parser.add_argument("--rounds", type=int, default=READS, help="how often is read")
    parser.add_argument("--no-feast", action="store_true", help="without Feast")
    asked = parser.parse_args(words)
    if not asked.no_feast:
        print(f"  {_features_feast.installed()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="nbmlops-bench-") as name:
        os.environ["XDG_CONFIG_HOME"] = f"{name}/config"  # the trust given here ends with the folder
        (folder := Path(name) / "online").mkdir()
        found = list(measured(folder, asked.rows, asked.rounds, feast=not asked.no_feast))
    print_rows(found)
    return 1 if any(row.met is False for row in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
