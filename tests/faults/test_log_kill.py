"""``kill -9`` at random moments of four processes that log: every acknowledged point is there, once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from nbmlops.workspace import Workspace

ROUNDS = int(os.environ.get("NBMLOPS_SOAK_LOG_KILLS", "6"))
LOGGER = Path(__file__).with_name("logger.py")
PROCESSES = 4


class Logger:
    """One process, and what it has acknowledged."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.said = b""
        reading, writing = os.pipe()
        command = [sys.executable, str(LOGGER), str(folder), name, str(writing)]
        self._process = subprocess.Popen(command, pass_fds=[writing])
        os.close(writing)
        self._reader = threading.Thread(target=self._read, args=(reading,))
        self._reader.start()

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor, "rb", buffering=0) as pipe:
            while some := pipe.read(1 << 16):
                self.said += some

    def kill(self) -> int:
        """Kill it; how many points it had acknowledged."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        return len(self.said) // 8


@pytest.mark.timeout(3_600)
def test_no_acknowledged_point_is_lost_or_doubled_by_kill_9(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "project"
    Workspace.init(folder).close()
    moments = random.Random(5)
    total, slowest = 0, 0.0
    for turn in range(ROUNDS):
        loggers = [Logger(folder, f"r{turn}of{number}") for number in range(PROCESSES)]
        while not all(logger.said for logger in loggers):
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.4))
        acknowledged = {logger.name: logger.kill() for logger in loggers}
        began = time.perf_counter()
        with Workspace.open(folder) as workspace:
            found = {run.experiment: run for run in workspace.run.list(PROCESSES)}
            slowest = max(slowest, time.perf_counter() - began)
            assert found.keys() == acknowledged.keys()
            for name, count in acknowledged.items():
                assert found[name].status == "killed"
                assert found[name].params == {"of": name}
                points = workspace.run.history(name, "loss")
                # The point that was being acknowledged may be there too.
                assert points == [(step, step / 2) for step in range(len(points))]
                assert len(points) in {count, count + 1}
        total += sum(acknowledged.values())
    assert not list((folder / ".nbmlops" / "journal").glob("*.ndjson"))
    with capsys.disabled():
        print(
            f"\nkilled {ROUNDS} x {PROCESSES} loggers: {total} points acknowledged, 0 lost, 0 doubled; "
            f"reopened in {slowest:.2f} s at most"
        )
