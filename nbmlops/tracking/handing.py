"""A run in the hands of another process, as one that joblib starts: it logs there to the same run."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.active import ActiveRun

if TYPE_CHECKING:
    from nbmlops.tracking.service import Runs

__all__ = ["handed", "taken"]

# By process and folder: a forked child must not use its parent's connections.
_mine: weakref.WeakValueDictionary[tuple[int, Path], Runs] = weakref.WeakValueDictionary()
_opened: dict[tuple[int, Path], Any] = {}
_guard = threading.Lock()

Handed = tuple[Callable[..., ActiveRun], tuple[Callable[[Path], Any], Path, str]]


def handed(runs: Runs, opener: Callable[[Path], Any], root: Path, run_id: str) -> Handed:
    """What is pickled of a run: how the workspace is opened, where, and the run's id."""
    runs.recording.settle()  # whoever takes it asks the catalog for it
    with _guard:
        _mine[os.getpid(), root] = runs
    return taken, (opener, root, run_id)


def taken(opener: Callable[[Path], Any], root: Path, run_id: str) -> ActiveRun:
    """The run in the process that took it; the workspace is opened once there, and stays open."""
    key = os.getpid(), root
    with _guard:
        runs = _mine.get(key)
        if runs is None:
            if key not in _opened:
                _opened[key] = opener(root)
            runs = _opened[key].run
        return ActiveRun(runs, run_id)
