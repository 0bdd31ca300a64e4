"""Daemons of two machines on one PostgreSQL, which wait for a server that is away; and the unit of systemd."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbmlops.pipelines.schedules.unit import unit
from nbmlops.workspace import Workspace
from tests.faults.daemons import watch
from tests.system.postgresql import Cluster

FIRES = int(os.environ.get("NBMLOPS_SOAK_FIRES", "40"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    running = Cluster.start()
    yield running
    running.stop()


def projects(cluster: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> list[Path]:
    """So many folders, each as on a machine of its own, with one catalog."""
    name = f"of_{folder.name}"
    cluster.run(f'create schema "{name}"')
    monkeypatch.setenv("NBMLOPS_CATALOG", f"{cluster.url()}?options=-csearch_path%3D{name}")
    roots = [folder / f"machine_{place}" for place in range(number)]
    for root in roots:
        Workspace.init(root).close()
    return roots


@pytest.mark.timeout(3_600)
def test_two_machines_commit_each_time_once_and_one_takes_over_from_the_other(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = watch(projects(cluster, tmp_path, monkeypatch, 2), tmp_path, FIRES, FIRES // 30)
    print(f"{len(seen.started)} fires, {sum(seen.started.values())} starts, takeovers {seen.takeovers}")
    assert len(seen.started) >= FIRES
    assert [key for key, number in seen.committed.items() if number > 1] == []
    assert seen.missed == []
    assert max(seen.takeovers) <= 30


def test_a_server_that_goes_away_is_waited_for_and_nothing_is_lost(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root,) = projects(cluster, tmp_path, monkeypatch, 1)

    def away() -> None:
        cluster.process.send_signal(signal.SIGQUIT)
        cluster.process.wait(timeout=30)
        time.sleep(13)
        cluster.start_again()

    seen = watch([root, root], tmp_path, 40, 0, away)
    assert [key for key, number in seen.committed.items() if number > 1] == []
    assert seen.missed == []
    assert any("waiting until it is back" in remark for remark in seen.remarks)
    assert any("the store is back after" in remark for remark in seen.remarks)


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    made = unit(tmp_path, tmp_path / "units")
    again = unit(tmp_path, tmp_path / "units")
    assert made == again
    (name,) = made.files
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "units" / name)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"WorkingDirectory={tmp_path}" in made.files[name]
