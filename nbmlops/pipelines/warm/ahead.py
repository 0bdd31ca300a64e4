"""Looks ahead in a plan: while a step runs, kernels of those that wait for it are started."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.pipelines.warm.pool import KernelPool, ended
from nbmlops.pipelines.warm.wanted import Wanted

if TYPE_CHECKING:
    from nbmlops.pipelines.plan import Plan
    from nbmlops.pipelines.warm.kernel import WarmKernel

__all__ = ["Ahead"]


class Ahead:
    """Gives steps of one project their warm kernels.

    Parameters
    ----------
    size : int
        How many kernels may wait at once; 0 turns it off.
    root : Path
        The project's folder.
    """

    def __init__(self, size: int, root: Path) -> None:
        self._pool = KernelPool(size)
        self._size = size
        self._root = root
        self._keeps = False

    def open(self) -> AbstractContextManager[None]:
        """Let kernels wait while the body runs; see `KernelPool.open`."""
        return self._pool.open()

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Let kernels wait from one run to the next: a run's first steps find the ones that it had last time."""
        self._keeps = True
        try:
            with self._pool.open(), self._pool.looking_after():
                yield
        finally:
            self._keeps = False

    @contextmanager
    def step(self, plan: Plan, name: str) -> Iterator[WarmKernel | None]:
        """A warm kernel for the step `name`, if there is one, while the body executes it; it is ended after.

        A plan that is `cold` gets none, nor does one whose code lies elsewhere, which a kernel has to know when it
        starts.
        """
        if plan.cold or plan.home or not self._size:
            yield None
            return
        own, after = list(self._wanted(plan, [name])), list(self._wanted(plan, plan.graph.downstream(name)))
        # Taken first: a step that waits for this one may want the same.
        kernel = self._pool.take(own[0]) if own else None
        try:
            with self._pool.running():
                self._pool.expect(after)
                yield kernel
        finally:
            if kernel is not None:
                ended(kernel)
        if self._keeps and not plan.graph.upstream(name):
            self._pool.expect([*after, *own])

    def _wanted(self, plan: Plan, steps: Iterable[str]) -> Iterator[Wanted]:
        for step in steps:
            # What puts rows together has no notebook.
            if step in plan.notebooks and (wanted := Wanted.of(plan.notebooks[step], plan.folders[step], self._root)):
                yield wanted
