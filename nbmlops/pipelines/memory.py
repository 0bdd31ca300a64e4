"""The memory of a kernel and of the processes that it started, read from ``/proc`` while a cell runs.

It is watched rather than limited by the system. ``RLIMIT_AS`` counts addresses, of which numpy and Arrow reserve far
more than they use; ``RLIMIT_RSS`` is ignored by Linux since 2.4.30 (setrlimit(2)); a control group needs rights that a
user seldom has, and none of them counts child processes as one with the kernel. What is allocated between two looks,
a twentieth of a second, may exceed the limit for that long.

Formats: proc(5), ``statm``, ``stat`` and ``smaps_rollup``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from nbmlops.core.errors import UnsupportedError

__all__ = ["MemoryWatch", "installed", "resident"]

_PROC = Path("/proc")
# Every so many looks the whole group is looked for; in between, the processes that are known.
_GROUP = 10


class MemoryWatch:
    """Watches the memory of a process group.

    Parameters
    ----------
    group : int or None
        The process group, which the kernel leads.
    limit : int
        Bytes that its processes may have together.

    Raises
    ------
    UnsupportedError
        This system does not tell.
    """

    def __init__(self, group: int | None, limit: int) -> None:
        if group is None or sys.platform != "linux":
            raise UnsupportedError(
                "the memory of a step can be limited on Linux alone, in a kernel of this machine",
                hint="leave out the limit of memory",
            )
        self._group, self._limit = group, limit
        self._known: list[int] = [group]
        self._looks = 0
        self.peak = 0

    def is_exceeded(self) -> bool:
        """Look; whether the processes now have more than the limit. `peak` is the most that was seen, in bytes."""
        if self._looks % _GROUP == 0:
            self._known = list(_members(self._group))
        self._looks += 1
        seen = sum(map(resident, self._known))
        if seen > self._limit and len(self._known) > 1:
            # Pages that processes share, as after a fork, were counted once for each.
            seen = sum(map(_proportional, self._known))
        self.peak = max(self.peak, seen)
        return seen > self._limit


def installed() -> int | None:
    """Bytes of memory that this machine has, None where it does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None


def _members(group: int) -> Iterator[int]:
    for entry in os.listdir(_PROC):  # noqa: PTH208 - a name is enough, and this is done often
        if entry.isdigit():
            # The name of the program may hold spaces and brackets; what follows the last one does not.
            fields = _read(int(entry), "stat").rpartition(")")[2].split()
            if len(fields) > 2 and int(fields[2]) == group:
                yield int(entry)


def resident(pid: int) -> int:
    """Resident memory of a process in bytes, 0 where nobody tells."""
    fields = _read(pid, "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else 0


def _proportional(pid: int) -> int:
    for line in _read(pid, "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(pid: int, name: str) -> str:
    try:
        return (_PROC / str(pid) / name).read_text(errors="replace")
    except OSError:
        return ""  # it has ended meanwhile
