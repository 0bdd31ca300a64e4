"""``kill -9`` anywhere in an erasure that reaches the online store: other keys stay, and once more completes it."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from nbmlops.core.errors import NotFoundError, RefusedError
from nbmlops.workspace import Workspace
from tests.data.test_erase import MARKER, flights
from tests.faults.test_erase_kill import killed

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("NBMLOPS_SOAK_ERASE_ONLINE_KILLS", "5"))
LONGEST = 1.5
"""Seconds within which such an erasure has ended on most machines."""


def planes(t):  # type: ignore[no-untyped-def]
    return t.assign(tail=t["tail"].astype(str)).groupby("tail", as_index=False).agg(flown=("id", "size"))


def statuses(workspace: Workspace, tails: list[str]) -> set[str]:
    return set(workspace.feature.online({"tail": tails}, "planes").statuses["flown"])


@pytest.mark.timeout(600)
def test_a_killed_erasure_is_taken_up_and_no_other_key_is_lost(tmp_path: Path) -> None:
    condition = tmp_path / "where.txt"
    condition.write_text(f"tail = '{MARKER}'")
    moments = random.Random(11)
    others = sorted({tail for tail in map(str, flights()["tail"]) if tail != MARKER})
    was_killed = 0
    for kill in range(KILLS):
        folder = tmp_path / str(kill)
        with Workspace.init(folder) as made:
            made.data.save(flights(), "t")
            made.feature.define(planes, entity="tail", from_="t")
            made.feature.materialize()
            assert statuses(made, [MARKER]) == {"present"}
        was_killed += not killed(folder, condition, moments.uniform(0, LONGEST) if kill else 0)
        with Workspace.open(folder) as workspace:
            assert statuses(workspace, others) == {"present"}
            try:
                workspace.data.erase(resume=True)
            except (NotFoundError, RefusedError):  # it was done, or no row had left
                workspace.data.erase("t", where_file=condition, yes=True)
            assert statuses(workspace, [MARKER]) == {"missing"}
            files = list(workspace.marker.state.glob("online.db*"))
            assert files
            assert not any(MARKER.encode() in path.read_bytes() for path in files)
            workspace.feature.materialize()
            assert statuses(workspace, others) == {"present"}
            assert statuses(workspace, [MARKER]) == {"missing"}
    assert was_killed
