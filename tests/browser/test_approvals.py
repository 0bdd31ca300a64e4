"""What others decide, and what is stopped and gone on with, in the sidebar of JupyterLab: each with its effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from playwright.sync_api import Locator, expect
from sklearn.linear_model import LinearRegression

from nbmlops import Workspace
from tests.browser.windows import Window, opened
from tests.pipelines.project import RAW, make, write
from tests.places import Jupyter

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = "deciding"
SLOW = 90_000
APPROVALS = """
[tool.nbmlops.approvals.model]
delay = { production = 1 }
[tool.nbmlops.approvals.pipeline]
sums = { production = 1, staging = 1 }
"""
WAITS = """import time, pathlib
while not pathlib.Path("go").exists():
    time.sleep(0.1)"""


@pytest.fixture(scope="module")
def workspace(lab: Jupyter) -> Iterator[Workspace]:
    with make(lab.folder / FOLDER) as made:
        with (lab.folder / FOLDER / "pyproject.toml").open("a") as file:
            file.write(f'waits = ["slow/*.ipynb"]\n{APPROVALS}')
        write(lab.folder / FOLDER / "slow" / "1_make.ipynb", "rows: int = 10", RAW)
        write(lab.folder / FOLDER / "slow" / "2_wait.ipynb", "n: int = 1", 'ml.data.load("raw")', WAITS)
        table = pd.DataFrame({"late": [1.0, 0.0, 1.0]})
        for weight in (1.0, 2.0):
            made.model.save(LinearRegression().fit(table, weight * table.late), "delay")
        yield made


@pytest.fixture(scope="module")
def window(lab: Jupyter, workspace: Workspace, browser: Browser) -> Iterator[Window]:
    with opened(browser, lab) as shown:
        yield shown


@pytest.fixture(scope="module")
def sidebar(window: Window) -> Locator:
    shown = window.sidebar()
    window.go_to_folder(f"/{FOLDER}")
    expect(shown.locator("h2").first).to_have_text(FOLDER)
    return shown


@pytest.fixture
def ann(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks is somebody else than who is signed in to JupyterLab."""
    monkeypatch.setenv("NBMLOPS_USER", "ann")


def confirm(sidebar: Locator, line: str, word: str) -> None:
    """Read the line of an action, say yes, and wait for its end."""
    dialog = sidebar.get_by_role("dialog")
    expect(dialog.locator("code")).to_have_text(line)
    dialog.get_by_role("button", name=word, exact=True).click()
    expect(dialog.get_by_role("button", name=word, exact=True)).to_have_count(0, timeout=SLOW)
    dialog.get_by_role("button", name="Close").click()


def answer(sidebar: Locator, verb: str, ref: str, why: str) -> None:
    sidebar.get_by_role("tab", name="Models", exact=True).click()
    sidebar.get_by_role("button", name=f"{verb} {ref}…").click()
    sidebar.get_by_label("message", exact=True).fill(why)
    sidebar.get_by_role("button", name="Continue").click()
    line = f'%ml model {verb.lower()} "--message={why}" {ref}'
    confirm(sidebar, line, verb)
    expect(sidebar.get_by_role("button", name=f"{verb} {ref}…")).to_have_count(0)


def test_approve_moves_the_alias_and_says_who_did_it(ann: None, sidebar: Locator, workspace: Workspace) -> None:
    workspace.model.promote("delay@v1", message="steady")
    assert workspace.model.show("delay@v1").aliases == ()
    answer(sidebar, "Approve", "delay@v1", "so it is")
    assert workspace.model.show("delay@production").ref == "delay@v1"
    moved, approved = workspace.audit.events(2)
    assert (approved.action, approved.detail["message"]) == ("model.approve", "so it is")
    assert (moved.action, moved.detail["asked_by"], moved.detail["approved_by"]) == (
        *("model.promote", "ann"),
        [approved.actor],
    )
    assert approved.actor != "ann"


def test_reject_leaves_the_alias_and_keeps_the_reason(ann: None, sidebar: Locator, workspace: Workspace) -> None:
    workspace.model.promote("delay@v2", message="newer")
    answer(sidebar, "Reject", "delay@v2", "not yet")
    assert workspace.model.waiting("delay") == []
    assert workspace.model.show("delay@production").ref == "delay@v1"
    (event,) = workspace.audit.events(1)
    assert (event.action, event.detail["message"]) == ("model.reject", "not yet")


def test_stop_ends_a_run_and_resume_goes_on_behind_what_is_done(
    window: Window, sidebar: Locator, workspace: Workspace
) -> None:
    sidebar.get_by_role("tab", name="Pipelines", exact=True).click()
    sidebar.get_by_label("Pipeline", exact=True).select_option("waits")
    sidebar.get_by_role("button", name="Run…").first.click()
    sidebar.locator("form").get_by_role("button", name="Run…").click()
    dialog = sidebar.get_by_role("dialog")
    dialog.get_by_role("button", name="Run", exact=True).click()
    dialog.get_by_role("button", name="Close").click()
    expect(sidebar.locator('[data-step="2_wait"]')).to_have_class("nbp-step nbp-at-running", timeout=SLOW)
    assert workspace.run.show("waits-1").status == "running"
    sidebar.get_by_role("button", name="Stop…").click()
    confirm(sidebar, "%ml pipeline stop waits-1", "Stop it")
    expect(sidebar.get_by_role("button", name="Resume…")).to_be_visible(timeout=SLOW)
    stopped = workspace.run.show("waits-1")
    assert stopped.status == "killed"
    assert [child.status for child in stopped.children] == ["finished", "killed"]
    (workspace.marker.root / "slow" / "go").touch()
    sidebar.get_by_role("button", name="Resume…").click()
    dialog.get_by_role("button", name="Go on with it").click()
    expect(dialog.get_by_role("status").filter(has_text="done")).to_be_visible(timeout=SLOW)
    dialog.get_by_role("button", name="Close").click()
    resumed = workspace.run.show("waits-2")
    assert resumed.status == "finished"
    assert [child.name for child in resumed.children] == ["2_wait-2"], "the first step is not done again"


def test_a_pipeline_is_approved_and_rejected_too(ann: None, sidebar: Locator, workspace: Workspace) -> None:
    for alias in ("production", "staging"):
        workspace.pipeline.promote("sums", to=alias)
    sidebar.get_by_role("tab", name="Pipelines", exact=True).click()
    sidebar.get_by_label("Pipeline", exact=True).select_option("sums")
    for verb, alias in (("Approve", "production"), ("Reject", "staging")):
        waits = sidebar.locator(".nbp-notice", has_text=f"sums@v1 waits for {alias}")
        waits.get_by_role("button", name=f"{verb}…").click()
        confirm(sidebar, f"%ml pipeline {verb.lower()} sums@v1 --to {alias}", verb)
        expect(waits).to_have_count(0)
    (listed,) = (one for one in workspace.pipeline.list() if one.name == "sums")
    assert listed.aliases == {"production": "sums@v1"}
    assert workspace.pipeline.waiting("sums") == []
