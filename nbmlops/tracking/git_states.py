"""Asks git beside the work: a run begins before the answer is there.

A state is the commit, the branch, whether files differ from the commit, and if so the digest of the diff, with ``cut``
when that was too long to be kept whole.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nbmlops.core import digests
from nbmlops.store import git
from nbmlops.store.addresses import recordable

__all__ = ["GitStates", "observed"]


def observed(root: Path) -> tuple[dict[str, Any] | None, str | None]:
    """The git state of a project, and the diff that it names, without what is secret of addresses in it."""
    state = git.state(root)
    if state is None or not state["dirty"] or (found := git.diff(root)) is None:
        return state, None
    diff, cut = recordable(found[0]), found[1]
    named = {**state, "diff": digests.of_text(diff)}
    return (named | {"cut": True} if cut else named), diff


class GitStates:
    """Tells the git state of a project to runs that begin.

    Runs that begin while git is being asked share the next answer, so a loop of short runs does not wait for git.

    Parameters
    ----------
    root : Path
        The project's folder.
    tell : callable
        Takes the id of a run, the state, and the diff that it names.
    """

    def __init__(self, root: Path, tell: Callable[[str, Mapping[str, Any], str | None], object]) -> None:
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
            state, diff = observed(self._root)
            for run_id in asked if state else ():
                self._tell(run_id, state or {}, diff)
