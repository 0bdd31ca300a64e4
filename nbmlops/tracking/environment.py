"""What a run ran on: the git state of its folder, the installed distributions, the platform."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from functools import cache
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
    # The repository may be somebody else's: nothing that its configuration names is run.
    quiet = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    command = ["git", *quiet, "-C", str(folder), "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
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
    return {
        "python": sys.version.split()[0],
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "distributions": _distributions(),
    }


def _distributions() -> dict[str, str]:
    """Versions by normalised name, from the names of the ``.dist-info`` folders on the path.

    The format of these names: https://packaging.python.org/en/latest/specifications/recording-installed-packages/.
    Reading the metadata in them instead takes a hundred times as long.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        path = Path(folder or ".")
        for entry in sorted(path.glob("*.dist-info")) if path.is_dir() else ():
            name, _, version = entry.name.removesuffix(".dist-info").partition("-")
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), version)
    return dict(sorted(found.items()))
