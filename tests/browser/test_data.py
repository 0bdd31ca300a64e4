"""The panel of data in Chromium, on real answers of Python, without Jupyter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Connection, insert, select

from nbmlops import ml
from nbmlops.store import schema
from nbmlops.workspace.current import workspace
from tests.browser.esm import DARK, PAYLOADS, faults, mounted


def frame(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"delay": np.arange(rows) / 2, "carrier": np.resize(["UA", "AA", "UA", "B6"], rows)})


@pytest.fixture
def flights(project: Path) -> None:
    ml.data.save(frame(4), "flights", message="first", tags={"region": "NYC"})
    ml.data.save(frame(6), "flights", message="second")
    ml.data.save(frame(8), "flights", message="third")
    ml.data.load("flights@v3")
    ml.data.save(frame(3), "late_ones")


def opened(page: Page, name: str = "flights") -> None:
    page.get_by_role("grid", name="Data", exact=True).get_by_text(name, exact=True).click()
    expect(page.get_by_role("tab", name="Overview")).to_be_visible()


def row(page: Page, version: str) -> None:
    """Open a version by its row."""
    page.get_by_role("grid", name="Versions of flights").get_by_text(version, exact=True).click()
    expect(page.get_by_role("heading", name=f"flights@{version}")).to_be_visible()


def test_a_name_leads_to_its_versions_and_to_the_newest_of_them(flights: None, browser: Browser) -> None:
    with mounted(browser, "data") as page:
        expect(page.get_by_text("2 names")).to_be_visible()
        opened(page)
        expect(page.get_by_text("3 versions")).to_be_visible()
        expect(page.get_by_role("table", name="Facts of flights@v3")).to_contain_text("8 rows, 2 columns")
        row(page, "v1")
        expect(page.get_by_role("table", name="Facts of flights@v1")).to_contain_text("region=NYC")
        page.get_by_role("button", name="All names").click()
        expect(page.get_by_text("2 names")).to_be_visible()


def test_names_are_found_by_name_message_and_tag(flights: None, browser: Browser) -> None:
    with mounted(browser, "data") as page:
        field = page.get_by_label("Find data by name, message or tag")
        field.fill("LATE")
        expect(page.get_by_text("1 of 2 names")).to_be_visible()
        field.fill("nothing like it")
        expect(page.get_by_text("No name, message or tag has that in it.")).to_be_visible()
        field.fill("third")
        expect(page.get_by_role("row", name="flights v3")).to_be_visible()


def test_the_keyboard_alone_opens_a_name_and_a_version(flights: None, browser: Browser) -> None:
    with mounted(browser, "data") as page:
        page.get_by_role("grid", name="Data", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="flights@v3")).to_be_visible()
        page.get_by_role("grid", name="Versions of flights").focus()
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="flights@v1")).to_be_visible()


def test_the_line_that_loads_a_version_is_handed_to_the_notebook(flights: None, browser: Browser) -> None:
    with mounted(browser, "data") as page:
        page.evaluate(
            "document.addEventListener('nbmlops-insert', (event) => {"
            " window.inserted.push(event.detail.text); event.preventDefault(); })"
        )
        opened(page)
        row(page, "v2")
        page.get_by_role("button", name="Load into notebook").click()
        page.wait_for_function("window.inserted.length === 1")
        assert page.evaluate("window.inserted") == ["df = %ml data load flights@v2"]


def test_a_tag_is_put_on_and_taken_off_and_its_line_is_shown_before(flights: None, browser: Browser) -> None:
    with mounted(browser, "data") as page:
        opened(page)
        page.get_by_role("button", name="Tag…").click()
        page.get_by_label("key", exact=True).fill("owner")
        page.get_by_label("value", exact=True).fill("ann")
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("%ml data tag flights@v3 owner=ann")
        assert ml.data.show("flights@v3").tags == {}
        dialog.get_by_role("button", name="Run").click()
        dialog.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Take off owner=ann").click()
        assert ml.data.show("flights@v3").tags == {"owner": "ann"}
        page.get_by_role("dialog").get_by_role("button", name="Take it off").click()
        page.get_by_role("dialog").get_by_role("button", name="Close").click()
        expect(page.get_by_role("button", name="Take off owner=ann")).to_have_count(0)
        assert ml.data.show("flights@v3").tags == {}


def test_what_is_deleted_goes_from_the_list_and_can_be_restored(flights: None, browser: Browser) -> None:
    with mounted(browser, "data") as page:
        opened(page)
        row(page, "v1")
        page.get_by_role("button", name="Delete…", exact=True).click()
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Close").click()
        expect(page.get_by_text("2 versions")).to_be_visible()
        page.get_by_role("button", name="All names").click()
        page.get_by_role("button", name="Deleted").click()
        page.get_by_text("flights@v1").click()
        page.get_by_role("dialog").get_by_role("button", name="Restore").click()
        page.get_by_role("dialog").get_by_role("button", name="Close").click()
        expect(page.get_by_text("Nothing is deleted that could be restored.")).to_be_visible()
        assert ml.data.show("flights@v1").rows == 4


def test_a_refusal_is_shown_with_its_reason_and_what_to_do(flights: None, browser: Browser) -> None:
    ml.data.alias("flights@v3", "golden")
    with mounted(browser, "data") as page:
        opened(page)
        page.get_by_role("button", name="Delete…", exact=True).click()
        page.get_by_role("button", name="Continue").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Delete", exact=True).click()
        expect(dialog.get_by_role("alert")).to_contain_text("cannot be deleted")
        expect(dialog.get_by_role("alert")).to_contain_text("hint")
        assert ml.data.show("flights@v3").deleted_at is None


def test_two_versions_that_are_ticked_are_compared_the_older_first(flights: None, browser: Browser) -> None:
    with mounted(browser, "data") as page:
        opened(page)
        page.get_by_label("select flights@v3").check()
        expect(page.get_by_role("button", name="Compare")).to_be_disabled()
        page.get_by_label("select flights@v1").check()
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_role("heading", name="flights@v1 and flights@v3")).to_be_visible()
        expect(page.get_by_role("group", name="From flights@v1 to flights@v3")).to_contain_text("4 → 8 rows")
        expect(page.get_by_text("%ml data diff flights@v1 flights@v3")).to_be_visible()


def test_columns_are_charted_once_a_profile_is_made(flights: None, browser: Browser) -> None:
    with mounted(browser, "data") as page:
        opened(page)
        page.get_by_role("tab", name="Columns").click()
        grid = page.get_by_role("grid", name="Columns of flights@v3")
        expect(grid.get_by_text("carrier", exact=True)).to_be_visible()
        page.get_by_role("button", name="Profile…").click()
        page.get_by_role("dialog").get_by_role("button", name="Profile", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Close").click()
        expect(grid.get_by_role("img", name="carrier: UA: 4, AA: 2, B6: 2")).to_be_visible()
        grid.get_by_text("delay", exact=True).click()
        expect(page.get_by_role("region", name="Column delay")).to_contain_text("3.5")


def test_a_lineage_leads_from_a_version_to_what_it_came_from(flights: None, browser: Browser) -> None:
    with mounted(browser, "data") as page:
        opened(page, "late_ones")
        page.get_by_role("tab", name="Lineage").click()
        source = page.get_by_role("button", name="flights@v3")
        source.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="flights@v3")).to_be_visible()


def test_what_is_saved_elsewhere_appears_and_the_place_is_kept(flights: None, browser: Browser) -> None:
    with mounted(browser, "data") as page:
        opened(page)
        row(page, "v2")
        page.get_by_label("select flights@v1").check()
        ml.data.save(frame(9), "flights", message="from elsewhere")
        expect(page.get_by_text("from elsewhere")).to_be_visible()
        expect(page.get_by_role("heading", name="flights@v2")).to_be_visible()
        expect(page.get_by_label("select flights@v1")).to_be_checked()


def test_a_name_that_was_renamed_elsewhere_leads_back_to_all_names(flights: None, browser: Browser) -> None:
    with mounted(browser, "data") as page:
        opened(page)
        ml.data.rename("flights", "trips")
        expect(page.get_by_role("alert")).to_contain_text("no data named 'flights'")
        expect(page.get_by_role("grid", name="Data", exact=True)).to_contain_text("trips")


def test_a_list_read_again_does_not_come_back_after_somebody_has_gone_on(flights: None, browser: Browser) -> None:
    with mounted(browser, "data") as page:
        expect(page.get_by_text("2 names")).to_be_visible()
        page.evaluate("""() => {
            const now = window.answerOf;
            const held = new Promise((done) => { window.free = done; });
            window.answerOf = async (message) => {
                const answer = await now(message);
                if (message.ask === "names") { window.waits = true; await held; window.freed = true; }
                return answer;
            };
        }""")
        ml.data.save(frame(2), "more")
        page.wait_for_function("window.waits")
        opened(page)
        page.evaluate("free()")
        page.wait_for_function("window.freed")
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        expect(page.get_by_text("3 versions")).to_be_visible()
        expect(page.get_by_role("grid", name="Versions of flights")).to_be_visible()


def test_markup_in_every_text_is_shown_and_never_run(project: Path, browser: Browser) -> None:
    for number, payload in enumerate(PAYLOADS):
        rows = pd.DataFrame({each: [each, str(number)] for each in PAYLOADS})
        tags = {"k": payload[:4_000], payload.replace("=", "")[:500]: "v"}
        ml.data.save(rows, "evil", message=payload, tags=tags)
    ml.data.profile("evil")
    newest, before = f"evil@v{len(PAYLOADS)}", f"evil@v{len(PAYLOADS) - 1}"
    with mounted(browser, "data") as page:
        opened(page, "evil")
        expect(page.get_by_role("table", name=f"Facts of {newest}")).to_contain_text(PAYLOADS[-1][:40])
        page.get_by_role("tab", name="Columns").click()
        columns = page.get_by_role("grid", name=f"Columns of {newest}")
        columns.focus()
        for payload in PAYLOADS:
            page.keyboard.press("Enter")
            expect(page.get_by_role("region", name="Column")).to_contain_text(payload[:30].strip())
            page.keyboard.press("ArrowDown")
        page.get_by_role("tab", name="Differences").click()
        expect(page.get_by_role("group", name=f"From {before} to {newest}")).to_contain_text("2 rows")
        page.get_by_role("tab", name="Lineage").click()
        page.get_by_text("In words", exact=True).click()
        page.get_by_role("button", name="Blame…").click()
        page.get_by_role("dialog").get_by_role("button", name="Find out").click()
        expect(page.get_by_role("dialog")).to_contain_text(PAYLOADS[0])
        page.get_by_role("dialog").get_by_role("button", name="Close").click()
        versions = page.get_by_role("grid", name="Versions of evil")
        versions.evaluate("(element) => { element.scrollTop = element.scrollHeight; }")
        expect(versions.get_by_text("v1", exact=True)).to_be_visible()
        page.mouse.move(300, 300)
        assert page.evaluate("window.executed") == 0
        assert page.locator(".nbp :is(script, img, iframe, object, embed, video, marquee)").count() == 0


@pytest.mark.parametrize("variables", [{}, DARK], ids=["light", "dark"])
def test_axe_finds_nothing_serious(flights: None, browser: Browser, variables: dict[str, str]) -> None:
    ml.data.profile("flights@v3")
    with mounted(browser, "data", variables=variables) as page:
        expect(page.get_by_text("2 names")).to_be_visible()
        assert faults(page) == []
        opened(page)
        assert faults(page) == []
        page.get_by_role("tab", name="Columns").click()
        page.get_by_role("grid", name="Columns of flights@v3").get_by_text("delay", exact=True).click()
        expect(page.get_by_role("region", name="Column delay")).to_be_visible()
        assert faults(page) == []
        page.get_by_role("tab", name="Differences").click()
        expect(page.get_by_role("group", name="From flights@v2 to flights@v3")).to_be_visible()
        assert faults(page) == []
        page.get_by_role("tab", name="Lineage").click()
        page.get_by_role("button", name="Tag…").click()
        expect(page.get_by_role("group", name="Lineage of flights@v3")).to_be_visible()
        assert faults(page) == []


def test_what_has_not_changed_is_left_as_it_is_while_the_store_changes(flights: None, browser: Browser) -> None:
    with mounted(browser, "data") as page:
        opened(page)
        page.get_by_role("button", name="Tag…").click()
        page.get_by_label("key", exact=True).fill("half wri")
        asked = "window.sent.filter((one) => one.ask === 'outline').length"
        before = page.evaluate(asked)
        with ml.run("gbm") as run:
            run.log(auc=0.5)
        page.wait_for_function(f"{asked} > {before}")
        expect(page.get_by_label("key", exact=True)).to_have_value("half wri")
        expect(page.get_by_label("key", exact=True)).to_be_focused()


def many(total: int) -> None:
    """Give `flights` so many versions, of the content that it has, as they lie in the catalog."""
    ml.data.save(frame(4), "flights")

    def work(connection: Connection) -> None:
        row = connection.execute(select(schema.version)).one()._mapping
        own = {key: value for key, value in row.items() if key not in {"id", "number", "named", "message"}}
        made = [{**own, "number": n, "named": n, "message": f"number {n}"} for n in range(2, total + 1)]
        connection.execute(insert(schema.version), made)

    workspace().catalog.transact(work)


def test_ten_thousand_versions_are_read_page_by_page_as_they_come_into_sight(project: Path, browser: Browser) -> None:
    many(10_000)
    with mounted(browser, "data") as page:
        opened(page)
        expect(page.get_by_text("10,000 versions")).to_be_visible()
        grid = page.get_by_role("grid", name="Versions of flights")
        grid.evaluate("(element) => { element.scrollTop = element.scrollHeight; }")
        expect(grid.get_by_text("number 2", exact=True)).to_be_visible()
        grid.evaluate("(element) => { element.scrollTop = 5000 * 28; }")
        expect(grid.get_by_text("number 5000", exact=True)).to_be_visible()
        pages = page.evaluate("window.sent.filter((one) => one.ask === 'versions').length")
        assert pages <= 6
        assert grid.get_by_role("row").count() < 60


def test_two_thousand_columns_with_long_names_are_read_as_they_come_into_sight(project: Path, browser: Browser) -> None:
    names = [f"{'x' * 5_000}{number}" if number < 3 else f"sensor_{number}" for number in range(2_000)]
    ml.data.save(pd.DataFrame(np.zeros((3, 2_000)), columns=names), "wide")
    with mounted(browser, "data", width=280) as page:
        opened(page, "wide")
        page.get_by_role("tab", name="Columns").click()
        grid = page.get_by_role("grid", name="Columns of wide@v1")
        grid.evaluate("(element) => { element.scrollTop = element.scrollHeight; }")
        expect(grid.get_by_text("sensor_1999")).to_be_visible()
        page.get_by_label("Find columns of wide@v1").fill("sensor_12")
        expect(page.get_by_text("111 of 2,000 columns")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_empty_store_says_what_to_type(project: Path, browser: Browser) -> None:
    with mounted(browser, "data") as page:
        expect(page.get_by_text("%ml data save df NAME")).to_be_visible()
