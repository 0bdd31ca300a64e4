"""The sidebar in a real JupyterLab: it belongs to folders and to no kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from nbmlops import Workspace
from nbmlops.jupyter.panels.panel import find, names
from tests.browser.windows import LIGHT_AND_DARK, Window, opened, picture, serious, settled, write_notebook
from tests.places import Jupyter


@pytest.fixture(scope="module")
def folders(lab: Jupyter) -> None:
    """Two workspaces and a folder that is in none."""
    for name, metric in {"churn": 0.9, "fraud": 0.4}.items():
        with Workspace.init(lab.folder / name) as workspace:
            (lab.folder / name / "deep").mkdir()
            for number in range(3):
                with workspace.run(f"{name}-model") as run:
                    run.log(auc=metric + number / 100)
    (lab.folder / "plain").mkdir()


@pytest.fixture(scope="module")
def window(lab: Jupyter, folders: None, browser: Browser) -> Iterator[Window]:
    with opened(browser, lab) as shown:
        yield shown


def test_it_is_a_tab_with_an_icon_and_says_what_it_is(window: Window) -> None:
    tab = window.page.locator('.jp-SideBar.jp-mod-left [data-id="nbmlops-sidebar"]')
    expect(tab.locator("svg")).to_be_visible()
    expect(tab).to_have_attribute("title", re.compile("^nbmlops: "))
    expect(window.sidebar()).to_have_attribute("aria-label", "nbmlops")


def test_it_follows_the_folder_of_the_file_browser(window: Window) -> None:
    sidebar = window.sidebar()
    window.go_to_folder("/plain")
    expect(sidebar).to_contain_text("This folder is in no workspace")
    expect(sidebar).to_contain_text("%ml init")
    for name in ("churn", "fraud", "churn"):
        window.go_to_folder(f"/{name}")
        expect(sidebar.locator("h2").first).to_have_text(name)
        expect(sidebar).to_contain_text(f"{name}-model-3")
    window.page.evaluate("document.querySelector('#nbmlops-sidebar .nbp').dataset.same = 'yes'")
    with window.page.expect_response(lambda answer: "api/workspace" in answer.url and "deep" in answer.url):
        window.go_to_folder("/churn/deep")
    settled(window.page)
    assert sidebar.locator(".nbp").get_attribute("data-same") == "yes", "the same workspace is not drawn anew"


def test_a_workspace_that_is_made_meanwhile_is_shown(window: Window, lab: Jupyter) -> None:
    sidebar = window.sidebar()
    (lab.folder / "later").mkdir()
    window.go_to_folder("/later")
    expect(sidebar).to_contain_text("This folder is in no workspace")
    Workspace.init(lab.folder / "later").close()
    expect(sidebar.locator("h2").first).to_have_text("later", timeout=10_000)


def test_what_another_process_records_appears(window: Window, lab: Jupyter) -> None:
    sidebar = window.sidebar()
    window.go_to_folder("/fraud")
    expect(sidebar).to_contain_text("fraud-model-3")
    with Workspace.open(lab.folder / "fraud") as workspace, workspace.run("another"):
        pass
    expect(sidebar).to_contain_text("another-1", timeout=15_000)


def test_it_outlives_the_kernel(window: Window, lab: Jupyter) -> None:
    write_notebook(lab.folder / "churn" / "kernel.ipynb", "1 + 1")
    window.open("churn/kernel.ipynb")
    sidebar = window.sidebar()
    window.go_to_folder("/churn")
    expect(sidebar).to_contain_text("churn-model-3")
    window.restart_kernel()
    window.page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    with Workspace.open(lab.folder / "churn") as workspace, workspace.run("after-the-kernel"):
        pass
    expect(sidebar).to_contain_text("after-the-kernel-1", timeout=15_000)


def test_it_opens_the_notebook_of_a_run(window: Window, lab: Jupyter) -> None:
    deep = lab.folder / "churn" / "deep"
    for name in ("one.ipynb", "the other.ipynb"):
        write_notebook(deep / name, "1 + 1")
    with Workspace.open(lab.folder / "churn") as workspace:
        for named in (str(deep / "one.ipynb"), "deep/the other.ipynb"):
            workspace.run.start("recorded", notebook=named).finish()
    sidebar = window.sidebar()
    window.go_to_folder("/churn")
    for number, name in enumerate(("one.ipynb", "the other.ipynb"), start=1):
        sidebar.get_by_role("row", name=f"recorded-{number}").dblclick(timeout=30_000)
        expect(sidebar.get_by_role("heading", name=f"recorded-{number}")).to_be_visible()
        sidebar.get_by_role("button", name="Open notebook").click()
        expect(window.page.locator("#jp-main-dock-panel .lm-TabBar-tab", has_text=name)).to_be_visible()


def test_it_is_open_again_after_the_page_is_loaded_again(window: Window) -> None:
    window.sidebar()
    # JupyterLab saves the layout a second after the last change.
    with window.page.expect_response(
        lambda answer: "/api/workspaces" in answer.url and "fraud" in (answer.request.post_data or "")
    ):
        window.go_to_folder("/fraud")
        expect(window.page.locator("#nbmlops-sidebar")).to_contain_text("fraud-model-3")
    window.page.goto(f"{window.server.base}/lab")
    expect(window.page.locator("#nbmlops-sidebar")).to_be_visible(timeout=30_000)
    expect(window.page.locator("#nbmlops-sidebar")).to_contain_text("fraud-model-3")


@pytest.mark.parametrize("width", [120, 280])
def test_it_can_be_used_however_narrow_it_is(window: Window, width: int) -> None:
    sidebar = window.sidebar()
    window.go_to_folder("/churn")
    expect(sidebar.locator(".nbp")).to_be_visible()
    sidebar.evaluate("(node, width) => { node.style.width = node.style.minWidth = `${width}px`; }", width)
    spilt = sidebar.evaluate(
        "node => [...node.querySelectorAll('.nbp > *, .nbp-bar > *')]"
        ".filter(one => one.getClientRects().length && one.getBoundingClientRect().right"
        " > node.getBoundingClientRect().right + 1).map(one => one.outerHTML.slice(0, 200))"
    )
    sidebar.evaluate("node => { node.style.width = node.style.minWidth = ''; }")
    assert spilt == []


@pytest.mark.parametrize("theme", LIGHT_AND_DARK)
def test_every_panel_is_there_and_takes_the_colours_of_the_theme(window: Window, theme: str) -> None:
    window.theme(LIGHT_AND_DARK[theme])
    sidebar = window.sidebar()
    window.go_to_folder("/churn")
    background = window.page.evaluate("getComputedStyle(document.body).getPropertyValue('--jp-layout-color1')")
    for name in names():
        if len(names()) > 1:
            sidebar.get_by_role("tab", name=find(name).title).click()
        expect(sidebar.locator(".nbp-stage").first).not_to_be_empty()
        picture(window.page, f"sidebar-{name}-{theme}")
        assert serious(window.page, "#nbmlops-sidebar") == []
    painted = sidebar.locator(".nbp").evaluate("node => getComputedStyle(node).backgroundColor")
    wanted = window.page.evaluate(
        "colour => { const one = document.createElement('i'); one.style.color = colour; document.body.append(one);"
        " const found = getComputedStyle(one).color; one.remove(); return found; }",
        background,
    )
    window.theme(LIGHT_AND_DARK["light"])
    assert painted == wanted
