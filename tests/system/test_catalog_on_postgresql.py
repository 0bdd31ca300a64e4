"""The catalog on a real PostgreSQL: what holds of SQLite, and what only a server does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops import Workspace
from nbmlops.core.errors import UnavailableError
from nbmlops.serving.batch import service
from nbmlops.store.catalog import Catalog
from tests.contracts.test_catalog import WRITERS, check_written, write
from tests.faults.test_log_kill import Logger
from tests.serving.batch.conftest import flights
from tests.system.postgresql import PASSWORD, Cluster

ROOT = Path(__file__).parents[2]
LIKE_SQLITE = (
    *("tests/contracts/test_catalog.py", "tests/tracking/test_filtering.py", "tests/tracking/test_runs.py"),
    *("tests/store/test_meaning.py", "tests/pipelines/test_ledger.py", "tests/workspace/search/test_search.py"),
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    running = Cluster.start()
    yield running
    running.stop()


@pytest.fixture
def url(cluster: Cluster, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"c{abs(hash(request.node.name))}"
    cluster.run(f"create schema {name}")
    found = f"{cluster.url()}?options=-csearch_path%3D{name}"
    monkeypatch.setenv("NBMLOPS_CATALOG", found)
    return found


@pytest.mark.timeout(600)
def test_what_holds_of_sqlite_holds_of_it(cluster: Cluster) -> None:
    environment = {**os.environ, "POSTGRESQL_FOR_TESTS": cluster.url(), "NBMLOPS_SOAK_WRITERS": "100"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.system.on_postgresql"]
    done = subprocess.run(
        [*command, *LIKE_SQLITE], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5_000:]


@pytest.mark.timeout(300)
def test_nothing_is_lost_or_doubled_when_it_is_started_anew_in_the_middle(
    cluster: Cluster, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOGGER_PAUSE", "0.001")
    Workspace.init(folder / "project").close()
    cluster.run("checkpoint")  # or each restart would go through what the tests before have written, too
    catalog = Catalog(url)
    loggers = [Logger(folder / "project", f"of{number}") for number in range(2)]
    while not all(logger.said for logger in loggers):
        time.sleep(0.01)
    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [pool.submit(write, catalog, writer) for writer in range(WRITERS)]
        for _ in range(3):
            time.sleep(1)
            cluster.restart()
        for each in writing:
            each.result()
    time.sleep(1)
    acknowledged = {logger.name: logger.kill() for logger in loggers}
    with Workspace.open(folder / "project") as workspace:
        for name, count in acknowledged.items():
            points = workspace.run.history(name, "loss")
            assert points == [(step, step / 2) for step in range(len(points))]
            assert len(points) in {count, count + 1}
    check_written(catalog, others=len(loggers))
    catalog.close()
    with capsys.disabled():
        print(
            f"\n3 restarts: {sum(acknowledged.values())} points, {WRITERS * 20} writes acknowledged, 0 lost, 0 doubled"
        )


def test_logging_goes_on_while_it_is_down_and_no_error_tells_the_password(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Cluster.start()
    try:
        monkeypatch.setenv("NBMLOPS_CATALOG", own.url())
        with Workspace.init(folder / "project") as workspace:
            run = workspace.run("gbm")
            run.log(loss=0)
            assert workspace.run.show("gbm").metrics == {"loss": 0.0}
            said = repr(workspace.settings) + repr(workspace.status()) + repr(workspace.doctor())
            assert "PostgreSQL 1" in said
            assert "others who share the catalog cannot load them" in said
            own.process.send_signal(signal.SIGINT)
            own.process.wait(timeout=30)
            for number in range(50):
                run.log(loss=number)
            with pytest.raises(UnavailableError, match="is away") as told:
                workspace.run.list()
            said += str(told.value)
            own.restart()
            assert len(workspace.run.history("gbm", "loss")) == 51
            run.finish()
    finally:
        own.stop()
    out, err = capfd.readouterr()
    assert PASSWORD not in said + out + err


def test_whoever_may_only_read_is_told_so(cluster: Cluster, url: str, folder: Path) -> None:
    schema = url.rpartition("%3D")[2]
    with Workspace.init(folder / "project") as workspace, workspace.run("gbm") as run:
        run.log(auc=1)
    cluster.run(
        "drop role if exists reader",
        f"create role reader login password '{PASSWORD}'",
        f"grant usage on schema {schema} to reader",
        f"grant select on all tables in schema {schema} to reader",
    )
    catalog = Catalog(url.replace("ann:", "reader:"))
    catalog.ensure_current()
    with pytest.raises(UnavailableError, match="does not let you: permission denied"):
        write(catalog, 1)
    catalog.close()
    cluster.run("drop owned by reader", "drop role reader")


def test_two_workspaces_may_have_one_catalog_and_one_store(
    url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBMLOPS_OBJECTS", str(folder / "objects"))
    frame = pd.DataFrame({"x": [1]})
    with Workspace.init(folder / "ann") as ann, Workspace.init(folder / "ben") as ben:
        saved = ann.data.save(frame, "flights")
        assert ben.data.load("flights").x.tolist() == [1]
        assert ben.data.save(frame, "flights").ref == saved.ref
        for workspace in (ann, ben):
            workspace.run("gbm").finish()
        assert sorted(run.name for run in ann.run.list()) == ["gbm-1", "gbm-2"]


def test_processes_that_score_a_table_open_it_there(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_MOST_ROWS", 2_000)
    given = flights(40_000)[["flight", "dep_delay", "distance"]]
    inputs = given.drop(columns="flight")
    with Workspace.init(folder / "project") as workspace:
        model = LogisticRegression().fit(inputs, np.where(inputs["dep_delay"] > 15, "late", "on time"))
        workspace.model.save(model, "delay", example=inputs.head(50))
        workspace.data.save(given, "flights")
        several = workspace.model.score("delay", "flights", keep=["flight"], jobs=2)
        alone = workspace.model.score("delay", "flights", keep=["flight"], jobs=1)
        assert (several.jobs, several.rows, several.ref) == (2, 40_000, alone.ref)
        saved = workspace.data.load(several.ref)
        assert saved["flight"].tolist() == given["flight"].tolist()
        assert saved["predict"].tolist() == model.predict(inputs).tolist()
