"""Runs: what is logged is there, a run that fails says why, one whose process dies is killed."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from nbmlops.core import digests
from nbmlops.core.clock import SystemClock
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError
from nbmlops.render import text
from nbmlops.store import scrubbing
from nbmlops.store.redaction import Redaction
from nbmlops.tracking import capture, environment
from nbmlops.workspace import Workspace
from nbmlops.workspace.layout import locate, settings_of


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def test_a_run_keeps_params_metrics_tags_and_artifacts(workspace: Workspace) -> None:
    with workspace.run("gbm", params={"depth": 4, "model": {"rate": 0.1}}, tags={"owner": "me"}) as run:
        run.log(auc=0.7, loss=np.float32(1.5))
        run.log({"val.auc": 0.6}, step=3)
        run.log(auc=0.8)
        run.artifact(b"hello", "greeting.txt")
    record = workspace.run.show("gbm-1")
    assert record.status == "finished"
    assert record.params == {"depth": 4, "model.rate": 0.1}
    assert record.metrics == {"auc": 0.8, "loss": 1.5, "val.auc": 0.6}
    assert record.tags == {"owner": "me"}
    assert workspace.objects.read(record.artifacts["greeting.txt"]) == b"hello"
    assert workspace.run.history("gbm", "auc") == [(0, 0.7), (1, 0.8)]
    assert record.environment is not None
    assert "pandas" in record.environment["distributions"]


def test_several_runs_are_what_each_is_by_itself(workspace: Workspace) -> None:
    for depth in range(3):
        with workspace.run("gbm", params={"depth": depth}) as run:
            run.log(auc=depth / 10)
            workspace.data.save(pd.DataFrame({"x": [depth]}), f"t{depth}")
    with workspace.run("other-2"):
        pass
    ids = [workspace.run.show(f"gbm-{number}").id for number in (1, 2)]
    asked = [*ids, "gbm-3", "other-2-1", "gbm-99", "gbm", "f" * 32, ids[0][:8]]
    found = workspace.run.several(asked)
    assert set(found) == {*ids, "gbm-3", "other-2-1"}
    for ref, run in found.items():
        shown = workspace.run.show(ref)
        assert run == replace(shown, cells=(), environment=None, diff=None, source=None)
    assert workspace.run.several([]) == {}


def test_values_that_are_no_plain_numbers_are_kept_or_refused(workspace: Workspace) -> None:
    with workspace.run("gbm") as run:
        run.log(nan=float("nan"), low=-math.inf)
        assert math.isnan(run.record.metrics["nan"])
        assert run.record.metrics["low"] == -math.inf
        with pytest.raises(
            InvalidError, match=r"the metric note must be a number, not 'good'\nhint: keep text as a tag"
        ):
            run.log(note="good")
        with pytest.raises(InvalidError, match="the step must be a whole number"):
            run.log(auc=1, step=1.5)  # type: ignore[arg-type]


def test_a_param_does_not_change(workspace: Workspace) -> None:
    with workspace.run("gbm", params={"depth": 4}) as run:
        run.param(depth=4)
        with pytest.raises(ConflictError, match="the param depth is 4 already and cannot become 5"):
            run.param(depth=5)


def test_a_body_that_raises_fails_its_run_and_only_its_run(workspace: Workspace) -> None:
    with workspace.run("outer") as outer, pytest.raises(ZeroDivisionError), workspace.run("inner"):
        _ = 1 / 0
    inner = workspace.run.show("inner")
    assert (inner.status, inner.error) == ("failed", {"name": "ZeroDivisionError", "value": "division by zero"})
    assert inner.parent_id == outer.id
    assert workspace.run.show("outer").status == "finished"


def test_a_finished_run_takes_nothing_more(workspace: Workspace) -> None:
    with workspace.run("gbm") as run:
        pass
    with pytest.raises(InvalidError, match="the run gbm-1 is finished"):
        run.log(auc=1)
    with pytest.raises(InvalidError, match="no run is active"):
        workspace.run.log(auc=1)


def test_what_a_run_reads_and_writes_is_linked(workspace: Workspace) -> None:
    workspace.data.save(pd.DataFrame({"a": [1]}), "raw")
    with workspace.run("clean"):
        frame = workspace.data.load("raw")
        workspace.data.save(frame.assign(b=2), "clean")
    record = workspace.run.show("clean")
    assert (record.inputs, record.outputs) == (("raw@v1",), ("clean@v1",))
    assert workspace.data.show("clean").run_id == record.id


def test_a_run_is_found_by_name_experiment_and_id(workspace: Workspace) -> None:
    for _ in range(3):
        with workspace.run("gbm-large") as run:
            pass
    assert workspace.run.show("gbm-large").name == "gbm-large-3"
    assert workspace.run.show("gbm-large-2").number == 2
    assert workspace.run.show(run.id[:8]).id == run.id
    with pytest.raises(NotFoundError, match=r"there is no run 'gbm-large-9'\nhint: did you mean gbm-large-"):
        workspace.run.show("gbm-large-9")
    assert [record.number for record in workspace.run.list(2)] == [3, 2]


def test_a_run_keeps_the_cells_that_ran_in_it(workspace: Workspace) -> None:
    capture.log.begin("before", "x = 1", 1)
    capture.log.end(True)
    with workspace.run("gbm"):
        capture.log.begin("a", "y = x + 1", 2)
        capture.log.end(True)
        capture.log.begin("b", "z = y / 0", 3)
        capture.log.end(False, "ZeroDivisionError")
    cells = workspace.run.show("gbm").cells
    assert [(cell.cell_id, cell.status) for cell in cells] == [("a", "completed"), ("b", "failed")]
    assert (cells[0].defines, cells[0].uses) == (("y",), ("x",))


def test_a_run_whose_process_dies_is_killed(workspace: Workspace) -> None:
    code = (
        "import sys, time; from nbmlops.workspace import Workspace; run = Workspace.open(sys.argv[1]).run('gbm');"
        "run.log(auc=1); print('up', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(workspace.marker.root)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    deadline = time.monotonic() + 20
    while not workspace.run.list() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert workspace.run.show("gbm").status == "running"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    record = workspace.run.show("gbm")
    assert (record.status, record.metrics) == ("killed", {"auc": 1.0})


def test_a_killed_run_ended_with_its_last_sign_of_life(workspace: Workspace) -> None:
    script = (
        "import os, signal, sys; from nbmlops.workspace import Workspace\n"
        "w = Workspace.open(sys.argv[1]); r = w.run.start('doomed'); r.log(x=1); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(workspace.marker.root)], check=False)
    looked = workspace.clock.now()
    record = workspace.run.show("doomed-1")
    assert record.status == "killed"
    assert record.ended_at is not None
    assert record.started_at < record.ended_at < looked


def test_runs_of_another_workspace_in_the_same_catalog_are_not_killed_from_here(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBMLOPS_CATALOG", workspace.catalog.url)
    with Workspace.init(tmp_path / "neighbour") as neighbour, workspace.run("mine"), neighbour.run("theirs"):
        assert {run.status for run in neighbour.run.list()} == {"running"}
        assert {run.status for run in workspace.run.list()} == {"running"}


def test_a_run_shows_the_runs_that_are_a_part_of_it(workspace: Workspace) -> None:
    with workspace.run("whole"):
        for name in ("one", "two"):
            with workspace.run(name) as part:
                part.log(auc=0.5)
    shown = workspace.run.show("whole")
    assert [(child.name, child.status) for child in shown.children] == [("one-1", "finished"), ("two-1", "finished")]
    assert "two-1" in text(shown, detail=True)
    assert workspace.run.show("one").children == ()


def commit(root: Path) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        [*identity, "commit", "-qm", "first", "--allow-empty"],
    ):
        subprocess.run(["git", "-C", str(root), *command], check=True)


def test_the_git_state_is_kept(workspace: Workspace) -> None:
    commit(workspace.marker.root)
    with workspace.run("gbm"):
        pass
    git = workspace.run.show("gbm").git
    assert git is not None
    assert (git["branch"], git["dirty"], len(git["commit"])) == ("main", False, 40)
    assert workspace.run.show("gbm").diff is None


@pytest.mark.parametrize("kind", ["run", "step"])
def test_what_differs_from_the_commit_is_kept_once_and_without_secrets_of_addresses(
    workspace: Workspace, kind: Literal["run", "step"]
) -> None:
    source = workspace.marker.root / "train.py"
    source.write_text("depth = 4\n")
    commit(workspace.marker.root)
    source.write_text("depth = 5\nread('https://ann:geheim@host/x.csv')\n")
    for _ in range(2):
        with workspace.run.start("gbm", kind=kind):
            pass
    first, second = workspace.run.show("gbm-1"), workspace.run.show("gbm-2")
    assert first.diff is not None
    assert first.diff == second.diff
    assert "-depth = 4\n+depth = 5\n+read('https://…@host/x.csv')\n" in first.diff
    assert first.git is not None
    assert first.git["diff"] == digests.of_bytes(first.diff.encode())
    assert "-depth = 4" in text(first, detail=True)
    assert "-depth = 4" not in text(first)
    source.write_text("depth = 6\n")
    with workspace.run.start("gbm", kind=kind):
        pass
    differing = {each.name: each.values for each in workspace.run.compare("gbm-1", "gbm-3").environment}
    assert list(differing) == ["git diff"]
    redaction = Redaction(["depth = 5"])
    workspace.catalog.erase(lambda c: scrubbing.scrub(c, redaction))
    erased = workspace.run.show("gbm-1")
    assert erased.diff is not None
    assert "-depth = 4\n+[erased]\n" in erased.diff


def test_the_threads_that_are_set_belong_to_the_environment(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with workspace.run("gbm"):
        pass
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with workspace.run("gbm"):
        pass
    first, second = workspace.run.show("gbm-1"), workspace.run.show("gbm-2")
    assert first.environment is not None
    assert second.environment is not None
    assert "OMP_NUM_THREADS" not in first.environment["threads"]
    assert second.environment["threads"]["OMP_NUM_THREADS"] == "3"
    assert first.environment.keys() == {
        *("python", "implementation", "platform", "machine", "cpu", "cpus", "distributions", "threads")
    }
    differing = {each.name: each.values for each in workspace.run.compare("gbm-1", "gbm-2").environment}
    assert differing == {"OMP_NUM_THREADS": (None, "3")}
    assert "OMP_NUM_THREADS=3" in text(second, detail=True)


def test_the_environment_is_what_is_installed() -> None:
    kept = environment.installed()["distributions"]
    known = {re.sub(r"[-_.]+", "-", dist.name).lower(): dist.version for dist in metadata.distributions()}
    assert kept.items() >= {name: known[name] for name in ("pandas", "scikit-learn", "sqlalchemy", "nbmlops")}.items()
    assert kept.keys() == known.keys()


def test_names_and_values_that_are_none_are_refused(workspace: Workspace) -> None:
    itself: dict[str, object] = {}
    itself["me"] = itself
    endless: list[object] = []
    endless.append(endless)
    with workspace.run("gbm") as run:
        for wrong in (run.log, run.param, run.tag):
            with pytest.raises(InvalidError, match="names and values are wanted, not 3"):
                wrong(3)  # type: ignore[arg-type]
        for say in (lambda: run.log(itself), lambda: run.param(itself), lambda: run.param(depth=endless)):
            with pytest.raises(InvalidError, match="hold"):
                say()
        with pytest.raises(InvalidError, match="holds itself"):
            run.artifact(itself, "itself")
        run.log(auc=1)
    record = workspace.run.show("gbm")
    assert (record.status, record.metrics, record.params) == ("finished", {"auc": 1.0}, {})


class Backwards(SystemClock):
    """A clock that goes back."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        self.ahead -= timedelta(minutes=10)
        return super().now() + self.ahead


def test_a_clock_that_goes_back_loses_nothing_and_no_run_took_less_than_nothing(tmp_path: Path) -> None:
    Workspace.init(tmp_path).close()
    with Workspace(locate(tmp_path), settings_of(tmp_path), Backwards()) as back:
        with back.run("gbm") as run:
            for loss in (3, 2, 1):
                run.log(loss=loss)
        record = back.run.show("gbm")
        assert record.ended_at is not None
        assert record.ended_at < record.started_at
        assert record.seconds is not None
        assert 0 <= record.seconds < 60
        assert back.run.history("gbm", "loss") == [(0, 3.0), (1, 2.0), (2, 1.0)]


def test_a_run_ends_as_runs_do(workspace: Workspace) -> None:
    run = workspace.run("gbm")
    for wrong in ("great", "running"):
        with pytest.raises(InvalidError, match=f"does not end as '{wrong}'"):
            run.finish(wrong)  # type: ignore[arg-type]
    assert run.finish("failed").status == "failed"


def test_a_listing_has_a_run_at_least(workspace: Workspace) -> None:
    with pytest.raises(InvalidError, match="not 0"):
        workspace.run.list(0)


def test_a_param_is_what_it_was_first_in_the_words_of_the_refusal(workspace: Workspace) -> None:
    with workspace.run("gbm", params={"depth": 4}) as run:
        run.param(depth=4.0)
        with pytest.raises(ConflictError, match="the param depth is 4 already and cannot become 5"):
            run.param(depth=5)


def test_params_are_shown_as_they_were_given(workspace: Workspace) -> None:
    with workspace.run("gbm", params={"year": 2013, "rate": 0.000123456}) as run:
        run.log(rows=2013)
    record = workspace.run.show("gbm")
    shown = text(record, detail=True)
    assert "2013" in shown
    assert "0.000123456" in shown
    assert "2,013" in shown, "a metric is a quantity"
    assert "year=2013" in text(workspace.run.list())


def test_the_run_of_a_runner_is_active_in_its_own_workspace_alone(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a notebook that is a step of one project and makes another one for its story."""
    step = workspace.run.start("story", kind="step")
    monkeypatch.setenv("NBMLOPS_RUN", step.id)
    monkeypatch.delenv("NBMLOPS_CATALOG", raising=False)  # or both would have one
    with Workspace.init(tmp_path / "of its own") as made:
        assert made.run.current() is None
        assert made.status().run is None
        with pytest.raises(InvalidError, match="no run is active"):
            made.log(auc=0.7)
        with made.run("gbm"):
            pass
        assert made.run.show("gbm-1").parent_id is None
    assert workspace.status().run == "story-1"
    workspace.log(auc=0.8)
    with workspace.run("gbm"):
        pass
    assert workspace.run.show("gbm-1").parent_id == step.id
    workspace.run.finish(step.id, "finished")
    assert workspace.run.show("story-1").metrics == {"auc": 0.8}
