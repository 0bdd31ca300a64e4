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
LONGEST = 2.5
"""Seconds within which an erasure of these tables has ended on most machines."""


def killed(folder: Path, condition: Path, seconds: float) -> bool:
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
        folder = tmp_path / str(kill)
        with Workspace.init(folder) as workspace:
            for table in tables:
                workspace.data.save(table, "t")
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
        assert places_of(MARKER, folder) == []


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
