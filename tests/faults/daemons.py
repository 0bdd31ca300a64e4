"""Two daemons on one store, one of them killed again and again in the middle of what it does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from nbmlops.workspace import Workspace
from tests.faults.daemon import Light

__all__ = ["SCHEDULES", "Watched", "watch"]

SCHEDULES = 4
_EACH = 20
"""Fires between two kills."""
_PATIENCE = 60.0


@dataclass
class Watched:
    """What was seen: starts, commits by schedule and time, and seconds until what was killed was taken over."""

    started: Counter[tuple[str, str]] = field(default_factory=Counter)
    committed: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    takeovers: list[float] = field(default_factory=list)


class _Daemon:
    def __init__(self, root: Path, log: Path, number: int) -> None:
        self._root, self._log = root, log
        self.said = log.with_name(f"said-{number}.jsonl")
        self.start()

    def start(self) -> None:
        script = str(Path(__file__).with_name("daemon.py"))
        with self.said.open("ab") as said:
            self.process = subprocess.Popen([sys.executable, script, str(self._root), str(self._log)], stdout=said)


def watch(
    roots: list[Path], folder: Path, fires: int, kills: int, trouble: Callable[[], None] = lambda: None
) -> Watched:
    """Let two daemons work until so many fires have started, and kill one of them every 20 fires, so often.

    With two roots they are on two machines, of which one cannot see whether a process of the other lives. `trouble` is
    made before the end.
    """
    log, seen = folder / "log.jsonl", Watched()
    log.touch()
    with Workspace.open(roots[0]) as workspace:
        workspace.schedule.actions.register("light", Light(log))
        for number in range(SCHEDULES):
            workspace.schedule.add(f"light_{number}", every="1s", catchup="all", action="light")
        daemons = [_Daemon(root, log, number) for number, root in enumerate(roots)]
        try:
            for kill in range(1, kills + 1):
                _await(log, _begun(log) + _EACH)
                seen.takeovers.append(_kill(daemons[kill % 2], log, elsewhere=roots[0] != roots[1]))
            _await(log, max(fires // 2, _begun(log)))
            trouble()
            _await(log, fires)
        finally:
            for daemon in daemons:
                daemon.process.terminate()
            for daemon in daemons:
                # One that was just started is ended by the signal itself.
                assert daemon.process.wait(timeout=30) in {0, -signal.SIGTERM}
        _drain(workspace)
        _count(workspace, daemons, log, seen)
    return seen


def _lines(path: Path) -> list[dict[str, Any]]:
    whole = path.read_text().rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines()]


def _begun(log: Path) -> int:
    """How many fires have started, however often."""
    return len({_key(line) for line in _lines(log)})


def _await(log: Path, number: int) -> None:
    began = time.monotonic()
    while _begun(log) < number:
        assert time.monotonic() - began < _PATIENCE + number, f"{_begun(log)} fires of {number}"
        time.sleep(0.02)


def _kill(daemon: _Daemon, log: Path, *, elsewhere: bool) -> float:
    """Kill a daemon as soon as it has begun something; seconds until that is begun anew.

    Another is started in its place, at once or when somebody else has taken over.
    """
    before, pid = len(_lines(log)), daemon.process.pid
    while not (mine := [line for line in _lines(log)[before:] if line["pid"] == pid]):
        time.sleep(0.005)
    daemon.process.kill()
    daemon.process.wait()
    at = time.time()
    if not elsewhere:
        daemon.start()
    left = mine[-1]
    while not (again := [line for line in _lines(log) if _key(line) == _key(left) and line["pid"] != pid]):
        assert time.time() - at < _PATIENCE, f"{left} was not taken over"
        time.sleep(0.02)
    if elsewhere:
        daemon.start()
    return float(again[0]["at"]) - at


def _key(line: dict[str, Any]) -> tuple[str, str]:
    return line["target"], line["time"]


def _drain(workspace: Workspace) -> None:
    """Do what waits still, with nothing new to come."""
    workspace.schedule.run(once=True, parallel=4)


def _count(workspace: Workspace, daemons: list[_Daemon], log: Path, seen: Watched) -> None:
    for line in _lines(log):
        seen.started[_key(line)] += 1
    for daemon in daemons:
        for said in _lines(daemon.said):
            if said.get("state") == "completed":
                seen.committed[said["schedule"], said["logical_time"]] += 1
            seen.remarks += [said["text"]] if "text" in said else []
    for schedule in workspace.schedule.list():
        fires = sorted(workspace.schedule.history(schedule.name, 100_000), key=lambda fire: fire.due_at)
        assert {fire.state for fire in fires} == {"completed"}
        steps = [(later.due_at - fire.due_at).total_seconds() for fire, later in pairwise(fires)]
        seen.missed += [fires[place].logical_time for place, step in enumerate(steps) if step != 1]
        assert (fires[0].due_at - schedule.created_at).total_seconds() < 1.001
