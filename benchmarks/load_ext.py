"""What ``%load_ext nbmlops`` adds to a start of IPython, in fresh processes, one after the other in turn.

Bound: at most 150 ms, and none of the heavy libraries imported.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 11
BOUND = 0.150
HEAVY = ("pandas", "sklearn", "papermill", "sqlalchemy", "matplotlib")
PEERS = {
    "bare IPython": "pass",
    "with %load_ext nbmlops": "%load_ext nbmlops",
    "with import pandas": "import pandas",
}
LOOK = f"%load_ext nbmlops\nimport sys; print([name for name in {HEAVY} if name in sys.modules])"


def run(code: str, folder: str) -> tuple[float, str]:
    """Start IPython with `code` and give the seconds that it took, and what it printed."""
    places = {"IPYTHONDIR": folder, "PYTHONPATH": str(Path(__file__).parents[1])}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--no-confirm-exit", "--colors=nocolor", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **places},
    )
    return time.perf_counter() - began, done.stdout


def main() -> int:
    """Print the table, and give 0 when the bound is kept."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "nbmlops", "init", folder], check=True, capture_output=True)
        _, printed = run(LOOK, folder)
        times: dict[str, list[float]] = {name: [] for name in PEERS}
        for _ in range(ROUNDS):
            for name, code in PEERS.items():
                times[name].append(run(code, folder)[0])
    bare = statistics.median(times["bare IPython"])
    for name, taken in times.items():
        middle = statistics.median(taken)
        print(f"{name:<24}{1000 * middle:7.0f} ms   +{1000 * (middle - bare):5.0f} ms   {middle / bare:5.2f}x")
    heavy = printed.strip().splitlines()[-1]
    print(f"heavy libraries imported by it: {heavy}")
    added = statistics.median(times["with %load_ext nbmlops"]) - bare
    return 0 if added <= BOUND and heavy == "[]" else 1


if __name__ == "__main__":
    sys.exit(main())
