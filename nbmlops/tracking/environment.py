"""What a run ran on: the installed distributions, the platform."""

from __future__ import annotations

import os
import platform
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

from nbmlops.core import digests

__all__ = ["identified", "installed"]


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


@cache
def identified() -> tuple[str, dict[str, Any]]:
    """The digest of what `installed` tells, and that."""
    return digests.of_json(installed()), installed()


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
