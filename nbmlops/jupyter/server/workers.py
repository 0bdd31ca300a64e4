"""Threads that do what may wait, so that the loop of a server never does.

They are daemons: a server that is stopped ends at once, also while a pipeline runs in one of them. What that run had
reached is in the journal, as when a kernel is killed.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["Busy", "Workers"]

T = TypeVar("T")


class Busy(Exception):  # noqa: N818 - it is a state, and passes
    """Too much waits already."""


class Workers:
    """A few threads and a bounded queue before them.

    Parameters
    ----------
    name : str
        What the threads are called.
    threads : int
        How many there are at most; each is started when the others have work.
    waiting : int
        How much may wait.
    """

    def __init__(self, name: str, *, threads: int, waiting: int) -> None:
        self._name = name
        self._most = threads
        self._jobs: queue.Queue[Callable[[], None]] = queue.Queue(waiting)
        self._idle = threading.Semaphore(0)
        self._started = 0

    async def do(self, job: Callable[[], T]) -> T:
        """Do `job` in a thread and give what it gives, or raise what it raises.

        Raises
        ------
        Busy
            When too much waits already.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(setter: Callable[[Any], None], outcome: Any) -> None:
            # Whoever asked may have gone.
            if not future.done():
                setter(outcome)

        def work() -> None:
            try:
                outcome = job()
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                # StopIteration cannot be carried by a future, nor may a thread end by an exit.
                kept = error if isinstance(error, Exception) and not isinstance(error, StopIteration) else None
                _call(loop, settle, future.set_exception, kept or RuntimeError(repr(error)))
            else:
                _call(loop, settle, future.set_result, outcome)

        try:
            self._jobs.put_nowait(work)
        except queue.Full:
            raise Busy from None
        if not self._idle.acquire(blocking=False) and self._started < self._most:
            self._started += 1
            threading.Thread(target=self._serve, name=f"{self._name}-{self._started}", daemon=True).start()
        return await future

    def _serve(self) -> None:
        while True:
            self._jobs.get()()
            self._idle.release()


def _call(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: Any) -> None:
    """Call in the loop; one that is closed has nobody who waits."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(function, *arguments)
