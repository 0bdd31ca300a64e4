from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "monitoring.py"
ROWS = [
    (r"monitors of 0\.01 M requests, 30 features", "not compared"),
    (r"the profiles of 0\.02 M requests, as they are captured", "met"),
]


def test_the_benchmark_watches_a_day_and_prints_what_it_took() -> None:
    size = ("--scale", "0.01", "--without-peers")
    done = subprocess.run([sys.executable, SCRIPT, *size], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    lines = done.stdout.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("work "))
    for line, (work, verdict) in zip(lines[head + 1 :], ROWS, strict=True):
        assert re.match(work, line)
        assert re.split(r"\s{2,}", line.strip())[-1] == verdict
