"""Runs and metrics against MLflow, W&B, DVCLive and bare SQLite: each beside its peer, in one run.

``python benchmarks/tracking.py`` prints every row, with ``loop find`` after it those rows alone. What is timed here is
acknowledged: it survives a ``kill -9`` of the process. Of the peers MLflow and DVCLive do that too; W&B, offline,
queues what it is given. Bare SQLite commits with ``synchronous=FULL`` in WAL mode, by Python's own module.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import _tracking_peers as peers
from _bounds import Row, Times, print_rows, run
from _runs import METRICS, fill

from nbmlops import Workspace

PARAMS = {"depth": 4, "rate": 0.1, "seed": 7, "kind": "gbm", "deep": True}
FRESH = """
from nbmlops import ml
with ml.run("gbm", params={"depth": 4}) as run:
    run.log(auc=0.9)
"""


class Bench:
    """A temporary folder with a workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = Workspace.init(folder / "workspace")
        self._made = 0

    def fresh(self) -> Path:
        """An empty folder."""
        self._made += 1
        folder = self.folder / f"{self._made:03}"
        folder.mkdir()
        return folder


def per_second(work: str, found: dict[str, float], ours: float, limit: float) -> Row:
    """A row for what has to be done so often in a second."""
    return Row(
        work, _said(found, "{:,.0f}/s"), f"{ours:,.0f}/s", _against(ours, found), f"{limit:,.0f}/s", ours >= limit
    )


def seconds(work: str, found: dict[str, float], ours: float, limit: float, faster: float = 0) -> Row:
    """A row for what may take so many seconds, and has to be so many times faster than the first peer."""
    first = next(iter(found.values()), 0.0)
    met = ours <= limit and (not faster or first / ours >= faster)
    target = f"{_time(limit)}" + (f", {faster:g}x faster" if faster else "")
    ratio = f"{first / ours:.1f}x" if first else ""
    return Row(work, _said(found, None), _time(ours), ratio, target, met)


def _said(found: dict[str, float], shape: str | None) -> str:
    return ", ".join(f"{name} {shape.format(value) if shape else _time(value)}" for name, value in found.items())


def _against(ours: float, found: dict[str, float]) -> str:
    first = next(iter(found.values()), 0.0)
    return f"{ours / first:,.0f}x" if first else ""


def _time(value: float) -> str:
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def _median(times: int, work: Callable[[], object]) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return Times(tuple(taken)).median


def small(bench: Bench) -> Iterator[Row]:
    """A run with five params and three metrics, from its start to its end."""
    runs = bench.workspace.run

    def ours() -> None:
        with runs("small", PARAMS) as run:
            run.log(METRICS)

    ours()
    found = {
        name: peers.seconds(name, "small", bench.fresh(), 20) for name in ("mlflow", "mlflow files", "dvclive", "wandb")
    }
    found["bare SQLite"] = _bare_runs(bench.fresh() / "bare.db", 50)
    yield seconds("run, 5 params, 3 metrics", found, _median(200, ours), 0.004, 6)


def loop(bench: Bench) -> Iterator[Row]:
    """Metrics in a loop."""
    count = 100_000
    with bench.workspace.run("loop") as run:
        run.log(loss=1.0)
        began = time.perf_counter()
        for step in range(count):
            run.log(loss=1 / (1 + step), step=step)
        ours = count / (time.perf_counter() - began)
    kept = len(bench.workspace.run.history("loop", "loss"))
    if kept != count + 1:
        sys.exit(f"{kept} of {count + 1} points are there")
    found = {
        "mlflow": 200 / peers.seconds("mlflow", "loop", bench.fresh(), 200),
        "wandb (queued)": 5_000 / peers.seconds("wandb", "loop", bench.fresh(), 5_000),
        "bare SQLite": 2_000 / _bare_points(bench.fresh() / "bare.db", 2_000),
        "JSON line, flushed": count / _bare_lines(bench.fresh() / "lines", count),
    }
    yield per_second("log_metric in a loop", found, ours, 60_000)


def first(bench: Bench) -> Iterator[Row]:
    """The first use, which makes the store, and a process of its own for one run."""
    made = _median(5, lambda: Workspace.init(bench.fresh() / "project").close())
    yield seconds(
        "first use makes the store", {"mlflow": peers.seconds("mlflow", "first", bench.fresh(), 1)}, made, 0.3
    )
    folder = bench.workspace.marker.root
    ours = _median(5, lambda: run([sys.executable, "-c", FRESH], folder))
    found = {name: peers.process(name, bench.fresh()) for name in ("mlflow", "wandb")}
    found["Python alone"] = _median(5, lambda: run([sys.executable, "-c", "import sqlite3"], folder))
    yield seconds("fresh process: import, one run, exit", found, ours, 0.4)


def find(bench: Bench) -> Iterator[Row]:
    """Looking for runs among many."""
    condition, order = "params.depth = 4", "-metrics.auc"
    for count, limit in ((5_000, 0.02), (100_000, 0.1)):
        with Workspace.init(bench.fresh() / "project") as workspace:
            fill(workspace, count)
            workspace.run.list(1)
            ours = _median(9, lambda: workspace.run.list(100, where=condition, by=order))
            found, store = {}, bench.fresh()
            if count == 5_000:
                peers.fill_mlflow(store, count)
                found = {"mlflow": peers.seconds("mlflow", "find", store, 5)}
            yield seconds(f"top 100 of {count:,} runs, by a metric, one param", found, ours, limit)
            if count == 5_000:
                every = _median(5, lambda: workspace.run.list(count).to_pandas())  # noqa: B023 - as above
                yield seconds(
                    "all 5,000 runs as a frame", {"mlflow": peers.seconds("mlflow", "frame", store, 1)}, every, 0.5
                )


def history(bench: Bench) -> Iterator[Row]:
    """A long history, drawn, and what a point takes on the disk."""
    count = 1_000_000
    with Workspace.init(bench.fresh() / "project") as workspace:
        before = workspace.catalog.path.stat().st_size
        generator = random.Random(0)
        with workspace.run("long") as run:
            for step in range(count):
                run.log(loss=generator.random(), step=step)
        workspace.run.count()
        size = (workspace.catalog.path.stat().st_size - before) / count
        drawn = _median(9, lambda: workspace.run.curve("long", "loss", 1_000))
        points = len(workspace.run.curve("long", "loss", 1_000))
    yield seconds(f"history of 1,000,000 points, thinned to {points:,}", {}, drawn, 0.1)
    theirs = peers.bytes_per_point(bench.fresh(), 5_000)
    yield Row(
        "bytes of a metric point", f"mlflow {theirs:.0f}", f"{size:.1f}", f"{theirs / size:.1f}x", "40", size <= 40
    )


def _bare(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE run (id TEXT PRIMARY KEY, status TEXT, params TEXT)")
    connection.execute("CREATE TABLE metric (run TEXT, key TEXT, step INTEGER, value REAL)")
    return connection


def _bare_runs(path: Path, count: int) -> float:
    connection = _bare(path)

    def one() -> None:
        name = uuid.uuid4().hex
        connection.execute("INSERT INTO run VALUES (?, 'running', ?)", (name, str(PARAMS)))
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO metric VALUES (?, ?, 0, ?)", [(name, *pair) for pair in METRICS.items()])
        connection.execute("UPDATE run SET status = 'finished' WHERE id = ?", (name,))
        connection.execute("COMMIT")

    taken = _median(count, one)
    connection.close()
    return taken


def _bare_points(path: Path, count: int) -> float:
    connection = _bare(path)
    began = time.perf_counter()
    for step in range(count):
        connection.execute("INSERT INTO metric VALUES ('r', 'loss', ?, ?)", (step, 1 / (1 + step)))
    taken = time.perf_counter() - began
    connection.close()
    return taken


def _bare_lines(path: Path, count: int) -> float:
    with path.open("w") as file:
        began = time.perf_counter()
        for step in range(count):
            file.write(f'["r","loss",{step},{1 / (1 + step)!r}]\n')
            file.flush()
        return time.perf_counter() - began


PARTS = {part.__name__: part for part in (small, loop, first, find, history)}


def main() -> int:
    """Print the table, and give 0 when every target is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="only these rows")
    chosen = parser.parse_args().parts or list(PARTS)
    peers.require()
    print(peers.versions())
    folder = Path(tempfile.mkdtemp(prefix="nbmlops-tracking-"))
    try:
        bench = Bench(folder)
        rows = [row for part in chosen for row in PARTS[part](bench)]
        bench.workspace.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print_rows(rows)
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
