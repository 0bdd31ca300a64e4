from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from nbmlops import ml
from nbmlops.core.errors import StepFailedError
from nbmlops.workspace.current import forget
from tests.browser.esm import DARK, PAYLOADS, faults, mounted
from tests.jupyter.panels.filled import sums
from tests.pipelines.project import RAW, write

SLOW = 60_000
"""Milliseconds for what starts a kernel."""

WAITS = "import time\nprint('now', flush=True)\ntime.sleep(rows)"


@pytest.fixture
def project(folder: Path) -> Iterator[Path]:
    """The current folder, a workspace with the pipeline ``sums``."""
    sums(folder)
    yield folder
    forget()


def failing(project: Path) -> None:
    """A run of ``sums`` that went well, and one whose second step fails."""
    ml.pipeline.run("sums")
    write(
        project / "notebooks" / "2_sum.ipynb", "factor: int = 0", 'ml.data.load("raw")', 'print("so far")\n1 / factor'
    )
    with pytest.raises(StepFailedError):
        ml.pipeline.run("sums")


def test_the_graph_shows_the_last_run_and_a_step_what_its_cells_said(project: Path, browser: Browser) -> None:
    failing(project)
    with mounted(browser, "pipelines") as page:
        first, second = (page.locator(f'[data-step="{name}"]') for name in ("1_make", "2_sum"))
        expect(first).to_have_attribute("aria-label", "1_make: skipped")
        expect(second).to_have_attribute("aria-label", re.compile("2_sum: failed after"))
        expect(page.get_by_text("failed at cell 5: ZeroDivisionError")).to_be_visible()
        first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="2_sum")).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("ZeroDivisionError: division by zero")
        expect(page.locator(".nbp-cell-failed")).to_contain_text("so far")
        page.get_by_role("button", name="Why?").click()
        expect(page.get_by_text("its code is another than that of 2_sum-1")).to_be_visible()
        page.get_by_role("tab", name="Runs").click()
        page.get_by_role("row", name="sums-1").click()
        expect(second).to_have_attribute("aria-label", re.compile("2_sum: completed in"))
        page.get_by_role("button", name="Newest run").click()
        expect(second).to_have_attribute("aria-label", re.compile("failed"))


def test_a_run_is_asked_for_by_a_form_followed_and_stopped(project: Path, browser: Browser) -> None:
    write(
        project / "notebooks" / "1_make.ipynb",
        "rows: int = 10",
        RAW,
        "import time\nprint('now', flush=True)\ntime.sleep(rows)",
    )
    with mounted(browser, "pipelines") as page:
        page.get_by_role("button", name="Run…").click()
        run = page.get_by_role("button", name="Run…").last
        page.get_by_label("rows").fill("many")
        expect(page.get_by_text("expects int, not 'many'")).to_be_visible()
        expect(run).to_be_disabled()
        page.get_by_label("rows").fill("60")
        expect(page.get_by_text("%ml pipeline run sums -p rows=60")).to_be_visible()
        run.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Run", exact=True).click()
        expect(dialog).to_contain_text("it goes on when this is closed")
        dialog.get_by_role("button", name="Close").click()
        first = page.locator('[data-step="1_make"]')
        expect(first).to_have_attribute("aria-label", re.compile("1_make: cell 6, "), timeout=SLOW)
        expect(page.locator('[data-step="2_sum"]')).to_have_attribute("aria-label", "2_sum: waiting")
        first.click()
        expect(page.locator(".nbp-cell-running")).to_contain_text("now")
        page.get_by_role("button", name="Stop…").click()
        expect(dialog).to_contain_text("%ml pipeline stop sums-1")
        dialog.get_by_role("button", name="Stop it").click()
        dialog.get_by_role("button", name="Close").click()
        expect(first).to_have_attribute("aria-label", re.compile("1_make: cancelled"), timeout=SLOW)
        expect(page.get_by_text("was stopped by")).to_be_visible()
        write(project / "notebooks" / "1_make.ipynb", "rows: int = 10", RAW)
        page.get_by_role("button", name="Resume…").click()
        dialog.get_by_role("button", name="Go on with it").click()
        expect(dialog).to_contain_text("done", timeout=SLOW)
        dialog.get_by_role("button", name="Close").click()
        expect(page.locator('[data-step="2_sum"]')).to_have_attribute(
            "aria-label", re.compile("completed"), timeout=SLOW
        )
    assert ml.run.show("sums-2").status == "finished"


def test_run_now_has_what_the_schedule_gives_and_a_default_of_two_lines_is_left(
    project: Path, browser: Browser
) -> None:
    write(project / "notebooks" / "1_make.ipynb", "rows: int = 10\nfull: bool = True\nwhere: str = 'a\\nb'", RAW)
    ml.schedule.add("sums@working", "0 6 * * *", {"full": "false", "rows": 5})
    with mounted(browser, "pipelines") as page:
        page.get_by_role("tab", name="Schedules").click()
        page.get_by_role("button", name="Run now…").click()
        expect(page.get_by_label("full")).to_have_value("False")
        expect(page.get_by_label("where")).to_have_value("a\nb")
        expect(page.get_by_text("%ml pipeline run sums -p rows=5 -p full=False", exact=True)).to_be_visible()
        page.get_by_label("where").fill("a\nc")
        expect(page.get_by_text("a line holds no line break")).to_be_visible()
        page.get_by_label("where").fill("a")
        expect(page.get_by_text("-p where=a")).to_be_visible()
        page.get_by_label("rows").press("Enter")
        expect(page.get_by_role("dialog")).to_contain_text("-p where=a")


def test_nothing_of_a_pipeline_stays_when_another_is_chosen(project: Path, browser: Browser) -> None:
    write(project / "notebooks" / "alone.ipynb", "n: int = 1")
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text() + '\nother = ["notebooks/alone.ipynb"]\n')
    forget()
    ml.pipeline.run("sums")
    with mounted(browser, "pipelines") as page:
        page.get_by_label("Pipeline", exact=True).select_option("sums")
        page.locator('[data-step="1_make"]').click()
        expect(page.get_by_role("heading", name="1_make")).to_be_visible()
        page.get_by_label("Pipeline", exact=True).select_option("other")
        expect(page.get_by_text("not run yet")).to_be_visible()
        ml.run.note("sums-1", "the store changes")
        page.wait_for_function(
            "window.sent.filter((one) => one.params?.name === 'other' && one.ask === 'graph').length > 1"
        )
        expect(page.get_by_role("heading", name="1_make")).to_have_count(0)
        page.locator('[data-step="alone"]').click()
        expect(page.get_by_role("heading", name="alone")).to_be_visible()


def test_an_answer_that_comes_late_takes_no_form_away(project: Path, browser: Browser) -> None:
    ml.pipeline.run("sums")
    with mounted(browser, "pipelines") as page:
        expect(page.locator('[data-step="1_make"]')).to_have_attribute("aria-label", re.compile("completed"))
        page.evaluate("""() => {
            const now = window.answerOf;
            window.late = new Promise((done) => { window.free = done; });
            window.answerOf = async (message) => {
                if (message.ask === "why") await window.late;
                const answer = await now(message);
                if (message.ask === "output") window.freed = true;
                return answer;
            };
        }""")
        page.locator('[data-step="1_make"]').click()
        page.get_by_role("button", name="Run…").first.click()
        page.get_by_label("rows").fill("12")
        page.evaluate("window.free()")
        page.wait_for_function("window.freed")
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        expect(page.get_by_text("%ml pipeline run sums -p rows=12")).to_be_visible()
        expect(page.get_by_label("rows")).to_have_value("12")


def test_parts_of_a_step_that_runs_for_some_values_are_one_box(project: Path, browser: Browser) -> None:
    ml.pipeline.run("sums", for_={"rows": [1, 2, 3]}, steps=["1_make"])
    with mounted(browser, "pipelines") as page:
        first = page.locator('[data-step="1_make"]')
        expect(first).to_have_attribute("aria-label", "1_make: 3 parts: 3 completed")
        first.click()
        page.get_by_role("button", name="completed [rows=2]").click()
        expect(page.get_by_role("heading", name="1_make[rows=2]")).to_be_visible()
        page.get_by_role("button", name="All 3 parts").click()
        expect(page.get_by_role("heading", name="3 parts")).to_be_visible()


def test_two_hundred_steps_are_drawn_and_reached_by_keys(project: Path, browser: Browser) -> None:
    for number in range(200):
        before = f'ml.data.load("t{(number - 1) // 3}")\n' if number else ""
        write(project / "notebooks" / f"s{number:03}.ipynb", "n: int = 1", f'{before}ml.data.save(n, "t{number}")')
    (project / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\nmany = ["notebooks/s*.ipynb"]\n')
    forget()
    with mounted(browser, "pipelines") as page:
        expect(page.locator(".nbp-step")).to_have_count(200, timeout=SLOW)
        page.locator('[data-step="s000"]').focus()
        page.keyboard.press("End")
        expect(page.locator('[data-step="s199"]')).to_be_focused()
        expect(page.locator('[data-step="s199"]')).to_be_in_viewport()
        places = page.eval_on_selector_all(".nbp-step", "all => all.map((one) => one.getAttribute('transform'))")
        assert len(set(places)) == 200, "no two stand at one place"


def test_a_schedule_tells_its_next_times_and_is_paused(project: Path, browser: Browser) -> None:
    with mounted(browser, "pipelines") as page:
        page.get_by_role("tab", name="Schedules").click()
        page.get_by_label("Cron line").fill("0 6 * * *")
        page.get_by_label("Time zone").fill("Europe/Berlin")
        page.get_by_label("Time zone").press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text('%ml schedule add --tz=Europe/Berlin sums@working "0 6 * * *"')
        dialog.get_by_role("button", name="Add it").click()
        dialog.get_by_role("button", name="Close").click()
        card = page.get_by_role("region", name="Schedule sums")
        expect(card.get_by_role("list").get_by_role("listitem")).to_have_text([re.compile(" 06:00")] * 5)
        card.get_by_role("button", name="Pause…").click()
        dialog.get_by_role("button", name="Pause").click()
        dialog.get_by_role("button", name="Close").click()
        expect(card).to_contain_text("paused")
        expect(card.get_by_role("listitem")).to_have_count(0)
        assert ml.schedule.show("sums").paused_at is not None
        card.get_by_role("button", name="Run now…").click()
        expect(page.get_by_role("heading", name="Run sums")).to_be_visible()


def test_a_refusal_says_why_and_what_waits_is_approved(
    project: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    ml.pipeline.promote("sums")
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text() + "\n[tool.nbmlops.approvals.pipeline.sums]\nproduction = 1\n")
    write(project / "notebooks" / "1_make.ipynb", "rows: int = 11", RAW)
    ml.pipeline.promote("sums", message="more rows")
    with mounted(browser, "pipelines") as page:
        page.get_by_role("button", name="Approve…").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("%ml pipeline approve sums@v2 --to production")
        dialog.get_by_role("button", name="Approve").click()
        expect(dialog.get_by_role("alert")).to_contain_text("asked")
        dialog.get_by_role("button", name="Cancel").click()
        monkeypatch.setenv("NBMLOPS_USER", "somebody else")
        page.get_by_role("button", name="Approve…").click()
        dialog.get_by_role("button", name="Approve").click()
        dialog.get_by_role("button", name="Close").click()
        expect(page.get_by_role("button", name="Approve…")).to_have_count(0)
        page.get_by_role("tab", name="Frozen").click()
        newest = page.get_by_role("region", name="Version sums@v2")
        expect(newest.locator(".nbp-alias")).to_have_text("production")
        newest.get_by_role("button", name="Roll production back…").click()
        dialog.get_by_role("button", name="Roll back").click()
        dialog.get_by_role("button", name="Close").click()
        expect(page.get_by_role("region", name="Version sums@v1").locator(".nbp-alias")).to_have_text("production")
        write(
            project / "notebooks" / "2_sum.ipynb", "factor: int = 2", 'ml.data.load("raw")\nopen("/etc/hosts").read()'
        )
        page.get_by_role("button", name="Promote…").first.click()
        page.get_by_label("Message").fill("now")
        page.get_by_label("Message").press("Enter")
        expect(dialog).to_contain_text("%ml pipeline promote sums --to production -m now")
        dialog.get_by_role("button", name="Promote", exact=True).click()
        expect(dialog).to_contain_text("/etc/hosts", timeout=SLOW)
        expect(dialog).to_contain_text("ended with code 2", timeout=SLOW)
    assert ml.pipeline.list()[0].aliases == {"production": "sums@v1"}


def test_without_a_pipeline_it_says_what_to_write(folder: Path, browser: Browser) -> None:
    ml.init()
    with mounted(browser, "pipelines") as page:
        expect(page.get_by_text("[tool.nbmlops.pipelines]")).to_be_visible()
    forget()


def test_what_is_only_frozen_any_more_is_drawn_as_it_is_frozen(project: Path, browser: Browser) -> None:
    ml.pipeline.promote("sums")
    (project / "pyproject.toml").write_text("")
    forget()
    with mounted(browser, "pipelines") as page:
        expect(page.locator(".nbp-step")).to_have_count(2)
        page.get_by_role("button", name="Run…").click()
        expect(page.get_by_text("%ml pipeline run sums@v1")).to_be_visible()


def test_a_graph_that_cannot_be_drawn_says_why(project: Path, browser: Browser) -> None:
    write(project / "notebooks" / "2_sum.ipynb", "factor: int = 2", 'ml.data.load("nothing")')
    with mounted(browser, "pipelines") as page:
        expect(page.get_by_role("alert")).to_contain_text("reads data nothing")


def test_a_graph_stays_beside_the_reason_why_it_cannot_be_read_again(project: Path, browser: Browser) -> None:
    sums = project / "notebooks" / "2_sum.ipynb"
    as_it_was = sums.read_bytes()
    with mounted(browser, "pipelines") as page:
        steps, wrong = page.locator(".nbp-step"), page.get_by_role("alert")
        expect(steps).to_have_count(2)
        write(sums, "factor: int = 2", 'ml.data.load("nothing")')
        with ml.run("beside"):
            pass
        expect(wrong).to_contain_text("reads data nothing", timeout=SLOW)
        expect(steps.first).to_be_visible()
        expect(steps).to_have_count(2)
        sums.write_bytes(as_it_was)
        with ml.run("beside"):
            pass
        expect(wrong).to_have_count(0, timeout=SLOW)
        expect(steps.first).to_be_visible()


def test_nothing_that_a_person_can_write_is_run(project: Path, browser: Browser) -> None:
    hostile = [payload.replace("/", "")[:120] for payload in PAYLOADS]
    for number, payload in enumerate(hostile):
        write(project / "notebooks" / f"{number}{payload}.ipynb", f"p{number}: str = {payload!r}", "1")
    says = f"print({PAYLOADS!r})\nraise ValueError({PAYLOADS!r})"
    write(project / "notebooks" / "1_make.ipynb", "rows: int = 10\ntext: str = ''", RAW, says)
    with pytest.raises(StepFailedError):
        ml.pipeline.run("sums", {"text": PAYLOADS[1]}, steps=["1_make"])
    ml.schedule.add("sums@working", "0 6 * * *", {"p1": PAYLOADS[1]})
    with mounted(browser, "pipelines") as page:
        expect(page.locator(".nbp-step")).to_have_count(len(hostile) + 2)
        for name in ("1_make", f"1{hostile[1]}"):
            page.locator(".nbp-step").filter(has=page.locator("title", has_text=name)).first.dispatch_event("click")
            expect(page.get_by_role("heading", name=name)).to_be_visible()
        page.get_by_role("button", name="What would run?").click()
        expect(page.get_by_role("heading", name="What would run now")).to_be_visible()
        page.get_by_role("button", name="Run…").first.click()
        page.get_by_label("p2", exact=False).first.fill(PAYLOADS[2])
        for tab in ("Runs", "Schedules", "Frozen"):
            page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel", name="Frozen")).to_be_visible()
        assert page.evaluate("executed") == 0
        assert page.locator(".nbp :is(script, img, iframe, object, embed, video, marquee)").count() == 0


@pytest.mark.parametrize("variables", [{}, DARK], ids=["light", "dark"])
def test_axe_finds_nothing_serious(project: Path, browser: Browser, variables: dict[str, str]) -> None:
    failing(project)
    ml.schedule.add("sums@working", "0 6 * * *")
    with mounted(browser, "pipelines", variables=variables) as page:
        page.locator('[data-step="2_sum"]').click()
        expect(page.get_by_role("heading", name="2_sum")).to_be_visible()
        assert faults(page) == []
        page.get_by_role("button", name="Run…").first.click()
        page.get_by_label("factor").fill("many")
        expect(page.get_by_text("expects int, not 'many'")).to_be_visible()
        assert faults(page) == []
        for tab in ("Runs", "Schedules", "Frozen"):
            page.get_by_role("tab", name=tab).click()
            assert faults(page) == []
        page.get_by_role("button", name="Promote…").click()
        assert faults(page) == []


def test_a_narrow_panel_is_as_wide_as_its_place(project: Path, browser: Browser) -> None:
    failing(project)
    with mounted(browser, "pipelines", width=304) as page:
        page.locator('[data-step="2_sum"]').click()
        expect(page.get_by_role("heading", name="2_sum")).to_be_in_viewport()
        for tab in ("Runs", "Schedules", "Frozen", "Graph"):
            page.get_by_role("tab", name=tab).click()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
