"""Steps on a Dask cluster: what is as anywhere else, and what is said when the cluster is not as it has to be."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster

from nbmlops.core.errors import (
    DependencyError,
    InvalidError,
    NbmlopsError,
    StepFailedError,
    UnavailableError,
    UnsupportedError,
)
from nbmlops.core.signs import StepProgress
from nbmlops.pipelines.executors import orders
from nbmlops.workspace import Workspace
from tests.pipelines.project import RAW, make, states, write

pytestmark = pytest.mark.notebook


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """A scheduler with one worker, in threads of this process."""
    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, protocol="tcp", dashboard_address=":0"
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with make(tmp_path / "project") as made:
        yield made


def test_steps_on_a_cluster_give_what_they_give_here(workspace: Workspace, scheduler: str) -> None:
    signs: list[StepProgress] = []
    done = workspace.pipeline.run("sums", executor="dask", scheduler=scheduler, progress=signs.append)
    assert states(done) == {"1_make": "completed", "2_sum": "completed"}
    assert [step.outputs for step in done.steps] == [("raw@v1",), ("total@v1",)]
    assert done.run.metrics == {"total": 90.0}
    assert {sign.step for sign in signs if sign.state == "running" and sign.done} == {"1_make", "2_sum"}
    assert [sign.step for sign in signs if sign.state == "completed"] == ["1_make", "2_sum"]

    here = workspace.pipeline.run("sums")
    assert states(here) == {"1_make": "skipped", "2_sum": "skipped"}, "the results are in the ledger, as any"
    again = workspace.pipeline.run("sums", executor="dask", scheduler=scheduler)
    assert states(again) == {"1_make": "skipped", "2_sum": "skipped"}


def test_a_frozen_version_runs_its_own_modules_on_a_cluster_too(workspace: Workspace, scheduler: str) -> None:
    notebooks = workspace.marker.root / "notebooks"
    (notebooks / "scale.py").write_text("SCALE = 2")
    (notebooks / "2_sum.ipynb").unlink()
    write(notebooks / "1_make.ipynb", "rows: int = 10", "import scale", "ml.log(scale=scale.SCALE * rows)")
    workspace.pipeline.promote("sums")
    (notebooks / "scale.py").write_text("SCALE = 100")
    ran = [
        workspace.pipeline.run(name, cache=False, executor="dask", scheduler=scheduler).run.metrics
        for name in ("sums", "sums@production")
    ]
    assert ran == [{"scale": 1000.0}, {"scale": 20.0}]


def test_a_step_that_fails_says_on_a_cluster_what_it_says_here(
    workspace: Workspace, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBMLOPS_EXECUTOR", "dask")
    monkeypatch.setenv("NBMLOPS_SCHEDULER", scheduler)
    write(workspace.marker.root / "notebooks" / "1_make.ipynb", "rows: int = 10", RAW, "1 / 0")
    with Workspace.open(workspace.marker.root) as opened, pytest.raises(StepFailedError) as failed:
        opened.pipeline.run("sums")
    assert "the step 1_make of sums: failed at cell 5: ZeroDivisionError: division by zero" in failed.value.message
    assert failed.value.hint is not None
    assert Path(failed.value.hint.removeprefix("look at ")).is_file()
    assert workspace.run.show("sums").status == "failed"


def test_a_scheduler_that_does_not_answer_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbmlops.pipelines.executors.dask._CONNECT", 0.5)
    with pytest.raises(UnavailableError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9: "):
        workspace.pipeline.run("sums", executor="dask", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="no Dask scheduler answers at none://here: "):
        workspace.pipeline.run("sums", executor="dask", scheduler="none://here")


def test_what_to_install_is_said_where_dask_is_missing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(DependencyError) as missing:
        workspace.pipeline.run("sums", executor="dask", scheduler="tcp://127.0.0.1:9")
    assert missing.value.hint == 'pip install "nbmlops[dask]"'


def test_a_worker_of_another_version_is_refused(
    workspace: Workspace, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_by = {**orders.versions(), "nbmlops": "9.0"}
    monkeypatch.setattr("nbmlops.pipelines.executors.dispatch.versions", lambda: sent_by)
    with pytest.raises(UnsupportedError, match=r"the worker tcp://\S+ has nbmlops \S+, and .* with nbmlops 9\.0"):
        workspace.pipeline.run("sums", executor="dask", scheduler=scheduler)


def nowhere(_: Path) -> object:
    """Opens what is not there."""
    return Workspace.open("/nowhere")


def elsewhere(root: Path) -> object:
    """Opens a project that has a store of its own."""
    from nbmlops.workspace.sites import site_of

    return site_of(Workspace.init(root.parent / "other"))


def without_objects(root: Path) -> object:
    """Opens a project of which only the catalog is there."""
    from nbmlops.workspace.sites import site_of

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NBMLOPS_OBJECTS", str(root.parent / "empty"))
        opened = Workspace.open(root)
        return site_of(opened)


@pytest.mark.parametrize(
    ("opener", "said"),
    [
        (nowhere, r"does not see the project"),
        (elsewhere, r"has another catalog than the run"),
        (without_objects, r"does not see the objects of the run"),
    ],
)
def test_a_worker_that_does_not_see_the_project_or_its_store_is_named(
    workspace: Workspace, scheduler: str, opener: object, said: str
) -> None:
    from nbmlops.pipelines.executors.dask import Dask
    from nbmlops.workspace.sites import site_of

    pipelines = workspace.pipeline
    executor = Dask(scheduler, site_of(workspace), opener)  # type: ignore[arg-type]
    plan = pipelines._planner.plan("sums", {})
    with pytest.raises(UnavailableError, match=rf"the worker tcp://\S+ {said}") as refused:
        pipelines._runner.run(plan, executor=executor)
    assert refused.value.hint is not None
    assert workspace.run.show("sums").status == "failed"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"executor": "spark"}, "executor cannot be 'spark'"),
        ({"executor": "dask"}, "which scheduler of Dask is not said"),
        ({"scheduler": "tcp://127.0.0.1:9"}, "threads have no scheduler"),
    ],
)
def test_an_executor_that_cannot_be_is_refused_before_anything_runs(
    workspace: Workspace, asked: dict[str, str | None], said: str
) -> None:
    with pytest.raises(InvalidError, match=said):
        workspace.pipeline.run("sums", **asked)
    assert workspace.run.count() == 0


def test_a_scheduler_that_the_project_names_is_not_spoken_to_before_it_is_trusted(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (workspace.marker.root / "pyproject.toml").open("a") as project:
        project.write('[tool.nbmlops]\nscheduler = "tcp://elsewhere:8786"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "of somebody else"))
    with pytest.raises(NbmlopsError, match="names scheduler elsewhere"):
        Workspace.open(workspace.marker.root)
