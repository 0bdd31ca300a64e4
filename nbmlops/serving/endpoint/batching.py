"""One thread that predicts: whatever waits when it is free is one batch, so batches grow with the load and only then.

Nobody waits for a batch to fill. Rows of several requests go through the model together and each request gets its
own back; when a batch fails, its requests are asked one by one, so none fails for another's rows.

Two changes of thread take longer than a small model does. So a caller who is alone, as far as the last requests tell,
is answered in the loop where its request was read, when the model has proved quick. One in `_PROBE` goes through the
thread all the same: whoever comes meanwhile is noticed, and from then on there are batches.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nbmlops.serving.endpoint.served import Answer, Arrays, Served

__all__ = ["Batcher", "Job", "predict"]

_ALONE = 16
"""Requests that have met no other, after which the next is answered in the loop."""
_PROBE = 128
_SMALL = 16
_QUICK = 0.002

Told = Callable[[Served, int, int], None]


@dataclass(slots=True)
class Job:
    """Rows of one request, all the same version's, and what it gave for them or raised."""

    served: Served
    arrays: Arrays
    outputs: tuple[str, ...]
    rows: int
    done: asyncio.Future[Answer] | None = None
    result: Answer | BaseException | None = None


class Batcher:
    """Predicts for one worker.

    Parameters
    ----------
    told : callable
        Gets the version, the requests and the rows of each batch, in the batcher's thread.
    most : int
        How many rows a batch may have; a request that alone has more is a batch by itself.
    quick : float
        Seconds that the loop may be held up by a prediction.
    """

    def __init__(self, told: Told, most: int = 1_024, quick: float = _QUICK) -> None:
        self._told = told
        self._most = most
        self._quick = quick
        self._seconds: dict[int, float] = {}  # that a request took of late, by version
        self._inside = self._alone = 0
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="nbmlops-predict", daemon=True)
        self._thread.start()

    async def answer(self, served: Served, arrays: Arrays, outputs: tuple[str, ...]) -> Answer:
        """Predict rows; raises what the model raises."""
        job = Job(served, arrays, outputs, len(arrays[0]))
        self._alone = 0 if self._inside else self._alone + 1
        if self._may_stay(job):
            self._predict([job], job.rows)
            assert job.result is not None
            if isinstance(job.result, BaseException):
                raise job.result
            return job.result
        job.done = asyncio.get_running_loop().create_future()
        self._inside += 1
        try:
            self._jobs.put(job)
            return await job.done
        finally:
            self._inside -= 1

    def _may_stay(self, job: Job) -> bool:
        known = self._seconds.get(job.served.version, self._quick)
        return self._alone > _ALONE and self._alone % _PROBE != 0 and job.rows <= _SMALL and known < self._quick

    def close(self) -> None:
        """End the thread when it has answered what waits."""
        self._jobs.put(None)
        self._thread.join(timeout=5)

    def _work(self) -> None:
        held: Job | None = None
        while True:
            first = held or self._jobs.get()
            held = None
            if first is None:
                return
            batch, rows = [first], first.rows
            with contextlib.suppress(queue.Empty):
                while rows < self._most:
                    more = self._jobs.get_nowait()
                    if more is None:
                        self._jobs.put(None)
                        break
                    if not _alike(first, more) or rows + more.rows > self._most:
                        held = more
                        break
                    batch.append(more)
                    rows += more.rows
            self._predict(batch, rows)

    def _predict(self, batch: list[Job], rows: int) -> None:
        began = time.perf_counter()
        predict(batch)
        first = batch[0]
        if rows <= _SMALL:
            took, before = time.perf_counter() - began, self._seconds.get(first.served.version)
            self._seconds[first.served.version] = took if before is None else 0.8 * before + 0.2 * took
        self._told(first.served, len(batch), rows)
        if first.done is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                first.done.get_loop().call_soon_threadsafe(_deliver, batch)


def predict(batch: Sequence[Job]) -> None:
    """Give each job of a batch its result: together, or one by one when that fails."""
    first = batch[0]
    if len(batch) == 1:
        first.result = _result(first.served, first.arrays, first.outputs)
        return
    whole = [np.concatenate(parts) for parts in zip(*(job.arrays for job in batch), strict=True)]
    result = _result(first.served, whole, first.outputs)
    if isinstance(result, BaseException):
        for job in batch:
            job.result = _result(job.served, job.arrays, job.outputs)
    else:
        _share(batch, result)


def _alike(one: Job, other: Job) -> bool:
    """Whether two requests can be answered together; an array of another type would change that of the other's rows."""
    return (
        one.served is other.served
        and one.outputs == other.outputs
        and all(a.dtype == b.dtype for a, b in zip(one.arrays, other.arrays, strict=True))
    )


def _result(served: Served, arrays: Arrays, outputs: Sequence[str]) -> Answer | BaseException:
    try:
        answer = served.answer(arrays, outputs)
    except Exception as error:  # noqa: BLE001 - the one who asked gets it
        return error
    rows = len(arrays[0])
    wrong = [name for name, values in answer.items() if len(values) != rows]
    return RuntimeError(f"{wrong[0]} gave another number of rows") if wrong else answer


def _share(batch: Sequence[Job], answer: Answer) -> None:
    at = 0
    for job in batch:
        job.result = {name: values[at : at + job.rows] for name, values in answer.items()}
        at += job.rows


def _deliver(batch: Sequence[Job]) -> None:
    for job in batch:
        if job.done is None or job.done.done():  # whoever asked has gone
            continue
        if isinstance(job.result, BaseException):
            job.done.set_exception(job.result)
        elif job.result is not None:
            job.done.set_result(job.result)
