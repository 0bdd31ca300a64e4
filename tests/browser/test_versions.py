"""The oldest JupyterLab that is supported, and Notebook 7: what matters most works there too.

They are in an environment of their own, which ``make test-system`` makes; all the rest of this folder is tested in the
newest JupyterLab.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from nbmlops import Workspace
from tests.browser.windows import Window, opened, write_notebook
from tests.places import ROOT, Jupyter

PYTHON = ROOT / ".venv-lab42" / "bin" / "python"
CELLS = ("%load_ext nbmlops", "%ml status", "%%ml run tried\n%ml log auc=0.75", "%ml panel runs")


def project(folder: Path) -> Path:
    """A workspace with runs and a notebook."""
    with Workspace.init(folder / "churn") as workspace:
        for number in range(3):
            with workspace.run("gbm") as run:
                run.log(auc=0.8 + number / 100)
    write_notebook(folder / "churn" / "cells.ipynb", *CELLS)
    return folder


@pytest.fixture(scope="module")
def old_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    folder = project(tmp_path_factory.mktemp("old"))
    server = Jupyter.start(folder, home=tmp_path_factory.mktemp("old-home"), python=PYTHON, below="/user/ann")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def window(old_lab: Jupyter, browser: Browser) -> Iterator[Window]:
    with opened(browser, old_lab) as shown:
        yield shown


def test_jupyterlab_4_2_has_the_sidebar_and_it_follows_folders(window: Window) -> None:
    assert window.page.evaluate("window.jupyterapp.version").startswith("4.2.")
    sidebar = window.sidebar()
    expect(sidebar).to_contain_text("This folder is in no workspace")
    window.go_to_folder("/churn")
    expect(sidebar.locator("h2").first).to_have_text("churn")
    expect(sidebar).to_contain_text("gbm-3")


def test_jupyterlab_4_2_draws_a_panel_below_a_cell_and_does_what_it_is_told(window: Window, old_lab: Jupyter) -> None:
    window.open("churn/cells.ipynb")
    window.run_all()
    cells = window.cells
    expect(cells.nth(1)).to_contain_text("churn", timeout=60_000)
    expect(cells.nth(2)).to_contain_text("tried-1", timeout=60_000)
    write_a_note(cells.nth(3).locator(".nbp").page, old_lab.folder / "churn")
    window.restart_kernel()
    expect(cells.nth(3).locator(".nbp")).to_contain_text("has ended", timeout=30_000)


def test_jupyterlab_4_2_puts_a_line_of_the_sidebar_into_the_notebook(window: Window) -> None:
    window.go_to_folder("/churn")
    sidebar = window.sidebar()
    # What the cells before have logged comes in above, and moves the others down.
    sidebar.get_by_role("row", name="tried-1").wait_for()
    sidebar.get_by_role("row", name="gbm-3").dblclick()
    before = window.cells.count()
    sidebar.get_by_role("button", name="Insert line").click()
    expect(window.cells).to_have_count(before + 1)
    assert "%ml run show gbm-3" in {window.source(number) for number in range(before + 1)}


def test_notebook_7_runs_magics_and_draws_panels(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> None:
    folder = project(tmp_path_factory.mktemp("classic"))
    server = Jupyter.start(folder, home=tmp_path_factory.mktemp("classic-home"), python=PYTHON, application="notebook")
    page = browser.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(server.url("/notebooks/churn/cells.ipynb"))
    page.locator(".jp-Notebook .jp-Cell").nth(3).wait_for()
    page.wait_for_function(
        "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'", timeout=60_000
    )
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    cells = page.locator(".jp-Notebook .jp-Cell")
    expect(cells.nth(1)).to_contain_text("churn", timeout=60_000)
    expect(cells.nth(2)).to_contain_text("tried-1", timeout=60_000)
    write_a_note(page, folder / "churn")
    page.close()
    server.stop()
    assert [one for one in wrong if "nbmlops" in one] == []


def write_a_note(page: Page, folder: Path) -> None:
    """Write the note of a run in the panel, and look into the store."""
    panel = page.locator(".jp-Notebook .nbp")
    panel.get_by_role("row", name="gbm-2").dblclick(timeout=60_000)
    panel.get_by_role("button", name="Note…").click()
    panel.get_by_label("Note of gbm-2", exact=True).fill("kept")
    panel.get_by_role("button", name="Continue").click()
    panel.get_by_role("dialog").get_by_role("button", name="Write it").click()
    expect(panel.get_by_role("dialog").get_by_role("button", name="Write it")).to_have_count(0, timeout=30_000)
    with Workspace.open(folder) as workspace:
        assert workspace.run.show("gbm-2").tags["note"] == "kept"
    panel.get_by_role("dialog").get_by_role("button", name="Close").click()
