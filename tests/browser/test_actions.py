"""Actions of every panel, sent as the sidebar of a real JupyterLab sends them, each with what it does to the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from nbmlops import Workspace
from nbmlops.jupyter.panels.panel import find, names
from tests.browser.windows import Window, opened
from tests.pipelines.project import RAW, make, write
from tests.places import Jupyter

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ONLY_LOOK = {
    "runs": {"list", "show", "compare", "artifact"},
    "data": {"load", "show", "history", "profile", "blame", "diff"},
    "models": {"load", "show", "history", "card", "diff"},
    "checks": {"show", "diff", "list"},
    "pipelines": {"explain"},
    "monitor": {"report", "history", "story"},
    "catalog": {"search", "show", "lineage", "load"},
}
"""Lines of panels that change nothing of what people see of the store."""
ELSEWHERE = {
    "runs": {"register"},  # takes a variable of a kernel, and so is only put into cells
    "models": {"approve", "reject", "serve"},  # the last is given to be typed
    "pipelines": {"approve", "reject", "stop", "resume"},
}
"""Lines that `test_approvals` tries, and `test_cells` in a cell."""
FLIGHTS = pd.DataFrame({"late": [1.0, 0.0, 1.0], "carrier": ["UA", "AA", "B6"]})
SEND = """async message => {
    const base = window.jupyterapp.serviceManager.serverSettings.baseUrl;
    const token = document.cookie.match(/_xsrf=([^;]+)/)[1];
    const headers = { "Content-Type": "application/json", "X-XSRFToken": token };
    const body = JSON.stringify({ folder: "sums", message });
    const answer = await fetch(`${base}nbmlops/api/panel`, { method: "POST", headers, body });
    return answer.json();
}"""


@pytest.fixture(scope="module")
def workspace(lab: Jupyter) -> Iterator[Workspace]:
    with make(lab.folder / "sums") as made:
        for rows in (2, 3):
            made.data.save(FLIGHTS.head(rows), "flights")
        with made.run("gbm") as run:
            run.log(auc=0.8)
            made.model.save(LinearRegression().fit(FLIGHTS[["late"]], FLIGHTS.late), "weight")
        for weight in (1.0, 2.0):
            made.model.save(LinearRegression().fit(FLIGHTS[["late"]], weight * FLIGHTS.late), "delay")
        made.model.promote("weight", to="staging")
        made.deployment.set("weight", alias="staging")
        made.deployment.split("weight", "v1=10")
        made.deployment.shadow("weight", "v1")
        made.monitor.add("old", "weight", "staleness")
        (lab.folder / "remote").mkdir()
        made.remote.add("origin", str(lab.folder / "remote"))
        (lab.folder / "sums" / "flights.suite").write_text("late: number\n")
        yield made


@pytest.fixture(scope="module")
def window(lab: Jupyter, workspace: Workspace, browser: Browser) -> Iterator[Window]:
    with opened(browser, lab) as shown:
        yield shown


def done(window: Window, panel: str, act: str, params: dict[str, Any]) -> dict[str, Any]:
    """Do an action, and wait for its end when it is done in a process of its own."""
    shown = window.page.evaluate(SEND, {"panel": panel, "act": act, "params": params, "dry": True})["ok"]
    answer = window.page.evaluate(SEND, {"panel": panel, "act": act, "params": params})
    assert "ok" in answer, answer
    given: dict[str, Any] = answer["ok"]
    assert given["line"] == shown["line"]
    if "apart" in given:
        follow = {"panel": panel, "apart": given["apart"]}
        while (now := window.page.evaluate(SEND, follow)["ok"])["running"]:
            window.page.wait_for_timeout(300)
        assert now["code"] == 0, now["text"]
    return given


ACTIONS: dict[str, tuple[str, str, dict[str, Any], Callable[[Workspace], Any], Any]] = {
    "note": ("runs", "note", {"ref": "gbm-1", "text": "good"}, lambda w: w.run.show("gbm-1").tags["note"], "good"),
    "tag": (
        *("data", "tag", {"ref": "flights@v1", "key": "region", "value": "NYC"}),
        *(lambda w: w.data.show("flights@v1").tags, {"region": "NYC"}),
    ),
    "untag": (
        *("data", "untag", {"ref": "flights@v1", "key": "region"}),
        *(lambda w: w.data.show("flights@v1").tags, {}),
    ),
    "alias": (
        *("data", "alias", {"ref": "flights@v1", "alias": "golden"}),
        *(lambda w: w.data.show("flights@golden").ref, "flights@v1"),
    ),
    "unalias": (
        *("data", "unalias", {"ref": "flights@v1", "alias": "golden"}),
        *(lambda w: list(w.data.show("flights@v1").aliases), []),
    ),
    "delete data": (
        *("data", "delete", {"ref": "flights@v1"}),
        *(lambda w: [one.ref for one in w.data.history("flights")], ["flights@v2"]),
    ),
    "restore data": (
        *("data", "restore", {"ref": "flights@v1"}),
        *(lambda w: [one.ref for one in w.data.history("flights")], ["flights@v2", "flights@v1"]),
    ),
    "rename data": (
        *("data", "rename", {"old": "flights", "new": "departures"}),
        *(lambda w: w.data.show("departures").ref, "departures@v2"),
    ),
    "judge": (
        *("checks", "run", {"ref": "departures", "suite": "flights.suite"}),
        *(lambda w: [(one.subject, one.status) for one in w.check.list(1)], [("departures@v2", "passed")]),
    ),
    "look at a monitor": ("monitor", "run", {"name": "old"}, lambda w: w.monitor.show("old").status, "passed"),
    "silence": (
        *("monitor", "silence", {"name": "old", "span": "4h"}),
        *(lambda w: w.monitor.show("old").silent_until is not None, True),
    ),
    "pause a monitor": (
        *("monitor", "pause", {"name": "old"}),
        *(lambda w: w.monitor.show("old").paused_at is not None, True),
    ),
    "resume a monitor": ("monitor", "resume", {"name": "old"}, lambda w: w.monitor.show("old").paused_at, None),
    "take shares back": ("monitor", "alone", {"name": "weight"}, lambda w: w.deployment.show("weight").split, ()),
    "end the shadow": ("monitor", "unshadow", {"name": "weight"}, lambda w: w.deployment.show("weight").shadow, ()),
    "delete model": ("models", "delete", {"ref": "delay@v1"}, lambda w: len(w.model.history("delay")), 1),
    "restore model": (
        *("models", "restore", {"ref": "delay@v1"}),
        *(lambda w: len(w.model.history("delay")), 2),
    ),
    "rename model": (
        *("models", "rename", {"old": "delay", "new": "lateness"}),
        *(lambda w: w.model.show("lateness").ref, "lateness@v2"),
    ),
    "check": (
        *("data", "check", {"ref": "departures@v2"}),
        *(lambda w: [one.subject for one in w.check.list(9, subject="departures")], ["departures@v2"] * 2),
    ),
    "judge by the policy": (
        *("checks", "policy", {"ref": "departures@v2"}),
        *(lambda w: [(one.suite, one.subject) for one in w.check.list(1)], [("policy", "departures@v2")]),
    ),
    "run": (
        *("pipelines", "run", {"name": "sums", "params": {"rows": "4"}}),
        *(lambda w: (w.data.show("raw").rows, w.pipeline.list()[0].last_status), (4, "finished")),
    ),
    "schedule": (
        *("pipelines", "add", {"target": "sums@working", "cron": "0 6 * * *"}),
        *(lambda w: [one.name for one in w.schedule.list()], ["sums"]),
    ),
    "pause": (
        *("pipelines", "pause", {"schedule": "sums"}),
        *(lambda w: w.schedule.show("sums").paused_at is not None, True),
    ),
    "unpause": ("pipelines", "unpause", {"schedule": "sums"}, lambda w: w.schedule.show("sums").paused_at, None),
    "remove": ("pipelines", "remove", {"schedule": "sums"}, lambda w: list(w.schedule.list()), []),
    "reproduce": (
        "runs",
        "reproduce",
        {"ref": "2_sum-1"},
        lambda w: w.run.show("2_sum-1").tags["reproduced"],
        "identical",
    ),
    "promote pipeline": (
        *("pipelines", "promote", {"name": "sums", "message": "proven"}),
        *(lambda w: w.pipeline.list()[0].aliases, {"production": "sums@v1"}),
    ),
    "promote the next pipeline": (
        *("pipelines", "promote", {"name": "sums", "message": "more rows"}),
        *(lambda w: w.pipeline.list()[0].aliases, {"production": "sums@v2"}),
    ),
    "roll the pipeline back": (
        *("pipelines", "rollback", {"name": "sums"}),
        *(lambda w: w.pipeline.list()[0].aliases, {"production": "sums@v1"}),
    ),
    "promote model": (
        *("models", "promote", {"ref": "lateness@v1", "to": "staging"}),
        *(lambda w: list(w.model.show("lateness@v1").aliases), ["staging"]),
    ),
    "promote the model of a run": (
        *("runs", "promote", {"ref": "weight@v1", "message": "made by gbm-1"}),
        *(lambda w: w.model.show("weight@production").ref, "weight@v1"),
    ),
    "promote the next model": (
        *("models", "promote", {"ref": "lateness@v2", "to": "staging"}),
        *(lambda w: list(w.model.show("lateness@v2").aliases), ["staging"]),
    ),
    "roll back": (
        *("models", "rollback", {"name": "lateness", "alias": "staging"}),
        *(lambda w: list(w.model.show("lateness@v1").aliases), ["staging"]),
    ),
    "rehearse": (
        *("models", "drill", {"name": "lateness", "alias": "staging"}),
        *(lambda w: w.check.list(1)[0].suite, "rollback drill"),
    ),
    "push data": (
        "data",
        "push",
        {"ref": "departures@v2"},
        lambda w: pulled(w, "data", "departures@v2"),
        "departures@v2",
    ),
    "push model": (
        "models",
        "push",
        {"ref": "lateness@v1"},
        lambda w: pulled(w, "model", "lateness@v1"),
        "lateness@v1",
    ),
}
"""What is done, in this order; how the store is looked at, and what is to be found there."""
BEFORE: dict[str, Callable[[Path], None]] = {
    "promote the next pipeline": lambda root: write(root / "notebooks" / "1_make.ipynb", "rows: int = 11", RAW),
}
"""What somebody edits before."""


def test_every_line_of_every_panel_is_tried_or_only_looks() -> None:
    for panel in names():
        tried = {act for place, act, *_ in ACTIONS.values() if place == panel}
        told = [tried, ONLY_LOOK[panel], ELSEWHERE.get(panel, set())]
        assert set().union(*told) == set(find(panel).lines), panel
        assert sum(map(len, told)) == len(find(panel).lines), f"{panel}: a line is told twice"


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_of_a_panel_does_what_its_line_says(window: Window, workspace: Workspace, name: str) -> None:
    panel, act, params, look, wanted = ACTIONS[name]
    if name in BEFORE:
        BEFORE[name](workspace.marker.root)
    assert look_at(look, workspace) != wanted, "it is not so already"
    done(window, panel, act, params)
    assert look(workspace) == wanted


def pulled(workspace: Workspace, noun: str, ref: str) -> str:
    """What somebody else finds at the remote, who has pulled a version from there."""
    with TemporaryDirectory() as folder, Workspace.init(Path(folder) / "theirs") as theirs:
        theirs.remote.add("origin", str(workspace.marker.root.parent / "remote"))
        service = getattr(theirs, noun)
        service.pull(ref)
        return str(service.show(ref.partition("@")[0]).ref)


def look_at(look: Callable[[Workspace], Any], workspace: Workspace) -> Any:
    """What is found, or the error that says that there is nothing yet."""
    try:
        return look(workspace)
    except Exception as error:  # noqa: BLE001 - it is compared
        return error


def test_only_what_a_panel_declares_is_done(window: Window) -> None:
    for message in (
        {"panel": "runs", "act": "delete", "params": {}},
        {"panel": "store", "act": "gc", "params": {}},
        {"panel": "runs", "act": "note", "params": {"ref": "gbm-1", "text": "x", "more": 1}},
    ):
        assert "error" in window.page.evaluate(SEND, message)
