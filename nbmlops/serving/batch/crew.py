"""Processes of this machine that score the parts of a table together, of which the one that asks is the first.

A process that is started has to import what the model needs, which takes seconds; the one that asks has it already,
and computes from the first instant on. Each of the others takes parts as soon as it has opened the model and the
table, so that a short table never waits for them, and of a long one each computes as much as it is fast.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from threadpoolctl import threadpool_limits

from nbmlops.core.errors import UnavailableError
from nbmlops.serving.batch.work import Order, make_ready, score_part

if TYPE_CHECKING:
    from nbmlops.serving.batch.executors import Submit
    from nbmlops.serving.batch.scorer import Part
    from nbmlops.serving.batch.work import Opened

__all__ = ["on_processes"]

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Score = Callable[[int, int], "Part"]


class _Asked(NamedTuple):
    """A part that is to be scored, and who waits for it."""

    start: int
    stop: int
    result: Future[Part]


@contextmanager
def on_processes(order: Order, opened: Opened, jobs: int) -> Iterator[Submit]:
    """Score here and in processes beside this one, `jobs` in all; the others end with the body, at once.

    Raises
    ------
    UnavailableError
        When one of them is killed.
    """
    from joblib.externals.loky import ProcessPoolExecutor

    parts: SimpleQueue[_Asked | None] = SimpleQueue()

    def submit(start: int, stop: int) -> Future[Part]:
        result: Future[Part] = Future()
        parts.put(_Asked(start, stop, result))
        return result

    executor = ProcessPoolExecutor(jobs - 1, initializer=_begin, env=dict.fromkeys(_VARIABLES, "1"))

    def beside() -> Score:
        executor.submit(make_ready, order).result()
        return lambda start, stop: executor.submit(score_part, order, start, stop).result()

    threads = [threading.Thread(target=_work, args=(parts, lambda: opened.score), name="nbmlops-score")]
    threads += [threading.Thread(target=_work, args=(parts, beside), name="nbmlops-score") for _ in range(jobs - 1)]
    with threadpool_limits(1):
        for thread in threads:
            thread.start()
        try:
            yield submit
        except BrokenProcessPool as error:
            raise UnavailableError(
                "a process that scored was killed; most often the memory was not enough",
                hint=f"fewer at a time: `--jobs {max(1, jobs // 2)}`",
            ) from error
        finally:
            while not parts.empty():
                parts.get()
            for _ in threads:
                parts.put(None)
            # They only read, so there is nothing that they would have to bring to an end.
            executor.shutdown(wait=True, kill_workers=True)
            for thread in threads:
                thread.join()


def _begin() -> None:
    # Ctrl-C reaches all processes of a terminal, and whoever gave the order ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(parts: SimpleQueue[_Asked | None], begin: Callable[[], Score]) -> None:
    """Score one part after another until there is none; what goes wrong is told to who waits for a part."""
    score: Score | None = None
    failed: BaseException | None = None
    try:
        score = begin()
    except BaseException as error:  # noqa: BLE001 - it is raised where the next part is waited for
        failed = error
    while (asked := parts.get()) is not None:
        try:
            if failed is not None or score is None:
                raise failed or AssertionError
            asked.result.set_result(score(asked.start, asked.stop))
        except BaseException as error:  # noqa: BLE001 - as above
            asked.result.set_exception(error)
