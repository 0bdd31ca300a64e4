"""What a run ran on: the git state of its folder, the installed distributions, the platform."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["git_state", "installed"]

_PATIENCE = 5.0


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit, branch and dirty flag of the repository around `folder`; None when there is none, or no git.

    Parameters
    ----------
    folder : Path
        A folder of the project.
    """
    command = ["git", "-C", str(folder), "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    # Optional locks would make a user's own git command fail now and then.
    environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, env=environ, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    commit, branch, dirty = None, None, False
    for line in done.stdout.splitlines():
        if line.startswith("# branch.oid "):
            commit = line.split(" ", 2)[2]
        elif line.startswith("# branch.head "):
            branch = line.split(" ", 2)[2]
        elif not line.startswith("#"):
            dirty = True
    return {"commit": None if commit == "(initial)" else commit, "branch": branch, "dirty": dirty}


@cache
def installed() -> dict[str, Any]:
    """Versions of all installed distributions, of Python and of the platform; read once per process."""
    found = {dist.metadata["Name"]: dist.version for dist in metadata.distributions() if dist.metadata["Name"]}
    return {
        "python": sys.version.split()[0],
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "distributions": dict(sorted(found.items(), key=lambda item: item[0].lower())),
    }
