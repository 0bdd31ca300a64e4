"""Two daemons on one embedded store: no time has two committed runs, none is missed, whoever is killed or goes away."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from nbmlops.workspace import Workspace
from tests.faults.daemons import watch

FIRES = int(os.environ.get("NBMLOPS_SOAK_FIRES", "45"))


@pytest.mark.faults
def test_two_daemons_of_which_one_is_killed_every_20_fires_commit_each_time_once(tmp_path: Path) -> None:
    root = tmp_path / "project"
    Workspace.init(root).close()
    seen = watch([root, root], tmp_path, FIRES, FIRES // 20)
    print(f"{len(seen.started)} fires, {sum(seen.started.values())} starts, takeovers {seen.takeovers}")
    assert len(seen.started) >= FIRES
    assert [key for key, number in seen.committed.items() if number > 1] == []
    assert seen.missed == []
    assert max(seen.takeovers) <= 30


@pytest.mark.faults
def test_a_store_that_goes_away_is_waited_for_and_nothing_is_lost(tmp_path: Path) -> None:
    root = tmp_path / "project"
    Workspace.init(root).close()

    def away() -> None:
        (root / ".nbmlops").rename(root / "elsewhere")
        time.sleep(4)
        (root / "elsewhere").rename(root / ".nbmlops")

    seen = watch([root, root], tmp_path, 32, 0, away)
    assert [key for key, number in seen.committed.items() if number > 1] == []
    assert seen.missed == []
    assert any("waiting until it is back" in remark for remark in seen.remarks)
    assert any("the store is back after" in remark for remark in seen.remarks)
