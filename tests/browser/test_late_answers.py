"""Answers that come late or not at all: what somebody has opened or closed since stays so."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from nbmlops import ml
from tests.browser.esm import mounted


@pytest.fixture
def three(project: Path) -> None:
    for depth in (2, 3, 4):
        with ml.run("gbm", {"depth": depth}) as run:
            run.log(auc=0.5 + depth / 10)


LATE = """([late, gone]) => {
    const now = window.answerOf;
    window.held = new Promise((done) => { window.free = done; });
    window.answerOf = async (message) => {
        if (message.act === late && !message.dry) await window.held;
        if (message.apart && !message.stop && window.failures++ < gone) throw new Error("the network is away");
        if (message.stop) throw new Error("it cannot be stopped now");
        return now(message);
    };
    window.failures = 0;
}"""


def test_an_action_that_is_closed_while_it_runs_tells_later_what_came_of_it(three: None, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        page.evaluate(LATE, ["note", 0])
        page.get_by_role("row", name="gbm-3").click()
        page.get_by_role("button", name="Note…").click()
        page.get_by_label("Note of gbm-3", exact=True).fill("late")
        page.get_by_role("button", name="Continue").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Write it").click()
        expect(dialog).to_contain_text("It goes on when this is closed")
        expect(dialog.get_by_role("button", name="Cancel")).to_have_count(0)
        dialog.get_by_role("button", name="Close").click()
        expect(dialog).to_have_count(0)
        page.evaluate("free()")
        expect(page.locator(".nbp-notice")).to_contain_text("%ml run note gbm-3 late: ")
        assert ml.run.show("gbm-3").tags["note"] == "late"


def test_a_run_opened_later_is_not_replaced_by_one_asked_for_before(three: None, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        page.evaluate("""() => {
            const now = window.answerOf;
            const held = new Promise((done) => { window.free = done; });
            window.answerOf = async (message) => {
                const answer = await now(message);
                if (message.ask === "run" && message.params.ref === "gbm-1") { await held; window.late = answer.ok.id; }
                if (message.ask === "curves" && message.params.ref === window.late) window.freed = true;
                return answer;
            };
        }""")
        page.get_by_role("row", name="gbm-1").click()
        page.get_by_role("row", name="gbm-3").click()
        expect(page.get_by_role("heading", name="gbm-3")).to_be_visible()
        page.evaluate("free()")
        page.wait_for_function("window.freed")
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        expect(page.get_by_role("heading", name="gbm-3")).to_be_visible()


def test_a_line_is_followed_on_when_one_answer_fails_and_a_stop_that_fails_says_so(
    three: None, browser: Browser
) -> None:
    with mounted(browser, "runs") as page:
        page.get_by_role("row", name="gbm-3").click()
        page.get_by_role("button", name="Reproduce…").click()
        dialog = page.get_by_role("dialog")
        page.evaluate(LATE, ["nothing", 1])
        dialog.get_by_role("button", name="Execute it again").click()
        expect(dialog).to_contain_text("the network is away")
        dialog.get_by_role("button", name="Stop").click()
        expect(dialog).to_contain_text("it cannot be stopped now")
        expect(dialog.get_by_role("status").filter(has_text="ended with code 1")).to_be_visible(timeout=60_000)
        expect(dialog.get_by_role("button", name="Stop")).to_have_count(0)
