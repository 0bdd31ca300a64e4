"""Versions that are asked beside those that answer: in a thread of their own, when the caller has its answer.

Nobody waits for a shadow, so shadows wait for a batch to fill: many requests go through the model at once, and what
they take from those that answer is little. More than can wait are left out and counted.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbmlops.serving.endpoint.batching import Job, predict
from nbmlops.serving.endpoint.refusals import Refusal

if TYPE_CHECKING:
    from nbmlops.serving.endpoint.exchange import Exchange
    from nbmlops.serving.endpoint.recording import Recorder
    from nbmlops.serving.endpoint.served import Served

__all__ = ["Shadows"]

_log = logging.getLogger(__name__)
_LINGER = 0.05
_REFUSED, _FAILED = 422, 500


@dataclass(slots=True)
class _Waiting:
    exchange: Exchange
    shadow: Served


class Shadows:
    """Asks shadows for one worker.

    Parameters
    ----------
    recorder : Recorder
        Gets what they would have answered.
    told : callable
        Gets a version and how many rows were asked of it, or left out.
    most : int
        Rows that may wait.
    batch : int
        Rows that are predicted together.
    """

    def __init__(
        self, recorder: Recorder, told: Callable[[Served, int, bool], None], most: int = 20_000, batch: int = 1_024
    ) -> None:
        self._recorder = recorder
        self._told = told
        self._most = most
        self._batch = batch
        self._rows = 0
        self._guard = threading.Lock()
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="nbmlops-shadow", daemon=True)
        self._thread.start()

    def ask(self, exchange: Exchange, shadows: Iterable[Served]) -> None:
        """Ask them what was answered just now; never waits."""
        for shadow in shadows:
            if shadow.version == exchange.served.version:
                continue
            with self._guard:
                fits = self._rows + exchange.rows <= self._most
                self._rows += exchange.rows if fits else 0
            if fits:
                self._queue.put(_Waiting(exchange, shadow))
            else:
                self._told(shadow, exchange.rows, False)

    def close(self) -> None:
        """Ask what waits, and end."""
        self._ending.set()
        self._queue.put(None)
        self._thread.join(timeout=5)

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            self._ending.wait(_LINGER)
            waiting = [first]
            while not self._queue.empty() and (more := self._queue.get()) is not None:
                waiting.append(more)
            for group in self._groups(waiting):
                try:
                    self._ask(group)
                except Exception:  # noqa: BLE001 - whatever happens to some, the next are asked
                    _log.exception("shadows of version %d were not kept", group[0][1].served.version)
            with self._guard:
                self._rows -= sum(one.exchange.rows for one in waiting)
            if self._ending.is_set():
                return

    def _groups(self, waiting: Iterable[_Waiting]) -> list[list[tuple[_Waiting, Job]]]:
        """Those that can be predicted together; what a shadow's signature refuses is kept as refused."""
        open_: dict[tuple[int, ...], list[tuple[_Waiting, Job]]] = {}
        found: list[list[tuple[_Waiting, Job]]] = []
        for one in waiting:
            exchange, shadow = one.exchange, one.shadow
            assert exchange.asked is not None
            assert exchange.arrays is not None
            try:
                same = shadow.signature == exchange.served.signature and shadow.unseen == exchange.served.unseen
                arrays = exchange.arrays if same else shadow.take(exchange.asked)[0]
            except Refusal:
                self._recorder.shadowed(exchange, shadow, 0.0, _REFUSED, None, None)
                continue
            job = Job(shadow, arrays, shadow.outputs, len(arrays[0]))
            key = id(shadow), *(array.dtype.num for array in arrays)
            group = open_.get(key)
            if group is None or sum(known.rows for _, known in group) + job.rows > self._batch:
                group = open_[key] = []
                found.append(group)
            group.append((one, job))
        return found

    def _ask(self, group: list[tuple[_Waiting, Job]]) -> None:
        began = time.perf_counter()
        jobs = [job for _, job in group]
        predict(jobs)
        ms = 1e3 * (time.perf_counter() - began)
        for one, job in group:
            good = isinstance(job.result, dict)
            answer = job.result if isinstance(job.result, dict) else None
            self._recorder.shadowed(one.exchange, one.shadow, ms, 200 if good else _FAILED, job.arrays, answer)
        self._told(group[0][1].served, sum(job.rows for job in jobs), True)
