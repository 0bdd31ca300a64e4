"""What a benchmark measures with and prints: seconds of work, memory of a process, a row of the table."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEGABYTE = 1_000_000
_MET = {True: "met", False: "NOT MET", None: "not compared"}


@dataclass(frozen=True)
class Row:
    """One line of the table: the work, what the peer and nbmlops took, their ratio, the target, whether it is met.

    Without its peer that cannot be told: then `met` is None.
    """

    work: str
    peer: str
    ours: str
    ratio: str
    target: str
    met: bool | None


@dataclass(frozen=True)
class Times:
    """Seconds of several rounds of the same work."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        spread = f" [{min(self.seconds):.2f}-{max(self.seconds):.2f}]" if len(self.seconds) > 1 else ""
        return f"{self.median:.2f} s{spread}"


def by_turns(rounds: int, *works: Callable[[], Callable[[], object]]) -> list[Times]:
    """Time several works, one after the other in each round, so that all of them meet the same machine.

    Parameters
    ----------
    rounds : int
        How often.
    works : callable
        Each makes ready, untimed, and gives what is timed.
    """
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, seconds in zip(works, taken, strict=True):
            timed = work()
            os.sync()  # what others wrote is not written out at this one's cost
            began = time.perf_counter()
            timed()
            seconds.append(time.perf_counter() - began)
    return [Times(tuple(seconds)) for seconds in taken]


def warm(path: Path) -> None:
    """Read a file or all files of a folder once, so that they are in memory for whoever comes first."""
    for each in [path] if path.is_file() else path.rglob("*"):
        if each.is_file():
            with each.open("rb") as file:
                while file.read(1 << 24):
                    pass


def bytes_below(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def run(command: Sequence[str | Path], folder: Path, **variables: str) -> str:
    """Run a command in a folder and give what it printed."""
    environment = {**os.environ, **variables}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # whoever installs a program has it compiled, once
    done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} failed in {folder}:\n{done.stdout}{done.stderr}")
    return done.stdout


def at_most(work: str, peer: tuple[str, Any], ours: Any, limit: float) -> Row:
    """A row for what may take so many times as long as the peer."""
    ratio = ours.median / peer[1].median
    return Row(work, f"{peer[0]} {peer[1]}", str(ours), f"{ratio:.2f}x", f"at most {limit:g}x", ratio <= limit)


def times_faster(work: str, peer: tuple[str, *tuple[Times, ...]], ours: Times, limit: float) -> Row:
    """A row for what has to be so many times faster than the peer, whose name may stand alone: it is absent then."""
    name, *times = peer
    if not times:
        return Row(work, f"{name} absent", str(ours), "", f"{limit:g}x faster", None)
    ratio = times[0].median / ours.median
    return Row(work, f"{name} {times[0]}", str(ours), f"{ratio:.1f}x", f"{limit:g}x faster", ratio >= limit)


def print_rows(rows: Sequence[Row]) -> None:
    """Print the table."""
    head = ("work", "peer", "nbmlops", "ratio", "target", "")
    lines = [head, *((r.work, r.peer, r.ours, r.ratio, r.target, _MET[r.met]) for r in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        print("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())
