"""A join that is told how much memory it may take keeps to that, whatever the size of its tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from nbmlops.workspace import Workspace

TOLD = 200  # megabytes, of what takes half as much again in memory
VIEWS = 4
PEAK = """
import sys
from pathlib import Path
from nbmlops import Workspace
with Workspace.open(sys.argv[1]) as workspace:
    views = [f"view_{number}" for number in range(int(sys.argv[3]))]
    workspace.feature.training("spine", views, time="event", name="joined", memory=float(sys.argv[2]))
# What the kernel keeps of this process alone; ru_maxrss may still hold that of the one it was forked from.
line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(line.split()[1]) << 10)
"""


def whole(source: pd.DataFrame) -> pd.DataFrame:
    """All of the source."""
    return source


def filled(folder: Path, rows: int) -> None:
    random = np.random.default_rng(0)
    at = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(random.permutation(rows), unit="s")
    with Workspace.init(folder) as workspace:
        for number in range(VIEWS):
            keys = pd.DataFrame({"driver": random.integers(0, max(rows // 20, 5), rows), "at": at})
            workspace.data.save(keys.assign(**{f"feature_{number}": random.normal(size=rows)}), f"source_{number}")
            name, source = f"view_{number}", f"source_{number}"
            workspace.feature.define(whole, name, entity="driver", from_=source, time="at", ttl="7d")
            workspace.feature.table(name)
        workspace.data.save(keys.rename(columns={"at": "event"}), "spine")


def peak(folder: Path, told: float) -> int:
    """The most memory of a process that makes the training set."""
    words = [sys.executable, "-c", PEAK, str(folder), str(told), str(VIEWS)]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def test_a_join_takes_no_more_than_it_was_told_beside_what_any_join_takes(tmp_path: Path) -> None:
    for name, rows in (("small", 500), ("large", 900_000)):
        (tmp_path / name).mkdir()
        filled(tmp_path / name, rows)
    spare = peak(tmp_path / "small", 1e-6)  # also by way of the disk: the same parts of the program
    assert peak(tmp_path / "large", TOLD) - spare < TOLD * 1_000_000
