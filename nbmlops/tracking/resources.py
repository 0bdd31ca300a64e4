"""What work takes of the machine: processor time, memory, bytes written to disk, and what that costs.

Processor time and bytes written count the child processes that have ended. The peak of memory is that of the process
so far: a system tells no other, and one cell's work is not told from another's.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nbmlops.tracking.records import Cell, Resources

__all__ = ["Gauge", "peaked", "priced", "summed"]

_HOUR = 3600.0
_STATUS, _IO = Path("/proc/self/status"), Path("/proc/self/io")


class Gauge:
    """Measures this process from when the gauge is made; takes some 0.1 ms in all.

    Examples
    --------
    >>> gauge = Gauge()
    >>> taken = gauge.read()
    >>> taken is not None and taken.seconds >= 0
    True
    """

    __slots__ = ("_clock", "_cpu", "_process", "_written")

    def __init__(self) -> None:
        self._process = os.getpid()
        self._cpu, self._written = _cpu(), _written()
        self._clock = time.perf_counter()

    def read(self) -> Resources | None:
        """What was taken since; None in a forked child, which has not taken it."""
        if self._process != os.getpid():
            return None
        written = _written()
        return Resources(
            seconds=time.perf_counter() - self._clock,
            cpu_seconds=round(_cpu() - self._cpu, 6),
            peak_memory=_peak(),
            written_bytes=None if written is None or self._written is None else written - self._written,
        )


def priced(resources: Resources | None, cost_per_hour: float | None) -> Resources | None:
    """What was taken, with what its time costs.

    Examples
    --------
    >>> priced(Resources(seconds=1800.0), 3.0).cost
    1.5
    """
    if resources is None or cost_per_hour is None:
        return resources
    return replace(resources, cost=resources.seconds / _HOUR * cost_per_hour)


def summed(cells: Sequence[Cell]) -> Resources | None:
    """What cells took together; None when that is known of none."""
    known = [cell.resources for cell in cells if cell.resources is not None]
    cpu = [each.cpu_seconds for each in known if each.cpu_seconds is not None]
    memory = [each.peak_memory for each in known if each.peak_memory is not None]
    written = [each.written_bytes for each in known if each.written_bytes is not None]
    if not known:
        return None
    return Resources(
        seconds=sum(each.seconds for each in known),
        cpu_seconds=sum(cpu) if cpu else None,
        peak_memory=max(memory, default=None),
        written_bytes=sum(written) if written else None,
    )


def peaked(own: Resources | None, cells: Sequence[Cell]) -> Resources | None:
    """What a run took, whose peak is at least that of each of its cells: an engine starts the peak afresh for each.

    Examples
    --------
    >>> peaked(Resources(2.0, peak_memory=10), []).peak_memory
    10
    """
    together = summed(cells)
    if own is None or together is None or together.peak_memory is None:
        return own
    return replace(own, peak_memory=max(together.peak_memory, own.peak_memory or 0))


def _cpu() -> float:
    """Seconds of processor time of this process, and of those of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak() -> int | None:
    """Highest resident memory of this process so far, in bytes.

    Linux hands ``ru_maxrss`` on from a process to the program that it starts, so a small one may tell the peak of its
    parent; ``VmHWM`` of proc(5) is its own.
    """
    try:
        text = _STATUS.read_text()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    found = text.partition("VmHWM:")[2].split(maxsplit=1)
    return int(found[0]) * 1024 if found else None


def _written() -> int | None:
    """Bytes that this process let be written to disk, ``write_bytes`` of proc(5); None where nobody counts."""
    try:
        text = _IO.read_text()
    except OSError:
        return None
    found = text.partition("\nwrite_bytes:")[2].split(maxsplit=1)
    return int(found[0]) if found else None
