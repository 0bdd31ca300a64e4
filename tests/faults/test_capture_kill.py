from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbmlops.serving.capture.reading import Captured

pytestmark = pytest.mark.faults

WRITER = """
import sys, time
from pathlib import Path
from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.records import Deployment

log = CaptureLog(Path(sys.argv[1]), Deployment("delay"), sys.argv[2])
number = 0
while True:
    now = time.time_ns() // 1000
    log.add([CapturedRequest(f"{sys.argv[2]}-{number}", now, 1, inputs={"x": [float(number)]},
                             outputs={"predict": [number % 2]})])
    number += 1
    print(number, now, flush=True)
    time.sleep(0.0005)
"""
FOLDER = """
import sys
from pathlib import Path
from nbmlops.serving.capture.reading import Captured

print(Captured(Path(sys.argv[1])).fold("delay"))
"""


def test_a_killed_worker_loses_at_most_the_last_second(tmp_path: Path) -> None:
    captured = Captured(tmp_path)
    for attempt in range(4):
        worker = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), f"w{attempt}"], stdout=subprocess.PIPE, text=True
        )
        assert worker.stdout is not None
        first = worker.stdout.readline()
        assert first
        time.sleep(1.3 + 0.2 * attempt)
        worker.send_signal(signal.SIGKILL)
        told = [line.split() for line in worker.stdout.read().splitlines() if len(line.split()) == 2]
        worker.wait()
        worker.stdout.close()
        last = int(told[-1][1])
        kept = captured.rows("delay").collect()
        kept = kept.filter(kept["_worker"] == f"w{attempt}")
        owed = sum(int(at) < last - 1_000_000 for _, at in told)
        print(f"killed after {len(told):,} requests: {kept.height:,} are there, {owed:,} were due")
        assert kept.height >= owed > 0
        # What is there is there once, from the first one on without a gap.
        assert sorted(kept["in:x"]) == list(range(kept.height))


def test_many_who_fold_at_once_count_each_row_once(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), f"w{number}"], stdout=subprocess.PIPE, text=True)
        for number in range(2)
    ]
    for one in writers:
        assert one.stdout is not None
        assert one.stdout.readline()
    time.sleep(1.0)
    for one in writers:
        one.kill()
        one.communicate()
    captured = Captured(tmp_path)
    rows = captured.rows("delay").collect()
    folders = [
        subprocess.Popen([sys.executable, "-c", FOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert sum(int(one.communicate()[0]) for one in folders) == 2
    assert captured.place("delay").segments() == []
    assert sum(hour.rows for hour in captured.hours("delay")) == rows.height > 0
    assert captured.rows("delay").collect().sort("_id").equals(rows.sort("_id"))
