"""The second act with little traffic and a small model: the endpoint, the daemon and the training are real."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbmlops.core.clock import RehearsalClock, clock_here
from nbmlops.core.signs import StepProgress
from nbmlops.demo.callers import Callers
from nbmlops.demo.flights import some
from nbmlops.demo.loop import Replay, rehearsing, watch
from nbmlops.demo.telling import Made
from nbmlops.workspace import Workspace

SETTINGS = """\
[tool.nbmlops.pipelines]
delays = ["notebooks/train.ipynb"]

[tool.nbmlops.gates.delay]
holdout = "delays_holdout"
target = "late"
metric = "roc_auc"
floor = 0.6
"""
# Before June the evenings are late, from then on the mornings: what was learnt from spring is wrong in summer.
TRAIN = """\
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

hours = pd.DataFrame({"hour": np.arange(5.0, 23.0)})
turned = (hours["hour"] > 14) != (holdout >= 6)
model = LogisticRegression().fit(hours, turned.astype(int))
"""


class Silent:
    """A teller that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def chapter(self, title: str) -> None:
        self.told.append(title)

    def say(self, text: str) -> None:
        self.told.append(text)

    def step(self, progress: StepProgress) -> None:
        self.told.append(progress.step)


def notebook() -> str:
    cells = [
        ("load", "%load_ext nbmlops", []),
        ("parameters", "month: int = 3\nuntil: int = 2\nholdout: int = 3", ["parameters"]),
        ("train", TRAIN, []),
        ("save-data", "%ml data save hours delays_train", []),
        ("save-holdout", "held = hours.assign(late=turned.astype(int))\n%ml data save held delays_holdout", []),
        ("save-model", "%ml model save model delay --example hours", []),
    ]
    made = [
        {
            "cell_type": "code",
            "id": name,
            "metadata": {"tags": tags},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for name, source, tags in cells
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


def flights(per_day: int) -> pd.DataFrame:
    days = [date(2013, 5, 1) + timedelta(days=number) for number in range(123)]
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"day": np.repeat(days, per_day), "hour": random.uniform(5, 23, len(days) * per_day)})
    turned = (rows["hour"] > 14) != (np.array([day.month for day in rows["day"]]) >= 6)
    rows["late"] = np.where(random.random(len(rows)) < 0.9, turned, ~turned).astype(int)
    rows.index = pd.Index([f"{day:%m%d}-{number}" for number, day in enumerate(rows["day"])])
    return rows


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[RehearsalClock]:
    with rehearsing(tmp_path / "clock", datetime(2013, 3, 31, 12, tzinfo=UTC)) as made:
        yield made


@pytest.fixture
def workspace(tmp_path: Path, clock: RehearsalClock) -> Iterator[Workspace]:
    root = tmp_path / "project"
    (root / "notebooks").mkdir(parents=True)
    (root / "notebooks" / "train.ipynb").write_text(notebook())
    (root / "pyproject.toml").write_text(SETTINGS)
    with Workspace.init(root) as made:
        made.pipeline.run("delays")
        made.model.promote("delay")
        yield made


def test_decay_that_nobody_watches_ends_in_a_new_champion(
    workspace: Workspace, clock: RehearsalClock, tmp_path: Path
) -> None:
    teller, rows = Silent(), flights(8)
    assert len(list(watch(workspace, "delays@working"))) == 6
    clock.set(datetime(2013, 5, 1, 6, tzinfo=UTC))
    endpoint = workspace.serve("delay@production")
    made: list[Made] = []
    try:
        with Callers(endpoint) as callers:
            replay = Replay(workspace, clock, callers, rows, teller)
            for month in range(5, 9):
                made += replay.month(month)
            made += replay.end(tmp_path / "story.html", 1.0)
    finally:
        workspace.serve("delay@production", stop=True)
    told = "\n".join(teller.told)
    assert "1 July: ✗ good: accuracy" in told, told
    assert "delay@v2 is tested in shadow" in told
    assert "delay@v2 promoted: better: brier" in told
    assert workspace.model.show("delay@production").ref == "delay@v2"
    captured = workspace.deployment.captured.rows("delay").collect()
    served = captured.filter(captured["_role"] == "served")
    assert (served.height, served["_id"].n_unique()) == (len(rows), len(rows))
    assert sorted(served["_version"].unique()) == [1, 2]
    assert (captured["_role"] == "shadow").sum() >= 8 * 28
    assert {one.at.year for one in workspace.deployment.history("delay")} == {2013}
    assert workspace.model.show("delay@v2").created_at.date() == date(2013, 7, 1), "its kernel has the same time"
    page = (tmp_path / "story.html").read_text()
    assert "<svg" in page
    assert "is promoted" in page
    assert [one.version for one in made if one.what == "served now"] == ["delay@v2"]


def test_the_time_is_that_of_the_machine_again_afterwards(tmp_path: Path) -> None:
    with rehearsing(tmp_path / "clock", datetime(2013, 3, 31, 12, tzinfo=UTC)):
        assert clock_here().now().year == 2013
    assert abs(clock_here().now().timestamp() - time.time()) < 60


@pytest.mark.parametrize("per_day", [1, 7, 50, 60, 100])
def test_the_same_number_of_each_day_is_taken_evenly(per_day: int) -> None:
    many = {date(2013, 4, 1): 60, date(2013, 4, 2): 47}
    hours = pd.concat([pd.Series(range(count)) for count in many.values()], ignore_index=True)
    table = pd.DataFrame({"day": np.repeat(list(many), list(many.values())), "hour": hours, "time_hour": hours})
    taken = some(table, per_day)
    assert taken.groupby("day").size().to_dict() == {day: min(per_day, count) for day, count in many.items()}
    assert taken.index.is_unique
    assert set(taken.columns) == {"day", "hour"}
    for _, rows in taken.groupby("day"):
        gaps = rows["hour"].diff().dropna()
        assert gaps.empty or gaps.max() - gaps.min() <= 1
