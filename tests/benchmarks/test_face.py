from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "face.py"
# What seconds may say at this size, beside other tests.
TIMED = {"met", "NOT MET"}

pytestmark = [pytest.mark.notebook, pytest.mark.slow]


def test_a_row_is_printed_for_the_first_completion_of_a_kernel_and_for_the_slowest_of_the_others() -> None:
    command = [sys.executable, str(SCRIPT), "completion", "--rounds", "1", "--scale", "0.01", "--without-peers"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    head, *lines = [re.split(r" {2,}", line) for line in done.stdout.splitlines() if not line.startswith("  ")]
    assert head[0] == "work"
    first, others = lines
    assert (first[0], first[-1] in TIMED) == ("the first completion in a kernel, among 1,000 runs", True)
    assert (others[0].startswith("the slowest of 13 others: %"), others[-1] in TIMED) == (True, True)
