"""A cluster computes the same scores, and says what it lacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from distributed import LocalCluster

from nbmlops import Workspace
from nbmlops.core.errors import InvalidError, UnavailableError
from nbmlops.serving.batch import service


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A scheduler with one worker, in threads of this process."""
    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, protocol="tcp", dashboard_address=":0"
    ) as cluster:
        yield cluster


def test_a_cluster_gives_the_version_that_this_machine_gives(
    workspace: Workspace, cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_MOST_ROWS", 20_000)
    here = workspace.model.score("delay", "flights", to="both", keep=["flight"], jobs=1)
    there = workspace.model.score("delay", "flights", to="both", keep=["flight"], scheduler=cluster.scheduler_address)
    assert (here.jobs, there.jobs) == (1, 0)
    assert here.ref == there.ref


def test_a_bad_row_is_told_of_from_there(workspace: Workspace, cluster: LocalCluster) -> None:
    frame = workspace.data.load("flights").head(2_000)
    frame.loc[1_500, "dep_delay"] = float("inf")
    workspace.data.save(frame, "infinite")
    with pytest.raises(InvalidError, match="row 1500, column dep_delay: inf is not finite"):
        workspace.model.score("delay", "infinite", executor="dask", scheduler=cluster.scheduler_address)


def test_a_scheduler_without_a_worker_is_said(workspace: Workspace) -> None:
    with (
        LocalCluster(n_workers=0, processes=False, protocol="tcp", dashboard_address=":0") as empty,
        pytest.raises(UnavailableError, match="has no worker"),
    ):
        workspace.model.score("delay", "flights", scheduler=empty.scheduler_address)
