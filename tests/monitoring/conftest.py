"""A workspace whose model was asked things at times that a test chooses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops import Workspace
from nbmlops.core.clock import microseconds
from nbmlops.serving.capture.labels import Labels
from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.records import Deployment
from nbmlops.workspace import layout


class Later:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)

    def now(self) -> datetime:
        return self.at


class Traffic:
    """Asks the model by writing what its endpoint would, at times before that of the clock."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.random = np.random.default_rng(5)
        self.number = 0

    def send(
        self,
        hours_ago: int,
        rows: int = 100,
        *,
        shift: float = 0.0,
        slow: float = 1.0,
        worker: str | None = None,
        memory: int | None = None,
        **given: object,
    ) -> None:
        """Requests in the hour that began so long ago; `shift` moves the input, which is the probability as well."""
        begin = microseconds(self.workspace.clock.now() - timedelta(hours=hours_ago))
        sent = []
        for place in range(rows):
            x = float(self.random.random() * 0.6 + 0.2 + shift)
            answers = {"predict": [int(x >= 0.5)], "proba:0": [1 - x], "proba:1": [x]}
            latency = slow * (5 + self.random.random())
            said = {"inputs": {"x": [x]}, "outputs": answers, "latency_ms": latency, **given}
            at = begin + place * 3_000_000_000 // rows
            sent.append(CapturedRequest(f"r{self.number}", at, 1, **said))  # type: ignore[arg-type]
            self.number += 1
        root, deployment = self.workspace.deployment.captured.root, Deployment("delay")
        with CaptureLog(root, deployment, worker or f"w{self.number}", memory=lambda: memory) as log:
            log.add(sent)

    def each(self, hours_ago: int, rows: Iterable[Mapping[str, object]]) -> None:
        """Requests in the hour that began so long ago, each with what it is given."""
        begin = microseconds(self.workspace.clock.now() - timedelta(hours=hours_ago))
        answers = {"predict": [1], "proba:0": [0.2], "proba:1": [0.8]}
        sent = []
        for place, given in enumerate(rows):
            said = {"outputs": answers, "latency_ms": 5.0, **given}
            sent.append(CapturedRequest(f"r{self.number}", begin + place, 1, **said))  # type: ignore[arg-type]
            self.number += 1
        with CaptureLog(self.workspace.deployment.captured.root, Deployment("delay"), f"w{self.number}") as log:
            log.add(sent)

    def label(self, hours: int = 999, wrong: float = 0.0) -> None:
        """Let labels come for what was asked lately: 1 as often as the probability says, but for a share of `wrong`."""
        since = self.workspace.clock.now() - timedelta(hours=hours)
        # The order of what is read is not told; the draws are to be the same each time.
        rows = self.workspace.deployment.captured.rows("delay", since).collect().sort("_at", "_id")
        said = rows["out:proba:1"].to_numpy()
        turned = self.random.random(len(said)) < wrong
        labels = (self.random.random(len(said)) < np.where(turned, 1 - said, said)).astype(int)
        table = pa.table({"_id": rows["_id"].to_list(), "late": labels.tolist()})
        Labels(self.workspace.deployment.captured, self.workspace.clock).add(
            Deployment("delay"), table, key="_id", label="late"
        )


@pytest.fixture
def clock() -> Later:
    return Later()


@pytest.fixture
def workspace(tmp_path: Path, clock: Later) -> Iterator[Workspace]:
    with Workspace.init(tmp_path):
        pass
    marker = layout.locate(tmp_path)
    with Workspace(marker, layout.settings_of(marker.root), clock) as made:
        data = pd.DataFrame({"x": np.random.default_rng(1).random(4_000) * 0.6 + 0.2})
        made.data.save(data, "seen")
        made.model.save(LogisticRegression().fit(data, data["x"] > 0.5), "delay", example=data)
        made.model.promote("delay", to="production")
        yield made


@pytest.fixture
def traffic(workspace: Workspace) -> Traffic:
    return Traffic(workspace)
