from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from nbmlops import ml
from nbmlops.jupyter.panels.panel import names
from nbmlops.jupyter.panels.protocol import answer
from nbmlops.workspace.current import workspace
from tests.browser.esm import DARK, PAYLOADS, faults, mounted


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
        expect(dialog).to_contain_text('%ml run note gbm-3 "holds on Sundays"')
        assert "note" not in ml.run.show("gbm-3").tags
        dialog.get_by_role("button", name="Write it").click()
        dialog.get_by_role("button", name="Close").click()
        assert ml.run.show("gbm-3").tags["note"] == "holds on Sundays"


def test_an_empty_workspace_says_what_to_type(project: Path, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        expect(page.get_by_text("%%ml run NAME")).to_be_visible()


def test_the_keyboard_alone_walks_selects_opens_and_closes(three: None, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        grid = page.get_by_role("grid", name="Runs")
        grid.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        expect(page.get_by_role("row", selected=True)).to_have_count(2)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="gbm-1")).to_be_visible()
        page.get_by_role("button", name="Close gbm-1").focus()
        page.keyboard.press("Escape")
        expect(grid).to_be_focused()
        expect(page.get_by_role("heading", name="gbm-1")).to_be_hidden()


def test_keys_are_the_panel_s_own_and_no_shortcuts_of_the_notebook(three: None, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        page.get_by_role("row", name="gbm-3").click()
        expect(page.get_by_role("heading", name="gbm-3")).to_be_visible()
        # JupyterLab asks the element that has the focus.
        keyed = "document.querySelectorAll('.nbp :is(button, input, select, textarea, summary, a, [tabindex])')"
        assert page.evaluate(f"{keyed}.length") > 20
        assert page.evaluate(f"[...{keyed}].every(one => one.hasAttribute('data-lm-suppress-shortcuts'))")


def test_tabs_of_all_panels_are_walked_with_the_arrows(three: None, browser: Browser) -> None:
    with mounted(browser, None) as page:
        tabs = page.get_by_role("tab")
        if len(names()) > 1:
            tabs.first.focus()
            page.keyboard.press("ArrowRight")
            expect(tabs.nth(1)).to_be_focused()
            expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
            page.keyboard.press("ArrowLeft")
        expect(page.get_by_role("grid", name="Runs")).to_be_visible()


def test_of_many_runs_only_those_in_sight_are_drawn_and_asked_for(project: Path, browser: Browser) -> None:
    for number in range(450):
        with ml.run("gbm", {"n": number}):
            pass
    with mounted(browser, "runs") as page:
        expect(page.get_by_text("450 runs")).to_be_visible()
        page.evaluate("document.querySelector('.nbp-grid').scrollTop = 1e9")
        expect(page.get_by_role("row", name="gbm-1 ").first).to_be_visible()
        assert page.locator(".nbp-row").count() < 60
        asked = [one["params"] for one in page.evaluate("window.sent") if one.get("ask") == "page"]
        assert len(asked) <= 2, "the pages between were passed over"
        page.get_by_role("grid").focus()
        page.keyboard.press("Home")
        expect(page.get_by_role("row").nth(1)).to_be_visible()


def test_a_run_that_goes_on_moves_the_table_and_its_page(three: None, browser: Browser) -> None:
    with ml.run("live") as run, mounted(browser, "runs") as page:
        page.get_by_role("row", name="live-1").click()
        expect(page.get_by_role("heading", name="live-1")).to_be_visible()
        run.log(auc=0.125)
        expect(page.get_by_role("row", name="live-1").first).to_contain_text("0.125", timeout=15_000)
        expect(page.get_by_role("table", name="Metrics")).to_contain_text("0.125", timeout=15_000)


def test_the_first_run_takes_the_place_of_what_to_type(project: Path, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        expect(page.get_by_text("%%ml run NAME")).to_be_visible()
        with ml.run("gbm", {"depth": 4}) as run:
            run.log(auc=0.5)
        expect(page.get_by_role("row", name="gbm-1")).to_contain_text("0.5", timeout=15_000)
        expect(page.get_by_role("columnheader", name="depth")).to_be_visible()


def test_two_panels_on_one_store_show_the_same(three: None, browser: Browser) -> None:
    with mounted(browser, "runs") as one, mounted(browser, "runs") as other:
        expect(one.get_by_text("3 runs")).to_be_visible()
        expect(other.get_by_text("3 runs")).to_be_visible()
        with ml.run("gbm"):
            pass
        for page in (one, other):
            expect(page.get_by_role("row").nth(1)).to_contain_text("gbm-4", timeout=15_000)


def test_a_store_that_goes_away_leaves_what_was_shown_and_what_was_selected(three: None, browser: Browser) -> None:
    catalog = workspace().catalog.path
    with mounted(browser, "runs") as page:
        page.get_by_label("select gbm-1").check()
        catalog.rename(catalog.with_suffix(".away"))
        retry = page.get_by_role("button", name="Try again")
        expect(retry).to_be_visible(timeout=20_000)
        expect(page.locator(".nbp-banner")).to_contain_text("is gone")
        expect(page.get_by_label("select gbm-1")).to_be_checked()
        catalog.with_suffix(".away").rename(catalog)
        retry.click()
        expect(page.locator(".nbp-banner")).to_be_hidden()
        expect(page.get_by_label("select gbm-1")).to_be_checked()


def test_a_store_that_goes_before_the_count_has_come_leaves_the_rows(three: None, browser: Browser) -> None:
    gone: list[bool] = []

    def through(message: Any) -> Any:
        if message.get("ask") == "outline" and not gone:
            gone.append(True)
        away = {"error": {"message": "the catalog is away", "hint": "wait"}}
        return away if gone == [True] else answer(workspace, message)

    with mounted(browser, "runs", through=through) as page:
        expect(page.locator(".nbp-banner")).to_contain_text("the catalog is away")
        expect(page.get_by_role("row", name="gbm-3")).to_be_visible()
        page.get_by_label("select gbm-1").check()
        gone.append(True)
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_text("3 runs", exact=True)).to_be_visible()
        expect(page.locator(".nbp-banner")).to_be_hidden()
        expect(page.get_by_label("select gbm-1")).to_be_checked()


def test_a_panel_that_could_not_be_drawn_is_drawn_when_the_store_is_back(three: None, browser: Browser) -> None:
    away = {"error": {"message": "the catalog is away", "hint": "wait"}}
    back: list[bool] = []
    with mounted(browser, "runs", through=lambda message: answer(workspace, message) if back else away) as page:
        expect(page.get_by_role("alert")).to_contain_text("the catalog is away")
        back.append(True)
        page.get_by_role("button", name="Try again").last.click()
        expect(page.get_by_role("row", name="gbm-3")).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)


def test_runs_that_come_while_one_is_far_down_are_all_found(project: Path, browser: Browser) -> None:
    for number in range(230):
        with ml.run("gbm", {"n": number}):
            pass
    with mounted(browser, "runs") as page:
        expect(page.get_by_text("230 runs")).to_be_visible()
        page.evaluate("document.querySelector('.nbp-grid').scrollTop = 1e9")
        expect(page.get_by_role("row", name="gbm-1 ").first).to_be_visible()
        for number in range(150):
            with ml.run("gbm", {"n": number}):
                pass
        expect(page.get_by_text("380 runs")).to_be_visible(timeout=20_000)
        seen: set[str] = set()
        for top in range(0, 380 * 28, 300):
            page.evaluate("top => document.querySelector('.nbp-grid').scrollTop = top", top)
            page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            page.wait_for_function("document.querySelector('.nbp-grid').getAttribute('aria-busy') === 'false'")
            page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            seen |= set(re.findall(r"gbm-\d+", " ".join(page.locator(".nbp-row:visible").all_inner_texts())))
        assert seen == {f"gbm-{number}" for number in range(1, 381)}


def test_a_line_that_takes_long_is_followed_in_a_process_of_its_own(three: None, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        page.get_by_role("row", name="gbm-3").click()
        page.get_by_role("button", name="Reproduce…").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("%ml reproduce gbm-3")
        dialog.get_by_role("button", name="Execute it again").click()
        expect(dialog.get_by_role("status").filter(has_text="ended with code 1")).to_be_visible(timeout=60_000)
        expect(dialog.get_by_label("What it prints")).to_contain_text("cannot be reproduced")
        assert "cannot" in ml.run.show("gbm-3").tags["reproduced"]


def test_columns_are_chosen(three: None, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        page.get_by_text("Columns").click()
        page.get_by_label("loss metrics").uncheck()
        expect(page.get_by_role("columnheader", name="loss")).to_have_count(0)
        expect(page.get_by_role("row", name="gbm-3")).to_contain_text("0.8")
        page.get_by_label("loss metrics").check()
        expect(page.get_by_role("columnheader", name="loss")).to_be_visible()


def test_a_line_for_a_cell_goes_to_the_host_or_to_the_clipboard(three: None, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        page.get_by_role("row", name="gbm-3").click()
        page.get_by_role("button", name="Insert line").click()
        expect(page.get_by_text("%ml run show gbm-3", exact=False).first).to_be_visible()
        page.evaluate(
            "document.addEventListener('nbmlops-insert', e => { inserted.push(e.detail.text); e.preventDefault() })"
        )
        page.get_by_role("button", name="Insert line").click()
        page.wait_for_function("inserted.length")
        assert page.evaluate("inserted") == ["%ml run show gbm-3"]


def test_nothing_that_a_person_can_write_is_run(project: Path, browser: Browser) -> None:
    for payload in PAYLOADS:
        with contextlib.suppress(ValueError), ml.run("gbm", {payload[:500]: payload, "p": payload}) as run:
            run.log({payload[:500]: 0.5, "q": 1})
            run.log({payload[:500]: 0.6, "q": 2})
            run.tag(note=payload, **{payload[:500]: payload})
            run.artifact(payload, f"{len(payload)}.txt", as_="text")
            raise ValueError(payload)
    with mounted(browser, "runs") as page:
        expect(page.get_by_text(f"{len(PAYLOADS)} runs")).to_be_visible()
        page.get_by_text("Columns").click()
        for place in range(0, len(PAYLOADS), 3):
            page.get_by_role("checkbox", name=re.compile("^select")).nth(place % 10).check(force=True)
            page.locator(".nbp-row:visible").nth(place % 10).click()
        page.get_by_role("button", name=re.compile("Compare")).click()
        expect(page.get_by_role("heading", name="runs compared")).to_be_visible()
        page.mouse.move(500, 300)
        assert page.evaluate("executed") == 0
        assert page.locator(".nbp :is(script, img, iframe, object, embed, video, marquee, form)").count() == 0


@pytest.mark.parametrize("variables", [{}, DARK], ids=["light", "dark"])
def test_axe_finds_nothing_serious(three: None, browser: Browser, variables: dict[str, str]) -> None:
    with mounted(browser, "runs", variables=variables) as page:
        page.get_by_label("select gbm-1").check()
        page.get_by_label("select gbm-3").check()
        assert faults(page) == []
        page.get_by_role("row", name="gbm-2").click()
        expect(page.get_by_role("heading", name="gbm-2")).to_be_visible()
        assert faults(page) == []
        page.get_by_role("button", name="Compare 2").click()
        expect(page.get_by_role("heading", name="2 runs compared")).to_be_visible()
        assert faults(page) == []
        page.get_by_label("Condition on runs").fill("metrics.")
        expect(page.get_by_role("alert")).to_be_visible()
        assert faults(page) == []


def test_a_narrow_panel_is_as_wide_as_its_place(three: None, browser: Browser) -> None:
    with mounted(browser, "runs", width=260) as page:
        page.get_by_role("row", name="gbm-3").click()
        expect(page.get_by_role("heading", name="gbm-3")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


CELL = """
const listeners = {};
window.model = {
  get: (name) => ({ panel: "runs" })[name],
  on: (name, f) => (listeners[name] ??= []).push(f), off: () => undefined,
  async send(content) {
    if (window.ended) return;
    const answer = await window.answerOf(content.message);
    (listeners["msg:custom"] ?? []).forEach((f) => f({ id: content.id, answer }));
  },
  trigger: (name) => (listeners[name] ?? []).forEach((f) => f()),
};
window.unmount();
window.unmount = anywidget.render({ model: window.model, el: document.getElementById("host") });
undefined;
"""


def test_below_a_cell_the_kernel_answers_and_one_that_ended_is_told(three: None, browser: Browser) -> None:
    with mounted(browser, "runs") as page:
        page.evaluate(CELL)
        expect(page.get_by_role("row", name="gbm-3")).to_be_visible()
        page.evaluate("model.trigger('comm_live_update')")  # lost for a moment, and back
        page.get_by_role("row", name="gbm-3").click()
        expect(page.get_by_role("heading", name="gbm-3")).to_be_visible()
        page.evaluate("window.ended = true; model.trigger('comm_live_update')")
        expect(page.locator(".nbp-banner")).to_contain_text("run %ml panel again", timeout=15_000)
        expect(page.get_by_role("row", name="gbm-3")).to_be_visible()


def test_below_a_cell_a_channel_that_closes_before_a_question_is_asked_again_is_told(
    three: None, browser: Browser
) -> None:
    with mounted(browser, "runs") as page:
        page.evaluate(CELL)
        expect(page.get_by_role("row", name="gbm-3")).to_be_visible()
        page.evaluate("""() => {
            const asked = new Set();
            model.send = ({ id }) => { if (asked.has(id)) throw new Error("Cannot send"); asked.add(id); };
        }""")
        page.get_by_role("row", name="gbm-3").click()
        expect(page.locator(".nbp-banner")).to_contain_text("run %ml panel again")
