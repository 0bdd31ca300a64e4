"""Kernels that wait for steps on this machine: started while there is room, each taken once, none left behind.

A pool is closed until somebody opens it, and gives nothing then. A kernel that waits is ended when the last who opened
it closes it, by its own guard when this process is killed, and, where kernels are kept, after an hour.

Started kernels rather than copies of a process that has imported: a forked one answered after 0.3 s more, since its
sockets and its shell are its own, it inherits the random state of numpy and the locks of threads that it has not, and
it fails where a library has started threads before (`benchmarks/pipelines.py` prints what a warm kernel takes).
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import NbmlopsError
from nbmlops.pipelines.warm.kernel import WarmKernel

if TYPE_CHECKING:
    from nbmlops.pipelines.warm.wanted import Wanted

__all__ = ["KernelPool", "cores", "ended"]

_IDLE, _ROUND = 3_600.0, 30.0
"""Seconds for which a kernel waits at most, and those between two looks for such."""
_FREE, _SCARCE = 0.25, 0.1
"""The share of memory that has to be free for another kernel to be started, and for those that wait to stay."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Waiting:
    """A kernel that waits, or is being started."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.since = time.monotonic()
        self.kernel = WarmKernel(wanted.kernel, cwd=wanted.cwd, imports=wanted.imports)
        self._thread = threading.Thread(target=self._launch, name="nbmlops-warm", daemon=True)
        self._thread.start()

    def _launch(self) -> None:
        try:
            asyncio.run(self.kernel.launch())
        except NbmlopsError:
            return  # the step that wants one says so, when it starts its own

    def started(self) -> WarmKernel | None:
        """The kernel, as soon as its process has been started; None when it could not."""
        self._thread.join()
        return None if self.kernel.folder is None or self.kernel.group is None else self.kernel

    @property
    def is_prepared(self) -> bool:
        """Whether it has done what it does ahead, and takes no core any more."""
        return not self._thread.is_alive() and (self.kernel.folder is None or self.kernel.is_ready)

    def end(self) -> None:
        """End it; nothing is left of it afterwards."""
        self._thread.join()
        ended(self.kernel)


def ended(kernel: WarmKernel) -> None:
    """End a kernel; nothing is left of it afterwards."""
    # In a thread: whoever asks may stand in a cell, whose thread has a loop of events already.
    thread = threading.Thread(target=lambda: asyncio.run(kernel.stop(0)), name="nbmlops-warm-end")
    thread.start()
    thread.join()


class KernelPool:
    """Kernels that wait.

    Parameters
    ----------
    size : int
        How many may wait at once; 0 turns it off.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: list[_Waiting] = []
        self._openings = 0
        self._running = 0
        self._guard = threading.RLock()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Let kernels wait while the body runs."""
        with self._guard:
            self._openings += 1
        try:
            yield
        finally:
            with self._guard:
                self._openings -= 1
                left = [] if self._openings else self._drop(self._waiting)
            _end(left)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Say that a step runs during the body, which takes a core."""
        with self._guard:
            self._running += 1
        try:
            yield
        finally:
            with self._guard:
                self._running -= 1

    def expect(self, wanted: Sequence[Wanted]) -> None:
        """Start kernels like these, as far as cores are idle and memory is free; returns at once.

        Where more would wait than may, those that have waited longest are ended.
        """
        with self._guard:
            known = [one.wanted for one in self._waiting]
            missing = []
            for one in wanted:
                known.remove(one) if one in known else missing.append(one)
            started = [_Waiting(one) for one in missing[: self._room()]]
            self._waiting += started
            left = self._drop(self._waiting[: -self._size]) if len(self._waiting) > self._size else []
        _end(left)

    def take(self, wanted: Wanted) -> WarmKernel | None:
        """Give a kernel that is like this, which is the caller's from then on; None when there is none.

        It may still import; see `WarmKernel.is_ready`.
        """
        with self._guard:
            found = next((one for one in self._waiting if one.wanted == wanted), None)
            if found is None:
                return None
            self._waiting.remove(found)
        return found.started()

    @contextmanager
    def looking_after(self) -> Iterator[None]:
        """End those that have waited for too long, and all when memory is scarce, while the body runs."""
        over = threading.Event()

        def again() -> None:
            while not over.wait(_ROUND):
                self.tidy(time.monotonic())

        thread = threading.Thread(target=again, name="nbmlops-warm-tidy", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def tidy(self, now: float) -> None:
        """End those that have waited for an hour at the time `now` of the monotonic clock, or all."""
        with self._guard:
            scarce = _free_memory() < _SCARCE
            left = self._drop([one for one in self._waiting if scarce or now - one.since > _IDLE])
        _end(left)

    def _drop(self, some: Sequence[_Waiting]) -> list[_Waiting]:
        dropped = list(some)
        self._waiting = [one for one in self._waiting if one not in dropped]
        return dropped

    def _room(self) -> int:
        """How many kernels may be started now: one for each core that nothing else takes."""
        if not self._openings or _free_memory() < _FREE:
            return 0
        preparing = sum(1 for one in self._waiting if not one.is_prepared)
        return max(0, min(self._size, cores() - self._running - preparing))


def _end(some: Sequence[_Waiting]) -> None:
    for one in some:
        one.end()


def _free_memory() -> float:
    """The share of this machine's memory that is free, 1 where the system does not tell (Linux: proc(5), meminfo)."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 1.0
    found = {key: int(rest.split()[0]) for key, _, rest in (line.partition(":") for line in lines) if rest.split()}
    return found.get("MemAvailable", 1) / max(1, found.get("MemTotal", 1))
