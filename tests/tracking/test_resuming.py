"""A run whose process was killed goes on; one that ended, or that somebody writes, does not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbmlops.core.errors import ConflictError, InvalidError
from nbmlops.store import lineage
from nbmlops.tracking import capture
from nbmlops.tracking.queries import runs
from nbmlops.workspace import Workspace

DOOMED = (
    "import os, signal, sys; from nbmlops.workspace import Workspace\n"
    "run = Workspace.open(sys.argv[1]).run('gbm', params={'depth': 4}, tags={'owner': 'me'}).__enter__()\n"
    "run.log(loss=[3, 2])\n"
    "os.kill(os.getpid(), signal.SIGKILL)"
)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


@pytest.fixture
def killed(workspace: Workspace) -> str:
    subprocess.run([sys.executable, "-c", DOOMED, str(workspace.marker.root)], check=False)
    assert workspace.run.show("gbm-1").status == "killed"
    return "gbm-1"


def test_a_killed_run_goes_on_as_if_it_had_not_been(workspace: Workspace, killed: str) -> None:
    began = workspace.run.show(killed).started_at
    capture.log.begin("before", "x = 1", 1)
    capture.log.end(True)
    with workspace.run.resume(killed) as run:
        assert (run.record.status, run.record.ended_at, run.record.error) == ("running", None, None)
        assert lineage.current().run_id == run.id
        capture.log.begin("after", "y = 1", 2)
        capture.log.end(True)
        run.log(loss=1)
        run.param(depth=4, rate=0.1)
        with pytest.raises(ConflictError, match="the param depth is 4 already and cannot become 5"):
            run.param(depth=5)
        run.artifact(b"model", "model.bin")
    record = workspace.run.show(killed)
    assert (record.status, record.started_at) == ("finished", began)
    assert record.params == {"depth": 4, "rate": 0.1}
    assert record.tags == {"owner": "me"}
    assert workspace.run.history(killed, "loss") == [(0, 3.0), (1, 2.0), (2, 1.0)]
    assert [cell.cell_id for cell in record.cells] == ["after"]
    assert record.ended_at is not None


def test_a_resumed_run_fails_by_itself_and_may_be_killed_again(workspace: Workspace, killed: str) -> None:
    code = (
        "import os, signal, sys; from nbmlops.workspace import Workspace\n"
        "run = Workspace.open(sys.argv[1]).run.resume('gbm-1').__enter__()\n"
        "run.log(loss=1)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(workspace.marker.root)], check=False)
    assert workspace.run.show(killed).status == "killed"
    with pytest.raises(ZeroDivisionError), workspace.run.resume(killed) as run:
        run.log(loss=1 / 0)
    assert workspace.run.show(killed).status == "failed"
    assert len(workspace.run.history(killed, "loss")) == 3


def test_a_run_that_ended_by_itself_is_not_resumed(workspace: Workspace) -> None:
    with workspace.run("done"):
        pass
    with pytest.raises(
        InvalidError, match=r"done-1 is finished and takes nothing more\nhint: start another: .*run done"
    ):
        workspace.run.resume("done-1")


def test_a_run_that_is_being_written_is_not_resumed(workspace: Workspace, tmp_path: Path) -> None:
    with workspace.run("busy"), pytest.raises(InvalidError, match="is being written by a process that is alive"):
        workspace.run.resume("busy")
    assert workspace.run.show("busy").status == "finished"


def test_a_run_of_elsewhere_and_a_step_are_not_resumed(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBMLOPS_CATALOG", workspace.catalog.url)
    with Workspace.init(tmp_path / "neighbour") as neighbour, neighbour.run("theirs") as run:
        assert run.record.status == "running"  # the catalog knows it by now
        with pytest.raises(InvalidError, match="theirs-1 was begun elsewhere"):
            workspace.run.resume("theirs")
    workspace.run.start("fit", kind="step").finish("killed")
    with pytest.raises(InvalidError, match="fit-1 is the step of a pipeline, which goes on by itself"):
        workspace.run.resume("fit")


def test_of_two_who_resume_one_does(workspace: Workspace, killed: str) -> None:
    run_id = workspace.run.show(killed).id
    assert workspace.catalog.transact(lambda c: runs.resume(c, run_id, "first"))
    assert not workspace.catalog.transact(lambda c: runs.resume(c, run_id, "second"))


def test_who_saw_the_dead_writer_does_not_bury_the_run_that_another_resumed(workspace: Workspace, killed: str) -> None:
    run_id = workspace.run.show(killed).id
    with workspace.run.resume(killed) as run:
        workspace.catalog.transact(lambda c: runs.bury(c, {run_id: "the writer that is gone"}))
        assert run.record.status == "running"
