"""Every panel over what the demo has made, light and dark; `PICTURES` names a folder for pictures of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from nbmlops.jupyter.panels.panel import ORDER, find
from tests.browser.windows import opened, picture, serious, settled
from tests.places import Jupyter, Ui

# What is opened in each, where there is something to open: the graph of a pipeline is there at once.
OPENED = {"data": "flights", "models": "delay", "checks": "promote production"}
COMPARED = ("5_evaluate-1", "5_evaluate-3")


@pytest.fixture(scope="module")
def ui(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """The page of a copy of the demo's workspace."""
    folder = tmp_path_factory.mktemp("pictures") / "flights"
    shutil.copytree(demo, folder)
    started = Ui.start(folder)
    yield started
    started.stop()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ORDER)
def test_a_panel_shows_what_the_demo_has_made(ui: Ui, browser: Browser, name: str, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1280, "height": 860})  # type: ignore[arg-type]
    page.goto(ui.address)
    page.get_by_role("tab", name=find(name).title, exact=True).click()
    stage = page.locator(".nbp-stage").first
    if name == "runs":
        for run in COMPARED:
            stage.get_by_role("checkbox", name=f"select {run}").check()
        stage.get_by_role("button", name="Compare 2").click()
    elif name == "catalog":
        stage.get_by_role("row", name="model delay").first.click()
    elif name in OPENED:
        stage.get_by_text(OPENED[name], exact=True).first.dblclick()
    else:
        expect(stage).to_contain_text("5_evaluate")
    settled(page)
    picture(page, f"{name}-{scheme}")
    assert serious(page) == []
    page.close()


def test_the_sidebar_stands_beside_a_notebook_of_the_demo(demo: Path, lab: Jupyter, browser: Browser) -> None:
    shutil.copytree(demo, lab.folder / "flights")
    with opened(browser, lab, viewport={"width": 1280, "height": 860}) as window:
        sidebar = window.sidebar()
        window.go_to_folder("/flights")
        window.open("flights/notebooks/5_evaluate.ipynb")
        sidebar.get_by_role("tab", name="Models", exact=True).click()
        sidebar.get_by_text("delay", exact=True).first.dblclick()
        expect(sidebar).to_contain_text("production")
        settled(window.page)
        picture(window.page, "beside")
