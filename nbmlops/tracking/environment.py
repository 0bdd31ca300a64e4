"""What a run ran on: the installed distributions, the platform, the processor and how many threads may use it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from nbmlops.core import digests

__all__ = ["identified", "installed"]

_THREADS = (
    "BLIS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_CPUINFO = Path("/proc/cpuinfo")
_SYSCTL = Path("/usr/sbin/sysctl")
_PATIENCE = 5.0


def installed() -> dict[str, Any]:
    """Versions of all distributions, of Python and of the platform, the processor, and the threads that are set.

    Read once per process, but for the threads, which a program may set while it runs.
    """
    return {**_machine(), "threads": dict(_threads())}


def identified() -> tuple[str, dict[str, Any]]:
    """The digest of what `installed` tells, and that."""
    return _identified(_threads())


@cache
def _identified(threads: tuple[tuple[str, str], ...]) -> tuple[str, dict[str, Any]]:
    content = {**_machine(), "threads": dict(threads)}
    return digests.of_json(content), content


@cache
def _machine() -> dict[str, Any]:
    return {
        "python": sys.version.split()[0],
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "distributions": _distributions(),
    }


def _threads() -> tuple[tuple[str, str], ...]:
    """The variables that say how many threads numerical libraries use, those that are set."""
    return tuple((name, os.environ[name]) for name in _THREADS if name in os.environ)


def _cpu() -> str | None:
    """Model of the processor, as the system names it; None where it does not."""
    try:
        with _CPUINFO.open(encoding="utf-8", errors="replace") as file:
            # Each processor is told of anew; the first will do.
            found = re.search(r"^(?:model name|Hardware|cpu model)\s*: *(.+)$", file.read(8192), re.MULTILINE)
        return found[1].strip() if found else None
    except OSError:
        if not _SYSCTL.exists():
            return None
    command = [str(_SYSCTL), "-n", "machdep.cpu.brand_string"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    return done.stdout.strip() or None


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
