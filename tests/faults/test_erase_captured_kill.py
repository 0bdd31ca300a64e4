"""``kill -9`` anywhere in an erasure of captured rows: nothing else is lost, and once more completes it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from nbmlops.core.clock import SystemClock, microseconds
from nbmlops.serving.capture.labels import Labels
from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.capture.reading import Captured
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.records import Deployment
from tests.serving.conftest import NOON
from tests.serving.test_erase_captured import TAIL, holds

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("NBMLOPS_SOAK_ERASE_CAPTURED_KILLS", "6"))
HOURS, EACH = 24, 40
ERASER = """
import sys
from pathlib import Path
from nbmlops.data.erasable import Sought
from nbmlops.data.literals import Literals
from nbmlops.data.secret import SecretCondition
from nbmlops.serving.capture.erasing import CapturedRequests
from nbmlops.serving.capture.reading import Captured

condition = sys.argv[2]
place = CapturedRequests(Captured(Path(sys.argv[1])), lambda name: None)
print("up", flush=True)
place.erase(Sought(SecretCondition(condition), Literals.of(condition)))
print("done", flush=True)
"""


def filled(folder: Path) -> Captured:
    import pyarrow as pa

    captured = Captured(folder)
    requests = []
    for number in range(HOURS * EACH):
        at = microseconds(NOON + timedelta(minutes=number * 60 / EACH))
        inputs = {"tail": [TAIL if number % 10 == 0 else f"N{number}"], "number": [number]}
        requests.append(CapturedRequest(f"r{number}", at, 1, inputs=inputs, outputs={"predict": [0]}))
    with CaptureLog(folder, Deployment("delay"), "w1") as log:
        log.add(requests)
    keys = pa.table({"_id": [one.id for one in requests], "label": [0] * len(requests)})
    Labels(captured, SystemClock()).add(Deployment("delay"), keys)
    return captured


def eraser(folder: Path) -> subprocess.Popen[str]:
    made = subprocess.Popen(
        [sys.executable, "-c", ERASER, str(folder), f"tail = '{TAIL}'"], stdout=subprocess.PIPE, text=True
    )
    assert made.stdout is not None
    assert made.stdout.readline() == "up\n"
    return made


def ended(process: subprocess.Popen[str]) -> bool:
    return "done" in process.communicate()[0]


@pytest.mark.timeout(600)
def test_captured_rows_that_stay_survive_any_kill_and_those_that_go_are_gone_after_one_more(tmp_path: Path) -> None:
    moments = random.Random(5)
    began = time.monotonic()
    filled(tmp_path / "whole")
    assert ended(eraser(tmp_path / "whole"))
    longest = time.monotonic() - began
    stay = sorted(number for number in range(HOURS * EACH) if number % 10)
    killed = 0
    for kill in range(KILLS):
        folder = tmp_path / str(kill)
        captured = filled(folder)
        process = eraser(folder)
        time.sleep(moments.uniform(0, longest / 2) if kill else 0)
        process.kill()
        killed += not ended(process)
        there = captured.rows("delay").collect()["in:number"].to_list()
        assert sorted(number for number in there if number % 10) == stay
        assert len(there) == len(set(there))
        assert ended(eraser(folder))
        assert sorted(captured.rows("delay").collect()["in:number"]) == stay
        assert captured.labels("delay").collect().height == len(stay)
        assert sum(hour.rows for hour in captured.hours("delay")) == HOURS * EACH
        assert sum(hour.profile.rows for hour in captured.hours("delay") if hour.profile) == len(stay)
        assert holds(folder, TAIL) == []
    assert killed
