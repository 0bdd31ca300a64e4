"""The panel of the catalog in Chromium, on real answers of Python; its sidebar and its page are those of all panels."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect
from sklearn.linear_model import LinearRegression

from nbmlops import Workspace, ml
from nbmlops.workspace.current import workspace
from tests.browser.esm import DARK, PAYLOADS, faults, mounted
from tests.browser.windows import opened, write_notebook
from tests.jupyter.panels.filled import a_report
from tests.places import Jupyter
from tests.workspace.search.crowd import crowd

FRAME = pd.DataFrame({"dep_delay": [1.0, 2.0, 3.0], "late": [0.0, 1.0, 1.0]})


@pytest.fixture
def catalog(project: Path) -> None:
    ml.data.save(FRAME, "flights", message="all of January", tags={"owner": "ada"})
    ml.data.save(FRAME.head(2), "weather", message="for the delays")
    with ml.run("gbm", {"depth": 3}, tags={"owner": "the team"}) as run:
        flights = ml.data.load("flights")
        inputs = flights[["dep_delay"]]
        ml.model.save(LinearRegression().fit(inputs, flights["late"]), "delay", example=inputs, message="first")
        run.log(auc=0.9)
    ml.check.data("flights", "dep_delay: between(0, 1)")


def searched(page: Page, text: str, things: str) -> None:
    page.get_by_label("Search the catalog").fill(text)
    expect(page.get_by_text(things, exact=True)).to_be_visible()


def toggle(page: Page, facet: str, value: str) -> Any:
    return page.get_by_role("group", name=facet, exact=True).get_by_role("button", name=value)


def details(page: Page, title: str) -> Any:
    side = page.get_by_role("region", name="Details")
    expect(side.get_by_role("heading", name=title)).to_be_visible()
    return side


def test_words_and_options_find_as_they_do_behind_search(catalog: None, browser: Browser) -> None:
    with mounted(browser, "catalog") as page:
        expect(page.get_by_text("5 things")).to_be_visible()
        searched(page, "dep_delay", "3 things")
        expect(page.get_by_role("row").nth(1)).to_contain_text("delay@v1")
        expect(page.get_by_text("%ml search dep_delay", exact=True)).to_be_visible()
        searched(page, "dep_delay --owner ada", "1 thing")
        expect(page.get_by_role("row", name="data flights@v1")).to_contain_text("failed")
        expect(page.get_by_role("row", name="data flights@v1")).to_contain_text("1 run")
        page.get_by_label("Search the catalog").fill("dep_delay --ownr ada")
        expect(page.get_by_role("alert")).to_contain_text("did you mean --owner")
        page.get_by_label("Search the catalog").fill("flihgts")
        page.get_by_role("button", name="Did you mean flights?").click()
        expect(page.get_by_role("row", name="data flights@v1")).to_be_visible()


def test_facets_count_narrow_and_are_given_up(catalog: None, browser: Browser) -> None:
    with mounted(browser, "catalog") as page:
        toggle(page, "kind", "data 2").click()
        expect(page.get_by_label("Search the catalog")).to_have_value("--noun data")
        expect(toggle(page, "kind", "data 2")).to_have_attribute("aria-pressed", "true")
        expect(toggle(page, "kind", "data 2")).to_be_focused()
        expect(page.get_by_text("2 things")).to_be_visible()
        toggle(page, "verdict", "failed 1").click()
        expect(page.get_by_text("1 thing", exact=True)).to_be_visible()
        toggle(page, "kind", "report 1").click()
        expect(page.get_by_label("Search the catalog")).to_have_value("--noun report --quality failed")
        toggle(page, "kind", "report").click()
        toggle(page, "verdict", "failed").click()
        expect(page.get_by_text("5 things")).to_be_visible()
        toggle(page, "use", "by runs 1").click()
        expect(page.get_by_label("Search the catalog")).to_have_value("--used")


def test_a_thing_is_told_with_what_it_holds_and_leads_along_its_lineage(catalog: None, browser: Browser) -> None:
    with mounted(browser, "catalog") as page:
        page.get_by_role("row", name="data flights@v1").click()
        side = details(page, "data flights@v1")
        expect(side.get_by_role("table", name="Columns")).to_contain_text("dep_delay")
        expect(side.get_by_text("%ml data load flights@v1")).to_be_visible()
        side.get_by_role("button", name="delay@v1").click()
        side = details(page, "model delay@v1")
        expect(side.get_by_role("table", name="Metrics")).to_contain_text("0.9")
        side.get_by_role("group", name="Lineage of delay@v1").get_by_role("button", name="gbm-1").click()
        side = details(page, "run gbm-1")
        side.get_by_role("list", name="Made from").get_by_role("button", name="flights@v1").click()
        details(page, "data flights@v1")
        page.get_by_role("row", name="report 1").click()
        expect(details(page, "report 1").get_by_role("table", name="Not passed")).to_contain_text("failed")


@pytest.mark.parametrize("alone", [True, False], ids=["below a cell", "beside the others"])
def test_a_thing_is_opened_in_the_panel_of_its_kind(catalog: None, browser: Browser, alone: bool) -> None:
    with mounted(browser, "catalog" if alone else None) as page:
        if not alone:
            page.get_by_role("tab", name="Catalog").click()
        ways = {
            "model delay@v1": ("Models", page.get_by_role("tab", name="Verdicts")),
            "data flights@v1": ("Data", page.get_by_role("tab", name="Columns")),
            "run gbm-1": ("Runs", page.get_by_role("button", name="Reproduce…")),
            "report 1": ("Checks", page.get_by_text("1 check", exact=True)),
        }
        for name, (panel, there) in ways.items():
            page.get_by_role("row", name=name).click()
            details(page, name)
            page.get_by_role("button", name=f"Open in {panel}").click()
            expect(there).to_be_visible()
            if alone:
                page.get_by_role("button", name="Catalog").click()
            else:
                page.get_by_role("tab", name="Catalog").click()


def test_the_keyboard_alone_searches_narrows_opens_and_closes(catalog: None, browser: Browser) -> None:
    with mounted(browser, "catalog") as page:
        page.get_by_label("Search the catalog").focus()
        page.keyboard.type("dep_delay")
        expect(page.get_by_text("3 things")).to_be_visible()
        toggle(page, "kind", "data 2").focus()
        page.keyboard.press("Space")
        expect(page.get_by_text("2 things")).to_be_visible()
        grid = page.get_by_role("grid", name="Catalog")
        grid.focus()
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        details(page, "data flights@v1")
        page.get_by_role("button", name="Close flights@v1").focus()
        page.keyboard.press("Escape")
        expect(page.get_by_role("region", name="Details")).to_be_hidden()
        expect(grid).to_be_focused()


def test_what_is_saved_elsewhere_appears_and_the_place_is_kept(catalog: None, browser: Browser) -> None:
    with mounted(browser, "catalog") as page:
        page.get_by_role("row", name="data flights@v1").click()
        details(page, "data flights@v1")
        ml.data.save(FRAME.tail(1), "planes")
        expect(page.get_by_role("row", name="data planes@v1")).to_be_visible()
        expect(page.get_by_text("6 things")).to_be_visible()
        details(page, "data flights@v1")


def test_an_empty_workspace_says_what_to_type(project: Path, browser: Browser) -> None:
    with mounted(browser, "catalog") as page:
        expect(page.get_by_text("%ml data save df NAME")).to_be_visible()


def test_an_error_of_python_is_shown_and_what_was_known_stays(catalog: None, browser: Browser) -> None:
    with mounted(browser, "catalog") as page:
        expect(page.get_by_text("5 things")).to_be_visible()
        page.evaluate(
            "answerOf = async () => ({ error: { message: 'may not search: ann is nobody', hint: 'ask ada' } })"
        )
        page.get_by_role("row", name="data flights@v1").click()
        expect(page.get_by_role("region", name="Details").get_by_role("alert")).to_contain_text("ask ada")
        page.get_by_label("Search the catalog").fill("flights")
        expect(page.get_by_text("may not search").first).to_be_visible()
        expect(page.get_by_role("row", name="data flights@v1")).to_be_visible()


def test_of_a_hundred_thousand_things_only_those_in_sight_are_drawn_asked_for_and_kept(
    project: Path, browser: Browser
) -> None:
    crowd(workspace().catalog, runs=98_000, names=2_000)
    with mounted(browser, "catalog") as page:
        expect(page.get_by_role("row", name="data table_01999@v1")).to_be_visible()
        expect(page.get_by_text("100,000 things")).to_be_visible()
        grid = page.get_by_role("grid", name="Catalog")
        grid.focus()
        page.keyboard.press("End")
        expect(page.get_by_role("row", name="run trial0-0 ")).to_be_visible()
        assert page.locator(".nbp-row").count() < 60
        asked = [one for one in page.evaluate("window.sent") if one.get("ask") == "page"]
        assert len(asked) <= 4, "the pages between were passed over"
        places = random.Random(1).sample(range(1_000), 40)
        kept = grid.evaluate(
            """async (grid, places) => {
                for (const place of places) {
                    grid.scrollTop = place * 2800;
                    await new Promise((done) => setTimeout(done, 30));
                }
                return grid.querySelectorAll(".nbp-row").length;
            }""",
            places,
        )
        assert kept < 60
        searched(page, "trial7-7", "1 thing")
        page.get_by_label("Search the catalog").fill("")
        toggle(page, "kind", "data 2,000").click()
        expect(page.get_by_text("2,000 things")).to_be_visible()


def test_nothing_that_a_person_can_write_is_run(project: Path, browser: Browser) -> None:
    for number, payload in enumerate(PAYLOADS):
        rows = pd.DataFrame({each: [str(number)] for each in PAYLOADS})
        ml.data.save(rows, f"evil{number}", message=payload, tags={"owner": payload[:100]})
        workspace().check.save(a_report(payload[:250]))
    with ml.run("evil", {PAYLOADS[0]: PAYLOADS[1]}, tags={"owner": PAYLOADS[2], PAYLOADS[3]: PAYLOADS[4]}) as run:
        ml.data.load("evil1")
        run.log({PAYLOADS[5]: 1.0})
    with mounted(browser, "catalog") as page:
        expect(page.get_by_text(f"{2 * len(PAYLOADS) + 1} things")).to_be_visible()
        grid = page.get_by_role("grid", name="Catalog")
        grid.focus()
        for _ in PAYLOADS:
            page.keyboard.press("Enter")
            page.keyboard.press("ArrowDown")
        for row, things in (("run evil-1", "1 thing"), (f"report {len(PAYLOADS)}", f"{len(PAYLOADS)} things")):
            searched(page, f"--noun {row.split()[0]}", things)
            grid.get_by_role("row", name=row).first.click()
            details(page, row.strip())
        for value in page.get_by_role("group", name="verdict").get_by_role("button").all():
            value.click()
        page.get_by_label("Search the catalog").fill(f'--owner "{PAYLOADS[4]}"')
        expect(page.get_by_text("1 thing", exact=True)).to_be_visible()
        page.get_by_label("Search the catalog").fill(PAYLOADS[0])
        page.mouse.move(400, 300)
        assert page.evaluate("window.executed") == 0
        assert page.locator(".nbp :is(script, img, iframe, object, embed, video, marquee, form)").count() == 0


@pytest.mark.parametrize("variables", [{}, DARK], ids=["light", "dark"])
def test_axe_finds_nothing_serious(catalog: None, browser: Browser, variables: dict[str, str]) -> None:
    with mounted(browser, "catalog", variables=variables) as page:
        toggle(page, "kind", "data 2").click()
        expect(page.get_by_text("2 things")).to_be_visible()
        assert faults(page) == []
        page.get_by_role("row", name="data flights@v1").click()
        expect(page.get_by_role("group", name="Lineage of flights@v1")).to_be_visible()
        assert faults(page) == []
        page.get_by_label("Search the catalog").fill("--x")
        expect(page.get_by_role("alert")).to_be_visible()
        assert faults(page) == []


def test_in_jupyterlab_it_stands_below_a_cell_and_in_the_sidebar(lab: Jupyter, browser: Browser) -> None:
    with Workspace.init(lab.folder / "shop") as workspace:
        workspace.data.save(FRAME, "orders", tags={"owner": "ada"})
        workspace.data.save(FRAME.head(2), "visits")
    write_notebook(lab.folder / "shop" / "look.ipynb", "%load_ext nbmlops", "%ml panel catalog")
    with opened(browser, lab) as window:
        window.open("shop/look.ipynb")
        window.run_all()
        sidebar = window.sidebar()
        window.go_to_folder("/shop")
        sidebar.get_by_role("tab", name="Catalog", exact=True).click()
        for place in (window.cells.nth(1).locator(".nbp"), sidebar):
            expect(place.get_by_role("row", name="data orders@v1")).to_be_visible(timeout=60_000)
            place.get_by_role("button", name="ada 1").click()
            expect(place.get_by_text("1 thing", exact=True)).to_be_visible()
            place.get_by_role("row", name="data orders@v1").click()
            expect(place.get_by_role("group", name="Lineage of orders@v1")).to_be_visible()
        sidebar.get_by_role("button", name="Insert line").click()
        expect(window.page.locator(".jp-NotebookPanel")).to_contain_text("%ml data show orders@v1")


@pytest.mark.parametrize("width", [260, 400, 1100])
def test_it_is_as_wide_as_its_place(catalog: None, browser: Browser, width: int) -> None:
    with mounted(browser, "catalog", width=width) as page:
        page.get_by_role("row", name="data flights@v1").click()
        details(page, "data flights@v1")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
