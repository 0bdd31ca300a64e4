"""Scores of five million flights, saved, beside what `predict_proba` alone takes in one process, by turns.

``python benchmarks/scoring.py`` prints every row; ``--rows 100000`` takes fewer flights. The peer has all of the table
in memory before its time begins, and its answers go nowhere; what is timed of nbmlops reads the table from the store,
holds every row against the signature, starts its processes, and saves the answers as a version. Memory is the most
that one process had, in a run of its own; that of half the rows beside it shows that it does not grow with them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import _flights
import numpy as np
import pyarrow as pa
from _bounds import Row, Times, by_turns, print_rows, run, times_faster
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from nbmlops import Workspace

ROWS, JOBS, FASTER = 5_000_000, 2, 1.6
PARTS = ("forest", "linear", "memory")
CAP = 768 << 20
NUMBERS = ["month", "day", "hour", "dep_delay", "distance"]
WORDS = ["carrier", "origin"]
_PEAK = """
import resource, sys
from nbmlops import Workspace
with Workspace.open(sys.argv[1]) as workspace:
    workspace.model.score("forest", sys.argv[2], to="measured", jobs=int(sys.argv[3]))
own = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(max(int(own.split()[1]), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) << 10)
"""


def models() -> dict[str, Pipeline]:
    """A forest of a hundred trees, and a linear model; both compute in one thread."""
    numbers = (StandardScaler(), NUMBERS)
    forest = RandomForestClassifier(100, min_samples_leaf=20, n_jobs=1, random_state=0)
    return {
        "forest": make_pipeline(make_column_transformer(numbers, (OrdinalEncoder(), WORDS)), forest),
        "linear": make_pipeline(make_column_transformer(numbers, (OneHotEncoder(), WORDS)), LogisticRegression()),
    }


def filled(folder: Path, rows: int) -> Workspace:
    """A workspace with both models and the flights, and half of them."""
    workspace = Workspace.init(folder)
    year = _flights.year(0)[[*NUMBERS, *WORDS, "arr_delay"]].dropna()
    train = year.sample(min(40_000, rows), random_state=0)
    for name, model in models().items():
        model.fit(train[[*NUMBERS, *WORDS]], train["arr_delay"] > 15)
        workspace.model.save(model, name, example=train[[*NUMBERS, *WORDS]].head(100))
    table = pa.Table.from_pandas(year.drop(columns="arr_delay"), preserve_index=False)
    places = np.random.default_rng(0).integers(0, table.num_rows, rows)
    for name, count in (("flights", rows), ("half", rows // 2)):
        workspace.data.save(table.take(places[:count]), name)
    return workspace


def timed(workspace: Workspace, name: str, rows: int, rounds: int) -> Iterator[Row]:
    """What one model takes, alone and scored."""
    frame, model = workspace.data.load("flights"), workspace.model.load(name)
    scored: list[Any] = []

    def score() -> None:
        scored.append(workspace.model.score(name, "flights", to=f"{name}_{len(scored)}", jobs=JOBS))

    alone, ours = by_turns(rounds, lambda: lambda: model.predict_proba(frame), lambda: score)
    expected = model.predict_proba(frame.head(1_000))
    saved = workspace.data.load(scored[-1].ref, columns=["proba_False", "proba_True"]).head(1_000)
    assert np.allclose(saved.to_numpy(), expected), "other answers"
    assert scored[-1].rows == rows
    work = f"{rows / 1e6:g} M flights, {name} model: scored and saved by {JOBS} processes"
    if name == "forest":
        yield times_faster(work, ("predict_proba in one process", alone), ours, FASTER)
    else:
        yield Row(work, f"predict_proba in one process {alone}", str(ours), f"{_ratio(alone, ours):.1f}x", "", True)


def _ratio(alone: Times, ours: Times) -> float:
    return alone.median / ours.median


def memory(folder: Path, rows: int) -> Iterator[Row]:
    """The most memory that one of the processes had."""
    command = [sys.executable, "-c", _PEAK, str(folder)]
    peaks = {name: int(run([*command, name, str(JOBS)], folder)) for name in ("half", "flights")}
    told = f"half the rows {peaks['half'] >> 20} MiB"
    met = peaks["flights"] < CAP
    work = f"{rows / 1e6:g} M flights, forest model: peak memory of a process"
    yield Row(work, told, f"{peaks['flights'] >> 20} MiB", "", f"under {CAP >> 20} MiB", met)


def main(words: Sequence[str]) -> int:
    """Print the table, and give 0 when every target is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rows", type=int, default=ROWS, help="how many flights")
    parser.add_argument("--rounds", type=int, default=1, help="how often what is timed is run")
    asked = parser.parse_args(words)
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="nbmlops-bench-") as name:
        os.environ["XDG_CONFIG_HOME"] = f"{name}/config"  # the trust given here ends with the folder
        began = time.perf_counter()
        with filled(Path(name) / "project", asked.rows) as workspace:
            print(f"  made {asked.rows:,} flights in {time.perf_counter() - began:.1f} s", flush=True)
            for part in asked.parts or PARTS:
                if part == "memory":
                    found += memory(workspace.marker.root, asked.rows)
                else:
                    found += timed(workspace, part, asked.rows, asked.rounds)
    print_rows(found)
    return 1 if any(row.met is False for row in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
