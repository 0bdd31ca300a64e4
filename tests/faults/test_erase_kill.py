"""``kill -9`` at random moments of an erasure: every version loads at any time, and once more completes it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nbmlops.core.errors import RefusedError
from nbmlops.store import erasures
from nbmlops.workspace import Workspace
from tests.data.test_erase import MARKER, flights, places_of

if TYPE_CHECKING:
    import pandas as pd

KILLS = int(os.environ.get("NBMLOPS_SOAK_ERASE_KILLS", "4"))
ERASER = Path(__file__).with_name("eraser.py")
LONGEST, LONGEST_AFAR = 2.0, 0.5
"""Seconds within which an erasure of these tables has ended on most machines, and that of a remote alone."""


def killed(folder: Path, condition: Path | str, seconds: float) -> bool:
    """Let an eraser begin, kill it so much later, and tell whether it had ended before."""
    process = subprocess.Popen(
        [sys.executable, str(ERASER), str(folder), str(condition)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    time.sleep(seconds)
    process.kill()
    return "done" in process.communicate()[0]


def loads(workspace: Workspace, tables: list[pd.DataFrame]) -> list[int]:
    """How many rows of each version hold the marker; each version is the old table or its successor."""
    held = []
    for version, table in zip(workspace.data.history("t")[::-1], tables, strict=True):
        loaded = workspace.data.load(version.ref)
        marked = int((loaded["tail"] == MARKER).sum())
        assert len(loaded) == len(table) - (0 if marked else int((table["tail"] == MARKER).sum()))
        held.append(marked)
    return held


@pytest.mark.timeout(1_800)
def test_an_erasure_that_was_killed_is_old_or_completed(tmp_path: Path) -> None:
    condition = tmp_path / "where.txt"
    condition.write_text(f"tail = '{MARKER}'")
    moments = random.Random(3)
    frame = flights()
    tables = [frame, frame[frame["delay"] > 0], frame.sort_values("delay")]
    for kill in range(KILLS):
        folder, remote = tmp_path / str(kill), tmp_path / f"remote_{kill}"
        with Workspace.init(folder) as workspace:
            workspace.remote.add("origin", str(remote))
            for table in tables:
                workspace.data.save(table, "t", message=MARKER)
            workspace.data.push()
        ended = killed(folder, condition, moments.uniform(0, LONGEST))
        with Workspace.open(folder) as workspace:
            held = loads(workspace, tables)
            assert all(held) or not any(held)
            left = erasures.unfinished(workspace.catalog)
            assert not (ended and left)
            assert bool(left) != workspace.doctor().ok
            assert MARKER not in str(left)
            if any(held):
                workspace.data.erase("t", where_file=condition, yes=True)
            elif left:
                workspace.data.erase(resume=True)
            assert not any(loads(workspace, tables))
            assert workspace.doctor().ok
            checked = workspace.store.verify(full=True)
            assert checked.ok, checked.damages
            rows = [len(workspace.data.load(f"t@v{number}")) for number in (1, 2, 3)]
        assert places_of(MARKER, folder) == places_of(MARKER, remote) == []
        with Workspace.init(tmp_path / f"other_{kill}") as other:
            other.data.pull(from_=str(remote))
            assert [len(other.data.load(f"t@v{number}")) for number in (1, 2, 3)] == rows


@pytest.mark.timeout(1_800)
def test_a_purge_of_a_remote_that_was_killed_is_completed(tmp_path: Path) -> None:
    condition = tmp_path / "where.txt"
    condition.write_text(f"tail = '{MARKER}'")
    moments = random.Random(4)
    frame = flights(12_000)
    for kill in range(KILLS):
        folder, remote, away = (tmp_path / f"{what}_{kill}" for what in ("project", "remote", "away"))
        with Workspace.init(folder) as workspace:
            workspace.remote.add("origin", str(remote))
            for table in (frame, frame.sort_values("delay")):
                workspace.data.save(table, "t", message=MARKER)
            workspace.data.push()
            remote.rename(away)
            assert workspace.data.erase("t", where_file=condition, yes=True).state == "pending"
        away.rename(remote)
        ended = killed(folder, "--resume", moments.uniform(0, LONGEST_AFAR))
        with Workspace.init(tmp_path / f"reader_{kill}") as reader:
            reader.data.pull(from_=str(remote))
            there = reader.data.history("t") if reader.data.list() else []  # none while there are only tombstones
            assert {len(reader.data.load(one.ref)) for one in there} <= {12_000, 11_988}
        with Workspace.open(folder) as workspace:
            assert not (ended and erasures.unfinished(workspace.catalog))
            if erasures.unfinished(workspace.catalog):
                assert workspace.data.erase(resume=True).state == "done"
            assert workspace.doctor().ok
        assert places_of(MARKER, remote) == []
        with Workspace.init(tmp_path / f"other_{kill}") as other:
            other.data.pull(from_=str(remote))
            assert [len(other.data.load(f"t@v{number}")) for number in (1, 2)] == [11_988, 11_988]


def test_an_intent_that_changed_nothing_is_told_and_dropped(tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "project") as workspace:
        workspace.data.save(flights(100), "t")
        erasures.begin(workspace.catalog, workspace.clock, ("t",), f"tail = '{MARKER}'")
        assert workspace.status().unfinished == ("t",)
        assert not workspace.doctor().ok
        assert MARKER.encode() not in workspace.catalog.path.read_bytes()
        with pytest.raises(RefusedError, match="before any row left"):
            workspace.data.erase(resume=True)
        assert workspace.doctor().ok
        assert len(workspace.data.load("t")) == 100
