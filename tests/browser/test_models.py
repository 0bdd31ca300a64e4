"""The panel of models in Chromium, on real answers of Python, without Jupyter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from sqlalchemy import Connection, insert, select

from nbmlops import ml
from nbmlops.store import schema
from nbmlops.workspace.current import workspace
from tests.browser.esm import DARK, PAYLOADS, faults, mounted
from tests.browser.windows import settled
from tests.models.registry import table

COLUMNS = ["a", "b", "noise"]
GATE = """
[tool.nbmlops.gates.delay]
holdout = "delays_holdout"
target = "late"
metric = "roc_auc"
floor = 0.6
tolerance = 0.002
"""
APPROVALS = """
[tool.nbmlops.approvals.model]
delay = { production = 1 }
"""


def fitted(weight: float = 1.0, *, turned: bool = False) -> LogisticRegression:
    train = table(0)
    return LogisticRegression(C=weight).fit(train[COLUMNS], ~train.late if turned else train.late)


@pytest.fixture
def delay(project: Path) -> Path:
    """Behind a gate `delay@v1` was in production, `delay@v2` is, and `delay@v3` is worse."""
    (project / "pyproject.toml").write_text(GATE)
    ml.data.save(table(1), "delays_holdout")
    with ml.run("fit", {"C": 1.0}) as run:
        ml.model.save(fitted(), "delay", message="first")
        run.log(auc=0.8125)
    ml.model.promote("delay")
    ml.model.save(fitted(0.5), "delay", message="smaller weights", example=table(0)[COLUMNS])
    ml.model.promote("delay")
    ml.model.save(fitted(turned=True), "delay", message="turned round")
    return project


def opened(page: Page, name: str = "delay") -> None:
    page.get_by_role("grid", name="Models").get_by_text(name, exact=True).click()
    expect(page.get_by_role("group", name=f"Versions of {name} by alias")).to_be_visible()


def lane(page: Page, alias: str) -> Locator:
    return page.get_by_role("region", name=alias, exact=True)


def version(page: Page, ref: str) -> None:
    page.get_by_role("article", name=ref, exact=True).first.get_by_role("button", name=ref).click()
    expect(page.get_by_role("heading", name=ref)).to_be_visible()


def said_yes(page: Page, word: str) -> None:
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=word, exact=True).click()
    dialog.get_by_role("button", name="Close").click()


def test_the_board_has_a_lane_for_each_alias(delay: Path, browser: Browser) -> None:
    ml.model.promote("delay@v1", "champion")
    with mounted(browser, "models") as page:
        opened(page)
        expect(page.get_by_text("3 versions")).to_be_visible()
        expect(lane(page, "production").get_by_role("article", name="delay@v2")).to_be_visible()
        expect(lane(page, "champion").get_by_role("article", name="delay@v1")).to_be_visible()
        expect(lane(page, "no alias").get_by_role("article")).to_have_count(1)


def test_a_version_is_told_with_metrics_and_signature(delay: Path, browser: Browser) -> None:
    with mounted(browser, "models") as page:
        opened(page)
        version(page, "delay@v2")
        page.get_by_role("tab", name="Signature").click()
        expect(page.get_by_role("group", name="Takes")).to_contain_text("noise")
        expect(page.get_by_role("group", name="Gives")).to_contain_text("predict_proba")
        version(page, "delay@v1")
        expect(page.get_by_role("table", name="Metrics of fit-1")).to_contain_text("0.8125")


def test_a_version_has_its_card_and_is_compared_with_the_one_in_production(delay: Path, browser: Browser) -> None:
    with mounted(browser, "models") as page:
        opened(page)
        version(page, "delay@v3")
        page.get_by_role("tab", name="Card").click()
        card = page.get_by_role("group", name="Card of delay@v3")
        expect(card).to_contain_text("Intended use")
        expect(page.get_by_text("%ml model card delay@v3", exact=True)).to_be_visible()
        page.get_by_role("tab", name="Differences").click()
        expect(page.get_by_label("Compare with")).to_have_value("delay@v2")
        expect(page.get_by_role("group", name="From delay@v2 to delay@v3")).to_contain_text("delay@v2 → delay@v3")
        page.get_by_label("Compare with").select_option("delay@v1")
        expect(page.get_by_role("group", name="From delay@v1 to delay@v3")).to_contain_text("delay@v1 → delay@v3")
        expect(page.get_by_text("%ml model diff delay@v1 delay@v3", exact=True)).to_be_visible()


def test_a_promotion_that_its_gate_refuses_tells_why_and_shows_the_evidence(delay: Path, browser: Browser) -> None:
    with mounted(browser, "models") as page:
        opened(page)
        version(page, "delay@v3")
        page.get_by_role("button", name="Promote…").click()
        page.get_by_role("button", name="Continue").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("%ml model promote delay@v3")
        dialog.get_by_role("button", name="Judge and promote").click()
        expect(dialog.get_by_role("alert")).to_contain_text("delay@v3 was not promoted to production")
        expect(dialog.get_by_role("alert")).to_contain_text("bound ≥ 0.6")
        dialog.get_by_role("button", name="Cancel").click()
        verdict = page.locator("details.nbp-verdict").first
        expect(verdict).to_contain_text("failed promote production")
        expect(verdict).to_contain_text("roc_auc")
        page.get_by_role("button", name="What it rests on").click()
        expect(page.get_by_role("group", name="Report")).to_contain_text("delay@v3")
        assert ml.model.show("delay@production").ref == "delay@v2"


def test_a_promotion_moves_the_version_to_its_lane(delay: Path, browser: Browser) -> None:
    with mounted(browser, "models") as page:
        opened(page)
        version(page, "delay@v1")
        page.get_by_role("button", name="Promote…").click()
        page.get_by_label("alias", exact=True).fill("challenger")
        page.get_by_label("message").fill("once more")
        page.get_by_role("button", name="Continue").click()
        said_yes(page, "Judge and promote")
        expect(lane(page, "challenger").get_by_role("article", name="delay@v1")).to_be_visible()
        assert ml.model.show("delay@challenger").ref == "delay@v1"


def test_a_rollback_says_where_it_goes_and_goes_there(delay: Path, browser: Browser) -> None:
    with mounted(browser, "models") as page:
        opened(page)
        page.get_by_role("button", name="Roll production back…").click()
        expect(page.get_by_role("dialog")).to_contain_text("production goes from delay@v2 back to delay@v1")
        expect(page.get_by_role("dialog")).to_contain_text("%ml model rollback delay")
        assert ml.model.show("delay@production").ref == "delay@v2"
        said_yes(page, "Roll back")
        expect(lane(page, "production").get_by_role("article", name="delay@v1")).to_be_visible()
        page.get_by_role("button", name="Roll production back…").click()
        expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("no earlier production to go back to")
        assert ml.model.show("delay@production").ref == "delay@v1"


@pytest.fixture
def asked(delay: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (delay / "pyproject.toml").write_text(GATE + APPROVALS)
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    ml.model.promote("delay@v1", message="it was steadier")
    monkeypatch.setenv("NBMLOPS_USER", "bo")


def test_another_person_approves_what_waits(asked: None, browser: Browser) -> None:
    with mounted(browser, "models") as page:
        expect(page.get_by_text("asked by ann")).to_be_visible()
        opened(page)
        waits = lane(page, "waiting for approval")
        expect(waits).to_contain_text("it was steadier")
        expect(waits).to_contain_text("0 of 1 approval")
        waits.get_by_role("button", name="Approve delay@v1…").click()
        page.get_by_label("message").fill("so it was")
        page.get_by_role("button", name="Continue").click()
        said_yes(page, "Approve")
        expect(lane(page, "production").get_by_role("article", name="delay@v1")).to_be_visible()
        expect(waits).to_have_count(0)
        assert ml.model.show("delay@production").ref == "delay@v1"


def test_who_asked_cannot_approve_and_reads_why(asked: None, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    with mounted(browser, "models") as page:
        opened(page)
        page.get_by_role("button", name="Approve delay@v1…").click()
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("dialog").get_by_role("button", name="Approve", exact=True).click()
        expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("ann")
        assert ml.model.show("delay@production").ref == "delay@v2"


def test_what_waits_is_rejected(asked: None, browser: Browser) -> None:
    with mounted(browser, "models") as page:
        opened(page)
        page.get_by_role("button", name="Reject delay@v1…").click()
        page.get_by_role("button", name="Continue").click()
        said_yes(page, "Reject")
        expect(lane(page, "waiting for approval")).to_have_count(0)
        assert ml.model.waiting("delay") == []


def test_the_line_that_loads_a_model_is_handed_to_the_notebook(delay: Path, browser: Browser) -> None:
    with mounted(browser, "models") as page:
        page.evaluate(
            "document.addEventListener('nbmlops-insert', (event) => {"
            " window.inserted.push(event.detail.text); event.preventDefault(); })"
        )
        opened(page)
        version(page, "delay@v1")
        page.get_by_role("button", name="Load into notebook").click()
        page.wait_for_function("window.inserted.length === 1")
        page.get_by_role("button", name="Serve").click()
        page.wait_for_function("window.inserted.length === 2")
        assert page.evaluate("window.inserted") == ["model = %ml model load delay@v1", "%ml serve delay@v1"]


def test_what_is_saved_and_moved_elsewhere_appears(delay: Path, browser: Browser) -> None:
    with mounted(browser, "models") as page:
        opened(page)
        version(page, "delay@v1")
        ml.model.save(fitted(2.0), "delay", message="from elsewhere")
        expect(lane(page, "no alias")).to_contain_text("from elsewhere")
        ml.model.rollback("delay")
        expect(lane(page, "production").get_by_role("article", name="delay@v1")).to_be_visible()
        expect(page.get_by_role("heading", name="delay@v1")).to_be_visible()


def test_a_deleted_version_is_restored(delay: Path, browser: Browser) -> None:
    with mounted(browser, "models") as page:
        opened(page)
        version(page, "delay@v3")
        page.get_by_role("button", name="Delete…", exact=True).click()
        said_yes(page, "Delete")
        expect(page.get_by_text("2 versions")).to_be_visible()
        page.get_by_role("button", name="All models").click()
        page.get_by_role("button", name="Deleted").click()
        page.get_by_role("grid", name="Deleted models").get_by_text("delay@v3").click()
        said_yes(page, "Restore")
        expect(page.get_by_text("Nothing is deleted that could be restored.")).to_be_visible()
        assert ml.model.show("delay").ref == "delay@v3"


def test_markup_in_every_text_is_shown_and_never_run(
    project: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBMLOPS_USER", PAYLOADS[1])
    rows = pd.DataFrame({payload: np.arange(400.0) for payload in PAYLOADS})
    classes = np.resize(PAYLOADS, 400)
    for payload in PAYLOADS:
        with ml.run("evil", {each[:500]: each for each in PAYLOADS}) as run:
            model = DecisionTreeClassifier(max_leaf_nodes=2 + len(ml.run.list())).fit(rows, classes)
            ml.model.save(model, "evil", message=payload, example=rows)
            run.log({payload[:500]: 1.0})
    ml.model.promote("evil", message=PAYLOADS[0])
    newest = ml.model.show("evil").ref
    with mounted(browser, "models") as page:
        opened(page, "evil")
        version(page, newest)
        expect(page.get_by_role("table", name=f"Facts of {newest}")).to_contain_text(PAYLOADS[1])
        expect(page.get_by_role("table", name=f"Params of evil-{len(PAYLOADS)}")).to_contain_text(PAYLOADS[0])
        page.get_by_role("tab", name="Signature").click()
        expect(page.get_by_role("group", name="Takes")).to_contain_text(PAYLOADS[0])
        expect(page.get_by_role("group", name="Gives")).to_contain_text(PAYLOADS[0])
        page.get_by_role("tab", name="Verdicts").click()
        page.get_by_role("button", name="What it rests on").click()
        expect(page.get_by_role("group", name="Report")).to_contain_text(newest)
        page.get_by_role("tab", name="Lineage").click()
        page.get_by_text("In words", exact=True).click()
        page.mouse.move(300, 300)
        assert page.evaluate("window.executed") == 0
        assert page.locator(".nbp :is(script, img, iframe, object, embed, video, marquee)").count() == 0


@pytest.mark.parametrize("variables", [{}, DARK], ids=["light", "dark"])
def test_axe_finds_nothing_serious(asked: None, browser: Browser, variables: dict[str, str]) -> None:
    with mounted(browser, "models", variables=variables) as page:
        expect(page.get_by_text("1 model")).to_be_visible()
        assert faults(page) == []
        opened(page)
        assert faults(page) == []
        version(page, "delay@v2")
        page.get_by_role("button", name="Promote…").click()
        assert faults(page) == []
        for tab in ("Verdicts", "Signature", "Card", "Differences", "Lineage"):
            page.get_by_role("tab", name=tab).click()
            if tab == "Verdicts":
                page.get_by_role("button", name="What it rests on").first.click()
                expect(page.get_by_role("group", name="Report").first).to_be_visible()
            assert faults(page) == []


def test_a_card_keeps_the_focus_while_the_store_changes_elsewhere(delay: Path, browser: Browser) -> None:
    with mounted(browser, "models") as page:
        opened(page)
        card = lane(page, "production").get_by_role("button", name="delay@v2")
        card.focus()
        asked = "window.sent.filter((one) => one.ask === 'board').length"
        before = page.evaluate(asked)
        with ml.run("gbm") as run:
            run.log(auc=0.5)
        page.wait_for_function(f"{asked} > {before}")
        settled(page)
        expect(card).to_be_focused()


def test_ten_thousand_versions_come_a_page_at_a_time_and_the_page_is_not_wider_than_a_sidebar(
    delay: Path, browser: Browser
) -> None:
    def work(connection: Connection) -> None:
        query = select(schema.version).join(schema.name).where(schema.name.c.kind == "model")
        row = connection.execute(query.where(schema.version.c.number == 3)).one()._mapping
        own = {key: value for key, value in row.items() if key in schema.version.c and key != "id"}
        made = [{**own, "number": n, "named": n + 10, "message": "m" * 5_000} for n in range(4, 10_001)]
        connection.execute(insert(schema.version), made)

    workspace().catalog.transact(work)
    with mounted(browser, "models", width=280) as page:
        opened(page)
        expect(page.get_by_text("10,000 versions")).to_be_visible()
        expect(lane(page, "no alias").get_by_role("article")).to_have_count(60)
        page.get_by_role("button", name="Show older").click()
        expect(lane(page, "no alias").get_by_role("article")).to_have_count(120)
        expect(lane(page, "production").get_by_role("article", name="delay@v2")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.evaluate("window.sent.filter((one) => one.ask === 'versions').length") == 2


def test_an_empty_store_says_what_to_type(project: Path, browser: Browser) -> None:
    with mounted(browser, "models") as page:
        expect(page.get_by_text("%ml model save MODEL NAME")).to_be_visible()
