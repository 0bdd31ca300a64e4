"""Signs of life of what takes long, for whoever shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["StepProgress", "StepState"]

StepState = Literal[
    "waiting", "running", "completed", "skipped", "failed", "timed_out", "kernel_died", "cancelled", "not_run"
]


@dataclass(frozen=True, slots=True)
class StepProgress:
    """One sign of life of a step, a check or a view: which, in what state, how many of its cells or parts are done.

    `unit` is what those are called, and `why` says more of the state. `printed` is what a cell printed; `expected` is
    how many seconds the step took when it was last completed, None where that is not known.
    """

    step: str
    state: StepState
    done: int = 0
    cells: int = 0
    seconds: float = 0.0
    why: str = ""
    printed: str = ""
    expected: float | None = None
    unit: str = "cells"
