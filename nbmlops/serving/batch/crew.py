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
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple, Self

from threadpoolctl import threadpool_limits

from nbmlops.core.errors import UnavailableError
from nbmlops.serving.batch.work import Order, make_ready, score_part

if TYPE_CHECKING:
    from nbmlops.serving.batch.executors import Submit
    from nbmlops.serving.batch.scorer import Part
    from nbmlops.serving.batch.work import Opened

__all__ = ["Crew"]

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Score = Callable[[int, int], "Part"]


class _Asked(NamedTuple):
    """A part that is to be scored, and who waits for it."""

    start: int
    stop: int
    result: Future[Part]


class Crew:
    """Processes that have been told of a scoring, and get ready; they end with the body of a ``with``, at once.

    Parameters
    ----------
    order : Order
        The scoring.
    others : int
        How many there are beside this one.
    """

    def __init__(self, order: Order, others: int) -> None:
        from joblib.externals.loky import ProcessPoolExecutor

        self._order = order
        self._parts: SimpleQueue[_Asked | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._executor = ProcessPoolExecutor(others, initializer=_begin, env=dict.fromkeys(_VARIABLES, "1"))
        self._ready: list[Future[None]] = [self._executor.submit(make_ready, order) for _ in range(others)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        """Let go of what waits, and end the processes; what is opened here is in use by nobody then."""
        while not self._parts.empty():
            self._parts.get()
        for _thread in self._threads:
            self._parts.put(None)
        # They only read, so there is nothing that they would have to bring to an end.
        self._executor.shutdown(wait=True, kill_workers=True)
        for thread in self._threads:
            thread.join()
        self._threads = []

    @contextmanager
    def scoring(self, opened: Opened) -> Iterator[Submit]:
        """Score here and there, each part where somebody is free first.

        Raises
        ------
        UnavailableError
            When one of the processes is killed.
        """
        begins = [lambda: opened.score, *(partial(self._beside, ready) for ready in self._ready)]
        self._threads = [
            threading.Thread(target=_work, args=(self._parts, begin), name="nbmlops-score") for begin in begins
        ]
        with threadpool_limits(1):
            for thread in self._threads:
                thread.start()
            try:
                yield self._submit
            except BrokenProcessPool as error:
                raise UnavailableError(
                    "a process that scored was killed; most often the memory was not enough",
                    hint=f"fewer at a time: `--jobs {max(1, len(begins) // 2)}`",
                ) from error
            finally:
                self._end()

    def _submit(self, start: int, stop: int) -> Future[Part]:
        result: Future[Part] = Future()
        self._parts.put(_Asked(start, stop, result))
        return result

    def _beside(self, ready: Future[None]) -> Score:
        """What has parts scored by one of the processes, once one is ready."""
        ready.result()
        return lambda start, stop: self._executor.submit(score_part, self._order, start, stop).result()


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
