from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from nbmlops import ml
from tests.browser.esm import DARK, PAYLOADS, faults, mounted
from tests.browser.windows import picture
from tests.jupyter.panels.filled import watched
from tests.monitoring.conftest import Traffic

TABS = ("Alerts", "Monitors", "Traffic", "Story", "Score")


@pytest.fixture
def traffic(project: Path) -> Traffic:
    return watched()


def show(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def test_an_alert_stands_with_its_evidence_and_what_to_type(traffic: Traffic, browser: Browser) -> None:
    with mounted(browser, "monitor") as page:
        alert = page.get_by_role("region", name="Alert: delay")
        expect(alert).to_contain_text("x drift")
        expect(alert).to_contain_text("ask ann")
        expect(alert).to_contain_text(f"%ml check show {ml.monitor.show('moved').report}")
        expect(alert).to_contain_text("%ml deployment split --off delay")
        expect(page.get_by_text("failing: moved")).to_be_visible()
        expect(page.get_by_text("answered by challenger 10 %, production 90 %")).to_be_visible()
        alert.get_by_role("button", name="Silence…").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("%ml monitor silence moved 2h")
        assert ml.monitor.show("moved").silent_until is None
        dialog.get_by_role("button", name="Silence", exact=True).click()
        expect(dialog.get_by_role("button", name="Close")).to_be_visible()
        dialog.get_by_role("button", name="Close").click()
        expect(alert).to_contain_text("silent until", timeout=20_000)
        assert ml.monitor.show("moved").silent_until is not None


def test_an_alert_goes_when_its_monitor_is_well_again(traffic: Traffic, browser: Browser) -> None:
    with mounted(browser, "monitor") as page:
        expect(page.get_by_role("region", name="Alert: delay")).to_be_visible()
        ml.monitor.delete("moved")
        expect(page.get_by_text("None of 1 monitor fails.")).to_be_visible(timeout=20_000)


def test_a_monitor_is_opened_by_keys_and_shows_its_figures_over_time(traffic: Traffic, browser: Browser) -> None:
    with mounted(browser, "monitor") as page:
        show(page, "Monitors")
        expect(page.get_by_role("row", name="failed moved")).to_be_visible()
        page.get_by_role("grid", name="Monitors").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="moved")).to_be_visible()
        expect(page.get_by_role("img", name="2 looks, 1 failed; the last failed")).to_be_visible()
        expect(page.get_by_role("img", name="x drift: ")).to_be_visible()
        page.get_by_text("As a table").first.click()
        expect(page.get_by_role("group", name="x drift over time").get_by_role("row")).to_have_count(3)
        page.get_by_role("button", name="Pause…").click()
        page.get_by_role("dialog").get_by_role("button", name="Pause", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Close").click()
        expect(page.get_by_role("row", name="paused moved")).to_be_visible(timeout=20_000)


def test_traffic_is_told_by_version_and_hour(traffic: Traffic, browser: Browser) -> None:
    with mounted(browser, "monitor") as page:
        show(page, "Traffic")
        expect(page.get_by_role("group", name="Traffic by version").get_by_role("row", name="v1")).to_contain_text(
            "600"
        )
        for label in ("Requests per hour", "Milliseconds in which 95 %", "Refused or failed"):
            expect(page.get_by_role("img", name=label)).to_be_visible()
        page.get_by_label("How far back").select_option("7")
        expect(page.get_by_role("group", name="Traffic by version")).to_contain_text("600")


def test_the_story_is_drawn_and_told(traffic: Traffic, browser: Browser) -> None:
    with mounted(browser, "monitor") as page:
        show(page, "Story")
        drawing = page.get_by_role("img", name="what happened to delay over time")
        expect(drawing).to_be_visible()
        assert drawing.locator(".nbp-mood-bad").count() == 1
        told = page.get_by_role("group", name="Moments, the newest first").get_by_role("row")
        expect(told.nth(1)).to_contain_text("monitor moved failed")
        expect(page.get_by_text("%ml story delay")).to_be_visible()


def test_the_score_is_a_sheet_of_four_sections(traffic: Traffic, browser: Browser) -> None:
    with mounted(browser, "monitor") as page:
        show(page, "Score")
        expect(page.get_by_text("ML Test Score of delay@v1")).to_be_visible(timeout=20_000)
        expect(page.get_by_role("group", name="Monitoring").get_by_role("row")).to_have_count(8)


def test_an_empty_workspace_says_what_to_type(project: Path, browser: Browser) -> None:
    with mounted(browser, "monitor") as page:
        expect(page.get_by_text("%ml model save ESTIMATOR NAME")).to_be_visible()


def test_nothing_that_a_person_can_write_is_run(project: Path, browser: Browser) -> None:
    watched(owner="".join(PAYLOADS)[:250], message="\n".join(PAYLOADS[:-1]))
    with mounted(browser, "monitor") as page:
        expect(page.get_by_role("region", name="Alert: delay")).to_contain_text("<script>executed++")
        show(page, "Monitors")
        page.get_by_role("row", name="failed moved").click()
        expect(page.get_by_role("heading", name="moved")).to_be_visible()
        show(page, "Traffic")
        expect(page.get_by_role("group", name="Traffic by version")).to_be_visible()
        show(page, "Story")
        expect(page.get_by_role("group", name="Moments, the newest first")).to_contain_text("executed++")
        assert page.evaluate("executed") == 0
        assert page.locator(".nbp :is(script, img, iframe, object, embed, video, marquee)").count() == 0


@pytest.mark.parametrize("variables", [{}, DARK], ids=["light", "dark"])
def test_axe_finds_nothing_serious_and_a_narrow_panel_is_as_wide_as_its_place(
    traffic: Traffic, browser: Browser, variables: dict[str, str]
) -> None:
    with mounted(browser, "monitor", variables=variables, width=304 if variables else 1100) as page:
        for name in TABS:
            show(page, name)
            page.wait_for_timeout(300)
            if name == "Monitors":
                page.get_by_role("row", name="failed moved").click()
                expect(page.get_by_role("heading", name="moved")).to_be_visible()
            picture(page, f"monitor-{name}-{'dark' if variables else 'light'}")
            assert faults(page) == [], name
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
