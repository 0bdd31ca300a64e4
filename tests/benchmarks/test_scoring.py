from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "scoring.py"
# What seconds say at this size, beside other tests, is not told.
ROWS = [
    (r"0\.02 M flights, forest model: scored and saved by 2 processes", {"met", "NOT MET"}),
    (r"0\.02 M flights, linear model: scored and saved by 2 processes", {"met"}),
    (r"0\.02 M flights, forest model: peak memory of a process", {"met"}),
]


def test_the_benchmark_prints_every_row_of_its_table() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--rows", "20000"], capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    assert not done.stderr
    lines = done.stdout.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("work "))
    for line, (work, verdicts) in zip(lines[head + 1 :], ROWS, strict=True):
        assert re.match(work, line)
        assert re.split(r"\s{2,}", line.strip())[-1] in verdicts
