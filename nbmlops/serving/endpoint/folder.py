"""Folds what was captured while an endpoint runs: a short process beside it, so that no worker pays for it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

from nbmlops.serving.capture.segments import Place, is_closed

__all__ = ["Folder"]

_EVERY = 60.0


class Folder:
    """Starts the folding of one deployment when there is something to fold.

    Parameters
    ----------
    place : Place
        Where it is captured.
    command : sequence of str
        What folds it. Of several at once, one folds: it is done under a lock.
    every : float
        Seconds between two looks.
    """

    def __init__(self, place: Place, command: Sequence[str], every: float = _EVERY) -> None:
        self._place = place
        self._command = list(command)
        self._every = every
        self._next = time.monotonic() + every
        self._process: subprocess.Popen[bytes] | None = None

    def look(self) -> None:
        """Take note of one that has ended; start one when it is time."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None
        if time.monotonic() < self._next or self._process is not None:
            return
        self._next = time.monotonic() + self._every
        if any(is_closed(path) for path in self._place.segments()):
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, start_new_session=True)

    def close(self) -> None:
        """End it: folding that is cut off is done again by whoever comes next."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
