"""Monitors of a day of a million requests, beside Evidently on the raw rows of the same day and the day before.

``python benchmarks/monitoring.py`` prints the table; ``--scale 0.1`` takes a tenth of the requests, ``--without-peers``
leaves out Evidently. What is timed of nbmlops is `monitor run` of three monitors, from the profiles of the hours to
the reports kept; of Evidently its preset of drift alone, on rows that it has in memory. The profiles are made while
requests are captured, so what that took stands in a line of its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import _evidently
import numpy as np
import pandas as pd
import pyarrow as pa
from _bench import Bench, print_table
from _bounds import Row, by_turns, times_faster
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nbmlops import Workspace
from nbmlops.serving.capture.batches import KEPT
from nbmlops.serving.capture.requests import INPUT, OUTPUT, own_schema
from nbmlops.serving.capture.segments import Place

if TYPE_CHECKING:
    import numpy.typing as npt

REQUESTS, FEATURES, FASTER = 1_000_000, 30, 20
TEXTS = 5
NAMES = [f"x{number}" for number in range(FEATURES - TEXTS)]
WORDS = [f"word{number}" for number in range(TEXTS)]
DAY = timedelta(days=1)


def inputs(rows: int, seed: int, shift: float) -> pd.DataFrame:
    """Numbers of several shapes, and words; one of them is shifted."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, len(NAMES))), columns=NAMES)
    frame["x0"] += shift
    for number, name in enumerate(NAMES):
        frame[name] = np.exp(frame[name]) if number % 3 == 1 else frame[name]
        frame[name] = np.round(frame[name] * 100) if number % 3 == 2 else frame[name]
    for number, name in enumerate(WORDS):
        frame[name] = np.array([f"{name}-{value}" for value in range(5 + 10 * number)])[
            rng.integers(0, 5 + 10 * number, rows)
        ]
    return frame


def answered(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    """A probability for each row."""
    found: npt.NDArray[np.float64] = 1 / (1 + np.exp(-frame["x0"].to_numpy() - frame["x3"].to_numpy() / 2))
    return found


def captured(place: Place, frame: pd.DataFrame, until: datetime) -> None:
    """Write a day of requests into the log of a deployment, a segment for each hour, as workers do."""
    place.log.mkdir(parents=True, exist_ok=True)
    for hour, rows in enumerate(np.array_split(np.arange(len(frame)), 24)):
        part, start = frame.iloc[rows], until - DAY + timedelta(hours=hour)
        at = np.datetime64(start.replace(tzinfo=None), "us") + np.linspace(0, 3.59e9, len(part)).astype(
            "timedelta64[us]"
        )
        count, said = len(part), answered(part)
        own = {
            "_id": [f"{start:%d%H}{number}" for number in range(count)],
            "_at": at,
            "_version": np.ones(count, np.int32),
            "_role": ["served"] * count,
            "_key": [None] * count,
            "_latency_ms": np.random.default_rng(hour).gamma(4, 2, count).astype(np.float32),
            "_status": np.full(count, 200, np.int16),
            "_worker": ["w"] * count,
            "_memory": np.full(count, 200 << 20, np.int64),
        }
        columns = [pa.array(own[field.name], field.type) for field in own_schema()]
        columns += [pa.array(np.zeros(count, bool)), *(pa.array(part[name]) for name in part)]
        columns += [pa.array(said > 0.5), pa.array(1 - said), pa.array(said)]
        answers = [OUTPUT + name for name in ("predict", "proba:False", "proba:True")]
        names = [*own_schema().names, KEPT, *(f"{INPUT}{name}" for name in part), *answers]
        table = pa.table(columns, names=names)
        segment = place.segment(f"{start:%Y%m%dT%H}-w-v1-0")
        with pa.OSFile(str(segment), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)


def watched(folder: Path) -> Workspace:
    """A workspace with a deployment and its monitors."""
    workspace = Workspace.init(folder)
    some = inputs(200, 0, 0.0)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(some[NAMES], answered(some) > 0.5)
    workspace.model.save(model, "risk", example=some[NAMES].head())
    workspace.model.promote("risk")
    workspace.monitor.add("moved", "risk", "drift", reference="before", window="1d")
    workspace.monitor.add("sane", "risk", "stability", window="1d")
    workspace.monitor.add("fast", "risk", "performance", window="1d")
    return workspace


def day(bench: Bench) -> Iterator[Row]:
    """One day against the day before."""
    rows = int(REQUESTS * bench.scale)
    before, now = inputs(rows, 1, 0.0), inputs(rows, 2, 0.3)
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with watched(bench.fresh()) as workspace:
        place = Place(workspace.marker.state / "capture", "risk")
        captured(place, before, until - DAY)
        captured(place, now, until)
        began = time.perf_counter()
        hours = workspace.deployment.captured.hours("risk", until - 2 * DAY, until)
        folded = time.perf_counter() - began
        assert sum(hour.rows for hour in hours) == 2 * rows
        (ours,) = by_turns(max(3, bench.rounds), lambda: workspace.monitor.run)
        reports = workspace.monitor.run()
        assert [report.suite for report in reports] == ["monitor:fast", "monitor:moved", "monitor:sane"]
        drifted = [outcome.column for outcome in reports[1].outcomes if outcome.status == "failed"]
        assert "x0" in drifted, drifted
    work = f"monitors of {rows / 1e6:g} M requests, {FEATURES} features"
    was, present = (frame.assign(answer=answered(frame)) for frame in (before, now))
    peer = _evidently.preset(bench, was, present, 1)
    yield times_faster(work, ("Evidently's preset on raw rows", *peer), ours, FASTER)
    yield Row(
        f"the profiles of {2 * rows / 1e6:g} M requests, as they are captured", "", f"{folded:.1f} s", "", "", True
    )


ROWS: dict[str, Callable[[Bench], Iterator[Row]]] = {"day": day}


def main(words: Sequence[str]) -> int:
    """Print the table, and give 0 when every target is met."""
    return print_table(words, __doc__, ROWS, ("evidently",))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
