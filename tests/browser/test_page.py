"""``nbmlops ui`` in a browser: the page, its colours, and what happens when the program ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from nbmlops import Workspace
from nbmlops.jupyter.panels.panel import find, names
from tests.browser.windows import picture, serious, settled
from tests.places import Ui


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place") / "churn"
    with Workspace.init(folder) as workspace:
        for number in range(3):
            with workspace.run("gbm", {"depth": number}) as run:
                run.log(auc=0.8 + number / 100)
    return folder


@pytest.fixture(scope="module")
def ui(folder: Path) -> Iterator[Ui]:
    started = Ui.start(folder)
    yield started
    started.stop()


@pytest.fixture
def page(ui: Ui, browser: Browser) -> Iterator[Page]:
    shown = browser.new_page()
    said: list[str] = []
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
    shown.goto(ui.address)
    yield shown
    shown.close()
    assert said == []


def test_the_token_leaves_the_address_and_the_page_can_be_loaded_again(page: Page, ui: Ui) -> None:
    expect(page.locator(".nbp")).to_contain_text("gbm-3")
    assert page.url == f"{ui.base}/"
    assert page.title() == "churn · nbmlops"
    page.reload()
    expect(page.locator(".nbp")).to_contain_text("gbm-3")
    assert page.evaluate("document.cookie") == "", "no script can read the cookie"


def test_without_the_token_there_is_nothing(ui: Ui, browser: Browser) -> None:
    page = browser.new_page()
    answer = page.goto(ui.base)
    assert answer is not None
    assert answer.status == 403
    expect(page.locator("body")).to_contain_text("The Token Is Missing")
    page.close()


def test_a_link_on_another_site_s_page_opens_it_too(ui: Ui, browser: Browser) -> None:
    page = browser.new_page()
    page.route(
        "http://mail.example/",
        lambda route: route.fulfill(content_type="text/html", body=f'<a href="{ui.address}">here</a>'),
    )
    page.goto("http://mail.example/")
    page.get_by_role("link").click()
    expect(page.locator(".nbp")).to_contain_text("gbm-3")
    page.close()


def test_what_is_recorded_meanwhile_appears(page: Page, folder: Path) -> None:
    expect(page.locator(".nbp")).to_contain_text("gbm-3")
    with Workspace.open(folder) as workspace, workspace.run("later"):
        pass
    expect(page.locator(".nbp")).to_contain_text("later-1", timeout=15_000)


def test_an_action_is_done_after_its_line_was_shown(page: Page, folder: Path) -> None:
    page.get_by_role("row", name="gbm-2").dblclick()
    page.get_by_role("button", name="Note…").click()
    page.get_by_label("Note of gbm-2", exact=True).fill("the best")
    page.get_by_role("button", name="Continue").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("nbmlops run note gbm-2 'the best'")
    dialog.get_by_role("button", name="Write it").click()
    expect(dialog.get_by_role("button", name="Write it")).to_have_count(0, timeout=15_000)  # it is done
    with Workspace.open(folder) as workspace:
        assert workspace.run.show("gbm-2").tags["note"] == "the best"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_panel_is_there_and_can_be_read_by_everyone(ui: Ui, browser: Browser, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1200, "height": 800})  # type: ignore[arg-type]
    page.goto(ui.address)
    for name in names():
        if len(names()) > 1:
            page.get_by_role("tab", name=find(name).title, exact=True).click()
        expect(page.locator(".nbp-stage").first).not_to_be_empty()
        settled(page)
        picture(page, f"page-{name}-{scheme}")
        assert serious(page) == []
    page.close()


def test_when_the_program_ends_the_page_says_so_and_keeps_what_it_shows(folder: Path, browser: Browser) -> None:
    ui = Ui.start(folder)
    page = browser.new_page()
    page.goto(ui.address)
    expect(page.locator(".nbp")).to_contain_text("gbm-3")
    ui.stop()
    expect(page.locator(".nbp")).to_contain_text("the server does not answer", timeout=20_000)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.locator(".nbp")).to_contain_text("gbm-3")
    page.close()
