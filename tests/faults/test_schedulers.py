"""Two daemons on one embedded store: no time has two committed runs, none is missed, whoever is killed."""

from __future__ import annotations

import os
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
