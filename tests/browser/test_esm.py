from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from nbmlops import ml
from tests.browser.esm import mounted


@pytest.fixture
def three(project: Path) -> None:
    for number, auc in enumerate((0.7, 0.9, 0.8)):
        with ml.run("gbm", {"depth": number + 2}) as run:
            run.log(auc=auc)
            for step in range(20):
                run.log(loss=1 / (step + number + 1), step=step)


def test_the_table_shows_runs_newest_first_and_sorts_by_a_metric(three: None, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        rows = page.get_by_role("row")
        expect(rows.nth(1)).to_contain_text("gbm-3")
        page.get_by_role("columnheader", name="auc").get_by_role("button").click()
        expect(rows.nth(1)).to_contain_text("gbm-2")
        expect(page.get_by_role("columnheader", name="auc")).to_have_attribute("aria-sort", "descending")


def test_a_condition_narrows_the_table_and_a_wrong_one_shows_its_place(three: None, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        field = page.get_by_label("Condition on runs")
        field.fill("metrics.auc > 0.75")
        expect(page.get_by_text("2 runs")).to_be_visible()
        field.fill("metrics.auc >")
        expect(page.get_by_role("alert")).to_contain_text("^")


def test_two_runs_are_compared(three: None, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        page.get_by_label("select gbm-1").check()
        page.get_by_label("select gbm-3").check()
        page.get_by_role("button", name="Compare 2").click()
        expect(page.get_by_role("heading", name="2 runs compared")).to_be_visible()
        expect(page.get_by_text("%ml run compare gbm-1 gbm-3")).to_be_visible()
        expect(page.get_by_role("row", name="depth 2")).to_contain_text("4")


def test_an_action_shows_its_line_before_it_is_done(three: None, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        page.get_by_role("row").nth(1).click()
        page.get_by_role("button", name="Note…").click()
        page.get_by_label("Note of gbm-3", exact=True).fill("holds on Sundays")
        page.get_by_role("button", name="Continue").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text('%ml run note -- gbm-3 "holds on Sundays"')
        assert "note" not in ml.run.show("gbm-3").tags
        dialog.get_by_role("button", name="Write it").click()
        dialog.get_by_role("button", name="Close").click()
        assert ml.run.show("gbm-3").tags["note"] == "holds on Sundays"


def test_an_empty_workspace_says_what_to_type(project: Path, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        expect(page.get_by_text("%%ml run NAME")).to_be_visible()
