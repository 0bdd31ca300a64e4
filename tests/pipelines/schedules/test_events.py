"""What starts after an event: new data, a failed suite, drift, a stale model, a commit."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pandas as pd
from sklearn.linear_model import LinearRegression

from nbmlops.workspace import Workspace
from tests.pipelines.schedules.bench import Echo, MovedClock, opened, passed


def table(first: int, rows: int = 200) -> pd.DataFrame:
    return pd.DataFrame({"n": range(first, first + rows)})


def test_a_new_version_starts_it_and_an_old_one_or_another_name_does_not(workspace: Workspace, echo: Echo) -> None:
    workspace.data.save(table(0), "flights")
    workspace.schedule.add("delays", on="data:flights", action="echo", catchup="all", params={"day": "due:%Y-%m-%d"})
    assert passed(workspace) == []
    workspace.data.save(table(0), "weather")
    workspace.data.save(table(0), "flights")
    assert passed(workspace) == []
    workspace.data.save(table(1), "flights")
    workspace.data.save(table(2), "flights")
    assert [fire.state for fire in passed(workspace)] == ["completed", "completed"]
    assert echo.times == ["flights@v2", "flights@v3"]
    assert echo.orders[0].parameters == {"day": "2026-11-26"}
    assert passed(workspace) == []


def test_of_several_versions_since_the_last_look_the_newest_counts_by_default(workspace: Workspace, echo: Echo) -> None:
    workspace.schedule.add("delays", on="data:flights", action="echo")
    for first in range(3):
        workspace.data.save(table(first), "flights")
    passed(workspace)
    assert echo.times == ["flights@v3"]
    assert "left out 2 times" in str(workspace.schedule.history("delays")[0].note)


def test_a_suite_that_fails_starts_it_and_one_that_passes_does_not(workspace: Workspace, echo: Echo) -> None:
    workspace.schedule.add("delays", on="report:small", action="echo")
    workspace.check.data(table(0), "n: between(0, 1000)", name="small")
    assert passed(workspace) == []
    report = workspace.check.data(table(5_000), "n: between(0, 1000)", name="small")
    passed(workspace)
    assert echo.times == [f"report:{report.id}"]


def test_drift_of_a_name_starts_it(workspace: Workspace, echo: Echo) -> None:
    workspace.schedule.add("delays", on="drift:flights", action="echo")
    workspace.data.save(table(0), "flights")
    workspace.data.save(table(10_000), "flights")
    workspace.check.drift("flights")
    passed(workspace)
    assert [time.partition(":")[0] for time in echo.times] == ["report"]


def test_a_model_that_grows_old_starts_it_once_for_each_time_it_is_so_old(
    workspace: Workspace, clock: MovedClock, echo: Echo
) -> None:
    workspace.schedule.add("delays", on="stale:delay", older="30d", action="echo")
    assert passed(workspace) == []
    rows = table(0).assign(y=1.5)
    workspace.model.save(LinearRegression().fit(rows[["n"]], rows.y), "delay", example=rows[["n"]])
    clock.move(days=29)
    assert passed(workspace) == []
    for _ in range(2):
        clock.move(days=20)
        passed(workspace)
        passed(workspace)
    assert echo.times == ["delay@v1 stale 1", "delay@v1 stale 2"]
    other = rows.assign(y=rows.n * 2.0)
    workspace.model.save(LinearRegression().fit(other[["n"]], other.y), "delay", example=other[["n"]])
    clock.move(days=20)
    assert passed(workspace) == []


def test_a_new_commit_starts_it(workspace: Workspace, clock: MovedClock, echo: Echo, tmp_path: Path) -> None:
    def git(*words: str) -> None:
        known = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
        subprocess.run(["git", *known, *words], cwd=tmp_path / "project", check=True, capture_output=True)

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "-m", "first")
    workspace.schedule.add("delays", on="commit", action="echo")
    assert passed(workspace) == []
    git("commit", "--quiet", "--allow-empty", "-m", "second")
    clock.move(seconds=1)
    with opened(tmp_path / "project", clock, echo) as later:
        passed(later)
        assert [time[:7] for time in echo.times] == ["commit:"]
        assert passed(later) == []


def test_what_happened_while_it_was_paused_starts_nothing(workspace: Workspace, clock: MovedClock, echo: Echo) -> None:
    workspace.schedule.add("delays", on="data:flights", action="echo")
    workspace.schedule.pause("delays")
    workspace.data.save(table(0), "flights")
    workspace.schedule.resume("delays")
    assert passed(workspace) == []
    clock.time += timedelta(hours=1)
    workspace.data.save(table(1), "flights")
    passed(workspace)
    assert echo.times == ["flights@v2"]
