from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops import Workspace
from nbmlops.core.clock import microseconds
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError
from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.deployments.ramp import Health, decide
from nbmlops.serving.records import Deployment

WELL = Health(1_000, 5, 20.0)


@pytest.mark.parametrize(
    ("share", "challenger", "failing", "what", "after"),
    [
        (10, WELL, (), "step", 20),
        (45, WELL, (), "step", 50),
        (50, WELL, (), "done", 50),
        (10, Health(99, 50, 20.0), (), "wait", 10),
        (10, Health(1_000, 40, 20.0), (), "stop", 0),
        (10, Health(1_000, 9, 20.0), (), "step", 20),
        (10, Health(1_000, 5, 31.0), (), "stop", 0),
        (50, Health(1_000, 5, 31.0), (), "stop", 0),
        (10, Health(0, 0, float("nan")), ("drift",), "stop", 0),
    ],
)
def test_a_step_is_taken_only_when_nothing_speaks_against_it(
    share: float, challenger: Health, failing: tuple[str, ...], what: str, after: float
) -> None:
    told = decide(share, 50, 10, challenger, WELL, failing)
    assert (told.what, told.share) == (what, after)
    assert told.why


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path) as made:
        made.model.save(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), "delay")
        made.model.promote("delay@v1")
        made.model.save(LogisticRegression().fit([[0.0], [2.0]], [0, 1]), "delay")
        yield made


def serve(workspace: Workspace, version: int, count: int, bad: int = 0) -> None:
    at = microseconds(datetime.now(UTC))
    with CaptureLog(workspace.marker.state / "capture", Deployment("delay"), f"w{version}") as log:
        log.add(
            CapturedRequest(f"{version}-{number}", at, version, status=500 if number < bad else 200, latency_ms=5.0)
            for number in range(count)
        )


def test_a_ramp_goes_up_and_ends_where_it_was_to_end(workspace: Workspace) -> None:
    started = workspace.deployment.ramp("delay", "v2", to=25, step=10, every="1h")
    assert started.split == (("v2", 10.0),)
    assert workspace.schedule.show("delay_ramp").action == "ramp"
    told = {"challenger": "v2", "to": 25, "step": 10}
    assert workspace.deployment.ramp_on("delay", **told).what == "wait"
    serve(workspace, 1, 300)
    serve(workspace, 2, 300)
    whats = [workspace.deployment.ramp_on("delay", **told).what for _ in range(3)]
    assert whats == ["step", "step", "done"]
    assert workspace.deployment.show("delay").split == (("v2", 25.0),)
    with pytest.raises(NotFoundError):
        workspace.schedule.show("delay_ramp")


def test_a_ramp_that_goes_wrong_stops_itself_and_its_fire_fails(workspace: Workspace) -> None:
    from nbmlops.core.actions import Order
    from nbmlops.serving.deployments.ramp import RampAction

    class Never:
        is_cancelled = False

    workspace.deployment.ramp("delay", "v2")
    serve(workspace, 1, 300)
    serve(workspace, 2, 300, bad=60)
    order = Order("delay", {"challenger": "v2", "to": 50.0, "step": 10.0}, "2026-11-27T12:00:00Z", Never())
    with pytest.raises(ConflictError, match=r"errors: 20.0% against 0.0%"):
        RampAction(workspace.deployment).start(order)
    assert workspace.deployment.show("delay").split == ()
    assert "20.0%" in workspace.deployment.history("delay")[0].detail["why"]


def test_what_is_no_ramp_is_refused(workspace: Workspace) -> None:
    with pytest.raises(InvalidError, match="is none"):
        workspace.deployment.ramp("delay", "v2", to=5, step=10)
    with pytest.raises(NotFoundError):
        workspace.deployment.ramp("delay", "v9")
    with pytest.raises(InvalidError):
        workspace.deployment.ramp("delay", "v2", every="soon")
    assert workspace.deployment.show("delay").split == ()
    workspace.deployment.split("delay", "v2=10")
    with pytest.raises(ConflictError, match="shared out already"):
        workspace.deployment.ramp("delay", "v2")
