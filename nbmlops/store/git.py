"""The state of the git repository around a folder; asked beside the work that wants to know it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["asked", "is_in_repository", "state"]

_PATIENCE = 5.0

State = Mapping[str, Any]


def state(folder: Path) -> dict[str, Any] | None:
    """Commit, branch and dirty flag of the repository around `folder`; None when there is none, or no git.

    Parameters
    ----------
    folder : Path
        A folder of the project.
    """
    if not is_in_repository(folder):
        return None
    # The repository may be somebody else's: nothing that its configuration names is run.
    quiet = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    command = ["git", *quiet, "-C", str(folder), "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    # Optional locks would make a user's own git command fail now and then.
    environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, env=environ, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else _read(done.stdout)


def _read(told: str) -> dict[str, Any]:
    commit, branch, dirty = None, None, False
    for line in told.splitlines():
        if line.startswith("# branch.oid "):
            commit = line.split(" ", 2)[2]
        elif line.startswith("# branch.head "):
            branch = line.split(" ", 2)[2]
        elif not line.startswith("#"):
            dirty = True
    return {"commit": None if commit == "(initial)" else commit, "branch": branch, "dirty": dirty}


def is_in_repository(folder: Path) -> bool:
    """Whether git may find a repository: it need not be asked where no folder has one."""
    here = folder.absolute()
    return "GIT_DIR" in os.environ or any((one / ".git").exists() for one in (here, *here.parents))


def asked(folder: Path) -> Callable[[], dict[str, Any] | None]:
    """Begin to ask for the state; what is given waits for the answer.

    Git takes longer than a small save (6 ms here, some 100 ms in a large repository), and uses another core.
    """
    if not is_in_repository(folder):
        return lambda: None
    answer: list[dict[str, Any] | None] = []
    thread = threading.Thread(target=lambda: answer.append(state(folder)), name="nbmlops-git", daemon=True)
    thread.start()

    def wait() -> dict[str, Any] | None:
        thread.join()
        return answer[0] if answer else None

    return wait
