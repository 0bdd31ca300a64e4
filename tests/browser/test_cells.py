"""Panels below cells, and completion in them, in a real JupyterLab with a real kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, expect

from nbmlops import Workspace
from nbmlops.jupyter.panels.panel import find, names
from tests.browser.windows import IDLE, LIGHT_AND_DARK, Window, opened, picture, serious, write_notebook
from tests.places import Jupyter

LOST = "The kernel that drew this panel has ended"


@pytest.fixture(scope="module")
def window(lab: Jupyter, browser: Browser) -> Iterator[Window]:
    """A notebook beside a workspace with runs; its first cell has loaded the extension."""
    folder = lab.folder / "cells"
    with Workspace.init(folder) as workspace:
        for number in range(3):
            with workspace.run("gbm") as run:
                run.log(auc=0.8 + number / 100)
    fitted = "from sklearn.linear_model import LinearRegression\nmodel = LinearRegression().fit([[0.0], [1.0]], [0, 1])"
    recorded = "%%ml run recorded -p depth=3\n%ml log auc=0.9"
    cells = ["%load_ext nbmlops", "%ml panel", recorded, "%ml panel runs", fitted]
    write_notebook(folder / "panels.ipynb", *cells)
    with opened(browser, lab) as shown:
        shown.open("cells/panels.ipynb")
        shown.run(0)
        expect(shown.cells.nth(0)).to_contain_text("nbmlops", timeout=60_000)
        yield shown


@pytest.fixture
def panel(window: Window) -> Locator:
    """The panel of runs below the last cell."""
    # What stands there from an earlier run stays until the cell answers, and is not what is waited for.
    window.page.evaluate("document.querySelectorAll('.nbp').forEach(one => one.dataset.earlier = 'yes')")
    window.run(3)
    found = window.cells.nth(3).locator(".nbp:not([data-earlier])")
    expect(found).to_contain_text("gbm-3", timeout=30_000)
    expect(found.get_by_text(re.compile(r"^\d+ runs$"))).to_be_visible(timeout=30_000)
    return found


def store(lab: Jupyter) -> Workspace:
    return Workspace.open(lab.folder / "cells")


def test_a_panel_below_a_cell_shows_what_is_stored_and_what_a_cell_records(window: Window, panel: Locator) -> None:
    expect(panel.get_by_role("row", name="gbm-1")).to_be_visible()
    window.run(2)
    expect(panel.get_by_role("row", name="recorded-1")).to_be_visible(timeout=15_000)


@pytest.mark.parametrize("theme", LIGHT_AND_DARK)
def test_every_panel_takes_the_colours_of_the_theme(window: Window, theme: str) -> None:
    window.run(1)
    shown = window.cells.nth(1).locator(".nbp")
    window.theme(LIGHT_AND_DARK[theme])
    for name in names():
        if len(names()) > 1:
            shown.get_by_role("tab", name=find(name).title).click()
        expect(shown.locator(".nbp-stage").first).not_to_be_empty()
        picture(shown, f"cell-{name}-{theme}")
        assert serious(window.page, ".jp-Notebook .nbp") == []
    bright = shown.evaluate("node => getComputedStyle(node).backgroundColor.match(/\\d+/g).every(one => one > 128)")
    assert bright == (theme == "light")
    window.theme(LIGHT_AND_DARK["light"])


def test_a_note_is_written_after_its_line_was_shown(window: Window, panel: Locator, lab: Jupyter) -> None:
    panel.get_by_role("row", name="gbm-2").dblclick()
    panel.get_by_role("button", name="Note…").click()
    panel.get_by_label("Note of gbm-2", exact=True).fill("looks 'good' to me")
    panel.get_by_role("button", name="Continue").click()
    dialog = panel.get_by_role("dialog")
    expect(dialog).to_contain_text("%ml run note")
    with store(lab) as workspace:
        assert "note" not in workspace.run.show("gbm-2").tags
    dialog.get_by_role("button", name="Write it").click()
    expect(dialog.get_by_role("button", name="Write it")).to_have_count(0, timeout=15_000)  # it is done
    with store(lab) as workspace:
        assert workspace.run.show("gbm-2").tags["note"] == "looks 'good' to me"
    dialog.get_by_role("button", name="Close").click()


def test_a_line_is_put_into_the_notebook_and_the_notebook_of_a_run_is_opened(window: Window, panel: Locator) -> None:
    window.run(2)
    panel.get_by_role("row", name="recorded-1").dblclick()
    count = window.cells.count()
    panel.get_by_role("button", name="Insert line").click()
    expect(window.cells).to_have_count(count + 1)
    assert "%ml run show recorded-1" in {window.source(number) for number in range(count + 1)}
    window.command("notebook:delete-cell")
    window.command("launcher:create")
    window.page.evaluate("window.jupyterapp.commands.execute('docmanager:open', {path: 'cells/panels.ipynb'})")
    panel.get_by_role("button", name="Open notebook").click()
    expect(window.page.locator(".lm-TabBar-tab.jp-mod-current", has_text="panels.ipynb")).to_be_visible()


def test_a_model_is_registered_by_the_line_that_is_put_into_a_cell(
    window: Window, panel: Locator, lab: Jupyter
) -> None:
    window.run(4)
    panel.get_by_role("row", name="gbm-1").dblclick()
    count = window.cells.count()
    panel.get_by_role("button", name="Register…").click()
    expect(window.cells).to_have_count(count + 1)
    place = next(number for number in range(count + 1) if window.source(number) == "%ml model save model gbm")
    window.run(place)
    expect(window.cells.nth(place)).to_contain_text("gbm@v1", timeout=60_000)
    with store(lab) as workspace:
        assert workspace.model.show("gbm").ref == "gbm@v1"
    window.command("notebook:delete-cell")


def test_compared_runs_stand_beside_each_other(window: Window, panel: Locator) -> None:
    for name in ("gbm-1", "gbm-3"):
        panel.get_by_role("checkbox", name=f"select {name}").check()
    panel.get_by_role("button", name="Compare 2").click()
    expect(panel.get_by_role("heading", name="2 runs compared")).to_be_visible()
    expect(panel).to_contain_text("%ml run compare")


def test_after_a_restart_the_panel_says_so_and_the_line_revives_it(window: Window, panel: Locator) -> None:
    window.restart_kernel()
    expect(panel).to_contain_text(LOST, timeout=30_000)
    expect(panel.get_by_role("row", name="gbm-1")).to_be_visible()
    window.run(0)
    window.run(3)
    expect(panel).not_to_contain_text(LOST, timeout=30_000)
    expect(panel.get_by_role("row", name="gbm-1")).to_be_visible(timeout=30_000)


@pytest.mark.parametrize(
    ("typed", "choice", "completed"),
    [
        ("%ml data sa", "save", "%ml data save"),
        ("%ml run sho", "show", "%ml run show"),
        ("%ml run show gbm-", "gbm-3", "%ml run show gbm-3"),
    ],
)
def test_tab_completes_a_line(window: Window, typed: str, choice: str, completed: str) -> None:
    window.command("notebook:insert-cell-below")
    window.command("notebook:enter-edit-mode")
    editor = window.page.locator(".jp-Notebook .jp-Cell.jp-mod-active .cm-content")
    editor.click()
    window.page.keyboard.type(typed)
    window.page.keyboard.press("Tab")
    offered = window.page.locator(".jp-Completer .jp-Completer-item").filter(has_text=choice).first
    expect(offered).to_contain_text("magic", timeout=15_000)
    offered.click()
    expect(editor).to_have_text(completed)
    window.page.keyboard.press("Escape")
    window.command("notebook:delete-cell")


def test_a_notebook_that_is_opened_later_shows_the_picture_that_it_keeps_of_the_panel(
    window: Window, panel: Locator, lab: Jupyter, browser: Browser
) -> None:
    window.command("docmanager:save")
    cells = nbformat.read(lab.folder / "cells" / "panels.ipynb", as_version=4).cells
    (kept,) = [output for output in cells[3].outputs if "text/html" in output.get("data", {})]
    assert "gbm-3" in kept.data["text/html"]
    assert "gbm-3" in kept.data["text/plain"]
    window.page.wait_for_function(IDLE)  # JupyterLab complains of a kernel that ends before it has answered
    window.page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    with opened(browser, lab) as another:
        another.open("cells/panels.ipynb")
        below = another.cells.nth(3).locator(".jp-OutputArea-output").first
        expect(below).to_contain_text("gbm-3", timeout=30_000)
        expect(below).to_contain_text("panel of cells")
        expect(below).not_to_contain_text("Error displaying widget")
