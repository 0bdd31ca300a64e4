"""A cluster whose worker is killed scores a table to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression

from nbmlops import Workspace
from nbmlops.serving.batch import service
from tests.serving.batch.conftest import flights
from tests.system.dask_cluster import dask_cluster

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_a_killed_worker_had_is_scored_by_the_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_MOST_ROWS", 2_000)
    given = flights(200_000)[["flight", "dep_delay", "distance"]]
    inputs = given.drop(columns="flight")
    with Workspace.init(folder / "project") as workspace:
        model = LogisticRegression().fit(inputs, np.where(inputs["dep_delay"] > 15, "late", "on time"))
        workspace.model.save(model, "delay", example=inputs.head(50))
        workspace.data.save(given, "flights")
        here = workspace.model.score("delay", "flights", to="both", keep=["flight"], jobs=1)
        with dask_cluster(folder) as cluster:
            first, *_ = cluster.workers()
            killed: list[int] = []

            def kill(_: int) -> None:
                if not killed:
                    first.kill()
                    killed.append(first.pid)

            there = workspace.model.score(
                "delay", "flights", to="both", keep=["flight"], scheduler=cluster.address, progress=kill
            )
    assert killed
    assert (there.rows, there.ref) == (here.rows, here.ref)
