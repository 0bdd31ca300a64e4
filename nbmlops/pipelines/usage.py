"""Processor time and peak memory of a kernel, read from ``/proc``; elsewhere unknown.

Formats: proc(5), fields 14 to 17 of ``/proc/PID/stat``, ``VmHWM`` of ``/proc/PID/status``, and the value 5
of ``/proc/PID/clear_refs``, which starts that peak afresh.
"""

from __future__ import annotations

import os
from pathlib import Path

from nbmlops.pipelines.outcome import Usage

__all__ = ["Meter"]


class Meter:
    """Measures one process, cell by cell.

    Parameters
    ----------
    pid : int or None
        The process; None, as for a kernel on another machine, measures nothing.
    """

    def __init__(self, pid: int | None) -> None:
        self._folder = Path(f"/proc/{pid}") if pid is not None else None
        self._began: float | None = None
        self._last = Usage()

    def begin(self) -> None:
        """Start measuring a cell."""
        self._write("clear_refs", "5")
        self._began, self._last = self._cpu(), Usage()

    def sample(self) -> Usage:
        """Give what the cell has taken so far; after the process died, what it had when last seen."""
        now, memory = self._cpu(), self._memory()
        if now is not None and self._began is not None:
            self._last = Usage(round(now - self._began, 3), memory)
        return self._last

    def _cpu(self) -> float | None:
        text = self._read("stat")
        # The name of the program may hold spaces and brackets; what follows the last one does not.
        fields = text.rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") if len(fields) > 15 else None

    def _memory(self) -> int | None:
        for line in self._read("status").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return None

    def _read(self, name: str) -> str:
        try:
            return (self._folder / name).read_text() if self._folder else ""
        except OSError:
            return ""  # the process has ended, or this system has no /proc

    def _write(self, name: str, text: str) -> None:
        try:
            if self._folder:
                (self._folder / name).write_text(text)
        except OSError:
            return  # not allowed here: the peak is then that of the whole process so far
