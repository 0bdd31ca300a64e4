from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, expect

from nbmlops import ml
from nbmlops.workspace.current import workspace
from tests.browser.esm import DARK, PAYLOADS, faults, mounted
from tests.jupyter.panels.filled import a_report, reports


@pytest.fixture
def four(project: Path) -> list[int]:
    return reports()


def test_failures_stand_first_and_a_report_shows_what_they_rest_on(four: list[int], browser: Browser) -> None:
    workspace().check.save(a_report("other", 3, "failed"))
    with mounted(browser, "checks") as page:
        rows = page.get_by_role("row")
        expect(rows.nth(1)).to_contain_text("other")
        expect(rows.nth(2)).to_contain_text("flights@v4")
        expect(page.get_by_text("2 reports, 1 not passed")).to_be_visible()
        rows.nth(2).click()
        expect(page.get_by_role("heading", name="flights@v4")).to_be_visible()
        page.get_by_text("strict nulls").click()
        table = page.get_by_role("group", name="offending rows of flights@v4").get_by_role("row")
        expect(table.nth(1)).to_contain_text("812")
        expect(page.get_by_role("img", name="Over 4 reports")).to_be_visible()
        page.get_by_text("As a table").click()
        expect(page.get_by_role("row", name="flights@v3 failed 8.0% strict")).to_be_visible()


def test_two_reports_are_compared(four: list[int], browser: Browser) -> None:
    with mounted(browser, "checks") as page:
        page.get_by_label("Which reports").select_option("all")
        page.get_by_label(f"select report {four[1]}").check()
        page.get_by_label(f"select report {four[2]}").check()
        page.get_by_role("button", name="Compare", exact=True).click()
        expect(page.get_by_text(f"%ml check diff {four[1]} {four[2]}")).to_be_visible()
        expect(page.get_by_role("group", name="What changed").get_by_role("row").nth(1)).to_contain_text("worse")


def test_a_thousand_reports_are_listed_and_narrowed(project: Path, browser: Browser) -> None:
    for version in range(1_000):
        workspace().check.save(a_report("strict", version, "passed" if version % 10 else "failed"))
    with mounted(browser, "checks") as page:
        page.get_by_label("Which reports").select_option("all")
        expect(page.get_by_text("1,000 reports, 100 not passed")).to_be_visible()
        grid = page.get_by_role("grid", name="Reports")
        grid.focus()
        page.keyboard.press("End")
        expect(grid.get_by_role("row", name="flights@v0")).to_be_visible()
        assert page.locator(".nbp-row").count() < 60, "only what is in sight is drawn"
        page.get_by_label("Status").select_option("failed")
        expect(page.get_by_text("100 reports, 100 not passed")).to_be_visible()
        page.get_by_label("On what").fill("flights@v30")
        expect(page.get_by_text("1 report, 1 not passed")).to_be_visible()
        page.get_by_label("On what").fill("planes")
        expect(page.get_by_text("No report is like this.")).to_be_visible()


def test_data_is_judged_by_a_line_that_is_shown_first(project: Path, browser: Browser) -> None:
    ml.data.save(pd.DataFrame({"a": [1, 20]}), "flights")
    (project / "strict.suite").write_text("a: between(0, 9)")
    with mounted(browser, "checks") as page:
        expect(page.get_by_text("%ml check data NAME")).to_be_visible()
        page.get_by_role("button", name="Judge…").click()
        page.get_by_label("What to judge").fill("flights")
        page.get_by_label("By what").select_option("strict.suite")
        page.get_by_role("button", name="Judge…").last.click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("%ml check data flights --suite strict.suite")
        assert ml.check.list() == []
        dialog.get_by_role("button", name="Judge", exact=True).click()
        expect(dialog).to_contain_text("1 failed", timeout=60_000)
        dialog.get_by_role("button", name="Close").click()
        expect(page.get_by_role("row", name="failed flights@v1")).to_be_visible(timeout=20_000)
        page.get_by_role("button", name="Judge…").first.click()
        page.get_by_label("What to judge").fill("../flights.csv")
        page.get_by_role("button", name="Judge…").last.click()
        expect(dialog).to_contain_text("is not a reference")


def test_a_report_is_reached_and_read_by_keys_alone(four: list[int], browser: Browser) -> None:
    with mounted(browser, "checks") as page:
        expect(page.get_by_role("row", name="flights@v4")).to_be_visible()
        page.get_by_role("grid", name="Reports").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="flights@v4")).to_be_visible()
        page.locator(".nbp-fold summary").first.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("This check over versions")).to_be_visible()


def test_nothing_that_a_person_can_write_is_run(project: Path, browser: Browser) -> None:
    for payload in PAYLOADS:
        numbers = reports(payload[:250])
    with mounted(browser, "checks") as page:
        expect(page.get_by_text(f"{len(PAYLOADS)} reports")).to_be_visible()
        page.get_by_role("grid", name="Reports").focus()
        for _ in PAYLOADS:
            page.keyboard.press("Enter")
            page.locator(".nbp-fold summary").first.click()
            expect(page.get_by_text("This check over versions").first).to_be_visible()
            page.get_by_role("grid", name="Reports").focus()
            page.keyboard.press("ArrowDown")
        page.get_by_label("Which reports").select_option("all")
        expect(page.get_by_text(f"{4 * len(PAYLOADS)} reports")).to_be_visible()
        page.get_by_label(f"select report {numbers[0]}").check()
        page.get_by_label(f"select report {numbers[2]}").check()
        page.get_by_role("button", name="Compare", exact=True).click()
        expect(page.get_by_text(f"%ml check diff {numbers[0]} {numbers[2]}")).to_be_visible()
        assert page.evaluate("executed") == 0
        assert page.locator(".nbp :is(script, img, iframe, object, embed, video, marquee)").count() == 0


@pytest.mark.parametrize("variables", [{}, DARK], ids=["light", "dark"])
def test_axe_finds_nothing_serious(four: list[int], browser: Browser, variables: dict[str, str]) -> None:
    with mounted(browser, "checks", variables=variables) as page:
        page.get_by_role("row", name="flights@v4").click()
        page.locator(".nbp-fold summary").first.click()
        expect(page.get_by_text("This check over versions")).to_be_visible()
        assert faults(page) == []
        page.get_by_role("button", name="Judge…").click()
        expect(page.get_by_label("What to judge")).to_be_visible()
        assert faults(page) == []


def test_a_narrow_panel_is_as_wide_as_its_place(four: list[int], browser: Browser) -> None:
    with mounted(browser, "checks", width=304) as page:
        page.get_by_role("row", name="flights@v4").click()
        page.locator(".nbp-fold summary").first.click()
        expect(page.get_by_text("This check over versions")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
