"""Where parts are computed: in this process, beside it (`crew`), or on a cluster; each gives the same.

Whoever saves takes the parts in their order, and no more are under way or wait than `ahead` says: so the memory of a
scoring does not depend on how long its table is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from nbmlops.core.errors import UnavailableError, UnsupportedError
from nbmlops.serving.batch.work import Order, score_part

if TYPE_CHECKING:
    from nbmlops.serving.batch.scorer import Part
    from nbmlops.serving.batch.work import Opened

__all__ = ["Submit", "here", "in_order", "on_cluster"]

Submit = Callable[[int, int], "Future[Part]"]
"""Has rows scored, from one number to before another."""
_TRIES = 2


def in_order(submit: Submit, spans: Iterable[tuple[int, int]], ahead: int) -> Iterator[Part]:
    """The scores of stretches of rows, in their order, while so many of the next are under way."""
    waiting: deque[Future[Part]] = deque()
    for start, stop in spans:
        waiting.append(submit(start, stop))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def here(opened: Opened) -> Iterator[Submit]:
    """Score in this process, in one thread, as each of several processes does."""

    def submit(start: int, stop: int) -> Future[Part]:
        done: Future[Part] = Future()
        done.set_result(opened.score(start, stop))
        return done

    with threadpool_limits(1):
        yield submit


@contextmanager
def on_cluster(order: Order, scheduler: str) -> Iterator[tuple[Submit, int]]:
    """Score on the workers of a Dask cluster; gives how many threads they have too.

    Raises
    ------
    UnavailableError
        When the scheduler does not answer, or is lost, or a part took several workers with it.
    """
    from nbmlops.pipelines.executors.dask import connected
    from nbmlops.pipelines.executors.orders import versions

    with connected(scheduler) as client:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        threads = sum(client.nthreads().values())
        if not threads:
            raise UnavailableError(f"the scheduler {scheduler} has no worker", hint=f"dask worker {scheduler}")

        def submit(start: int, stop: int) -> Future[Part]:
            task = client.submit(_on_worker, versions(), order, start, stop, pure=False, retries=_TRIES)
            return _Gathered(task)

        try:
            yield submit, threads
        except ModuleNotFoundError as error:
            raise UnsupportedError(
                f"a worker of {scheduler} lacks a module: {error}", hint="install the same packages there as here"
            ) from error
        except (KilledWorker, FutureCancelledError) as error:
            raise UnavailableError(
                f"the cluster at {scheduler} did not bring a part to its end: {error}",
                hint="look at the logs of its workers, and whether they have memory enough",
            ) from error


class _Gathered(Future["Part"]):
    """A task of Dask as a future of Python, whose result is fetched when it is asked for."""

    def __init__(self, task: object) -> None:
        super().__init__()
        self._task = task

    def result(self, timeout: float | None = None) -> Part:
        found: Part = self._task.result(timeout)  # type: ignore[attr-defined]
        return found


def _on_worker(sent_by: dict[str, str], order: Order, start: int, stop: int) -> Part:
    from distributed import get_worker

    from nbmlops.pipelines.executors.orders import check_versions

    check_versions(sent_by, get_worker().address)
    return score_part(order, start, stop)
