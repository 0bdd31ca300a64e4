"""Asks git beside the work: a run begins before the answer is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nbmlops.store import git

__all__ = ["GitStates"]


class GitStates:
    """Tells the git state of a project to runs that begin.

    Runs that begin while git is being asked share the next answer, so a loop of short runs does not wait for git.

    Parameters
    ----------
    root : Path
        The project's folder.
    tell : callable
        Takes the id of a run and the state.
    """

    def __init__(self, root: Path, tell: Callable[[str, Mapping[str, Any]], object]) -> None:
        self._root = root
        self._tell = tell
        self._guard = threading.Lock()
        self._waiting: list[str] = []
        self._thread: threading.Thread | None = None

    def ask(self, run_id: str) -> None:
        """Ask for the state as it is now or a moment later."""
        if not git.is_in_repository(self._root):
            return
        with self._guard:
            self._waiting.append(run_id)
            if self._thread is None:
                self._thread = threading.Thread(target=self._answer, name="nbmlops-git", daemon=True)
                self._thread.start()

    def settle(self) -> None:
        """Wait until all who asked were told."""
        while thread := self._thread:
            thread.join()

    def _answer(self) -> None:
        while True:
            with self._guard:
                asked, self._waiting = self._waiting, []
                if not asked:
                    self._thread = None
                    return
            state = git.state(self._root)
            for run_id in asked if state else ():
                self._tell(run_id, state or {})
