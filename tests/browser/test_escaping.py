"""A hundred hostile texts in every field that a person can write: none of them is run, in any face."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nbmlops.jupyter.panels.panel import find, names
from tests.browser.hostile import FOLDER, PAYLOADS, plant
from tests.browser.windows import opened, settled, write_notebook
from tests.places import Jupyter, Ui

pytestmark = pytest.mark.timeout(600)

LINES = (
    "%load_ext nbmlops",
    "%ml status",
    "%ml run list",
    "%ml run show evil-100",
    "%ml run compare evil-1 evil-2",
    "%ml data list",
    "%ml data show evil",
    "%ml data history evil",
    "%ml data diff evil@v1 evil@v2",
    "%ml data load evil",
    "%ml check list",
    "%ml check show 1",
    "%ml model list",
    "%ml model show evil",
    "%ml pipeline list",
    "%ml pipeline show evil",
    "%ml panel",
)


@pytest.fixture(scope="module")
def hostile(lab: Jupyter) -> Path:
    folder = lab.folder / FOLDER
    plant(folder)
    write_notebook(folder / "lines.ipynb", *LINES)
    return folder


def look_everywhere(page: Page, panels: Locator) -> None:
    """Open what there is to open in each panel."""
    for name in names():
        if len(names()) > 1:
            panels.get_by_role("tab", name=find(name).title, exact=True).click()
        settled(page)
        shown = panels.locator(".nbp-stage").first
        for number in range(min(3, shown.get_by_role("row").count())):
            row = shown.get_by_role("row").nth(number)
            if row.is_visible():
                row.dblclick()
                settled(page)
        for tab in shown.get_by_role("tab").all():
            if tab.is_visible():
                tab.click()
                settled(page)
        for folded in shown.locator("details:not([open]) > summary").all()[:10]:
            if folded.is_visible():
                folded.click()
                settled(page)


def executed(page: Page) -> list[str]:
    """Which windows of a page ran one of the texts."""
    return [frame.url for frame in page.frames if frame.evaluate("window.executed") is not None]


def test_a_careless_page_would_run_them(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<main></main>")
    page.evaluate(
        "texts => texts.forEach(text => document.querySelector('main').append("
        "document.createRange().createContextualFragment(text)))",
        PAYLOADS,
    )
    page.wait_for_function("window.executed > 20")
    page.close()
    assert len(set(PAYLOADS)) == 100


def test_none_is_run_below_cells(hostile: Path, lab: Jupyter, browser: Browser) -> None:
    with opened(browser, lab) as window:
        window.page.on("dialog", lambda dialog: window.errors.append(dialog.message))
        window.open(f"{FOLDER}/lines.ipynb")
        window.run_all()
        panels = window.cells.nth(len(LINES) - 1).locator(".nbp")
        expect(panels).to_be_visible(timeout=120_000)
        window.page.wait_for_function(
            "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
        )
        expect(window.cells.nth(3)).to_contain_text("top.executed")
        expect(window.page.locator(".jp-NotebookPanel")).not_to_contain_text("Traceback")
        look_everywhere(window.page, panels)
        assert executed(window.page) == []


def test_none_is_run_in_the_sidebar(hostile: Path, lab: Jupyter, browser: Browser) -> None:
    with opened(browser, lab) as window:
        window.page.on("dialog", lambda dialog: window.errors.append(dialog.message))
        sidebar = window.sidebar()
        window.go_to_folder(f"/{FOLDER}")
        expect(sidebar.locator("h2").first).to_have_text(FOLDER)
        look_everywhere(window.page, sidebar.locator(".nbp"))
        assert executed(window.page) == []


@pytest.fixture(scope="module")
def ui(hostile: Path) -> Iterator[Ui]:
    started = Ui.start(hostile)
    yield started
    started.stop()


def test_none_is_run_in_the_page_of_its_own(ui: Ui, browser: Browser) -> None:
    page = browser.new_page()
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(ui.address)
    expect(page.get_by_role("heading", level=1)).to_have_text(FOLDER)
    look_everywhere(page, page.locator(".nbp"))
    assert executed(page) == []
    page.close()
    assert said == []
