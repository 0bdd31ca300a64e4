from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "pipelines.py"
# What seconds may say at this size, beside other tests.
TIMED = {"met", "NOT MET"}

pytestmark = [pytest.mark.notebook, pytest.mark.slow]


def test_a_row_is_printed_for_a_cold_start_a_warm_one_and_for_steps_that_are_skipped() -> None:
    command = [sys.executable, str(SCRIPT), "start", "cached", "--rounds", "1", "--scale", "0.01"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    head, *lines = [re.split(r" {2,}", line) for line in done.stdout.splitlines() if not line.startswith("  ")]
    assert head[0] == "work"
    cold, warm, cached = lines
    assert cold[0].endswith("cold kernel")
    assert (warm[0].endswith("warm kernel"), warm[-1] in TIMED) == (True, True)
    assert (cached[0], cached[-1] in TIMED) == ("10 cached steps resolved", True)
