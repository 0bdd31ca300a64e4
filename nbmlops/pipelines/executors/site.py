"""The project as the process of a worker sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.pipelines.ledger import Holder, Ledger
from nbmlops.pipelines.steps import StepRunner

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.pipelines.stores import Stores

__all__ = ["Opener", "Site"]


@dataclass(frozen=True, slots=True)
class Site:
    """A project in this process: its stores, its folder, and the workspace's own folder in it."""

    stores: Stores
    clock: Clock
    root: Path
    state: Path

    def ledger(self, holder: Holder | None = None) -> Ledger:
        """The ledger, in which steps are claimed for `holder`."""
        runs = self.stores.runs
        return Ledger(runs.catalog, self.clock, runs.writer_lives, holder)

    def steps(self, holder: Holder | None = None, warm: int = 0) -> StepRunner:
        """What runs steps here, for `holder` where their run is elsewhere, with so many kernels that may wait."""
        again = holder is not None and holder.attempt > 1
        # A late attempt that still writes must not write over a later one's notebook.
        folder = self.state / "runs" / f"attempt-{holder.attempt}" if holder and again else self.state / "runs"
        return StepRunner(self.stores, self.ledger(holder), folder, self.root, warm)


Opener = Callable[[Path], Site]
"""Gives the site of a project's folder, in any process; opened once in each."""
