"""What a model takes: time for a row and for a batch, memory, bytes, and whether it keeps more with each answer.

A figure without a budget is told and passes. Memory is what Python and numpy allocate while the model answers, as
``tracemalloc`` counts it, which does not depend on what else the process holds; what native code allocates by itself
is not in it. Two measurements of time on a busy machine differ: a budget should leave room.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

from nbmlops.checks.behaviour.trial import Trial, take
from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.records import Outcome

__all__ = ["Budgets", "judge"]

_WARM, _SINGLE, _BATCHES, _BATCH = 3, 50, 10, 1_000
_PATIENCE = 10.0
_ROUNDS, _CALLS = 4, 8
# Pipelines of scikit-learn 1.9 keep 1.4 kB for each answer in caches of libraries.
_KEPT = 4_096


@dataclass(frozen=True, slots=True)
class Budgets:
    """What a model may take; None for no limit.

    Parameters
    ----------
    latency : float or None
        Milliseconds for one row, which 95 of 100 answers must keep to.
    batch_latency : float or None
        Milliseconds for a batch of up to 1,000 rows, as `latency`.
    memory : int or None
        Bytes that are allocated at most while a batch is answered.
    size : int or None
        Bytes of the saved model.
    """

    latency: float | None = None
    batch_latency: float | None = None
    memory: int | None = None
    size: int | None = None


def judge(trial: Trial, budgets: Budgets | None = None, size: int | None = None) -> Iterator[Outcome]:
    """Measure; `size` is that of the saved model in bytes, when it is known."""
    import numpy as np

    asked = budgets or Budgets()
    batch = take(trial.rows, np.arange(min(len(trial.rows), _BATCH)))
    yield _latency("latency of one row", trial, take(trial.rows, [0]), _SINGLE, asked.latency)
    yield _latency(f"latency of {len(batch):,} rows", trial, batch, _BATCHES, asked.batch_latency)
    yield _memory(trial, batch, asked.memory)
    yield _leak(trial)
    if size is not None:
        yield _within("size", size, asked.size, f"{size:,} bytes", "bytes")


def _latency(check: str, trial: Trial, rows: Any, times: int, budget: float | None) -> Outcome:
    import numpy as np

    for _ in range(_WARM):
        trial.answered(rows)
    taken: list[float] = []
    begun = time.perf_counter()
    while len(taken) < times and (len(taken) < _WARM or time.perf_counter() - begun < _PATIENCE):
        start = time.perf_counter()
        trial.model.predict(rows)
        taken.append((time.perf_counter() - start) * 1e3)
    middle, high = np.percentile(taken, [50, 95])
    line = [(len(rows), len(taken), min(taken), middle, high, max(taken))]
    table = TableEvidence.of(["rows", "answers", "fastest ms", "median ms", "95th ms", "slowest ms"], line)
    figure = f"{middle:.3g} ms, 95 of 100 within {high:.3g} ms"
    return _within(check, float(high), budget, figure, "ms", (table,))


def _within(
    check: str, value: float, budget: float | None, figure: str, unit: str, evidence: tuple[TableEvidence, ...] = ()
) -> Outcome:
    bound = "" if budget is None else f"≤ {budget:,g} {unit}" if unit == "ms" else f"≤ {budget:,} {unit}"
    status = "failed" if budget is not None and value > budget else "passed"
    detail = "" if budget is not None else "no budget is given"
    return Outcome(check, None, status, figure, bound, detail, (), evidence, value)  # type: ignore[arg-type]


def _memory(trial: Trial, rows: Any, budget: int | None) -> Outcome:
    trial.answered(rows)
    with _Counted() as counted:
        before = counted.now()
        tracemalloc.reset_peak()
        trial.model.predict(rows)
        peak = max(0, tracemalloc.get_traced_memory()[1] - before)
    return _within(f"memory for {len(rows):,} rows", peak, budget, f"{peak:,} bytes", "bytes")


def _leak(trial: Trial) -> Outcome:
    """Whether what is kept grows in every one of several rounds of answers; a cache that fills up does not."""
    rows = take(trial.sample, range(min(len(trial.sample), 20)))
    for _ in range(_CALLS):
        trial.model.predict(rows)
    kept = []
    with _Counted() as counted:
        kept.append(counted.now())
        for _ in range(_ROUNDS):
            for _ in range(_CALLS):
                trial.model.predict(rows)
            kept.append(counted.now())
    grown = [(after - before) / _CALLS for before, after in pairwise(kept)]
    least = max(0.0, min(grown[1:]))
    table = TableEvidence.of(["round", "bytes kept for each answer"], list(enumerate(grown, 1)))
    figure, bound = f"{least:,.0f} bytes kept for each answer", f"≤ {_KEPT:,}"
    if least <= _KEPT:
        return Outcome("memory kept", None, "passed", figure, bound, number=least)
    detail = "it keeps something of every answer, and grows until it is stopped"
    return Outcome("memory kept", None, "failed", figure, bound, detail, (), (table,), least)


class _Counted:
    """Counts allocations meanwhile; leaves ``tracemalloc`` as it was."""

    def __enter__(self) -> Self:
        self._running = tracemalloc.is_tracing()
        if not self._running:
            tracemalloc.start(1)
        return self

    def now(self) -> int:
        """Bytes that are allocated now, after what is free has been given back."""
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    def __exit__(self, *_: object) -> None:
        if not self._running:
            tracemalloc.stop()
