"""Values and rows that have to be in another version: by hand, and as Python finds them in any two columns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nbmlops.checks import looking_up
from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.junit import junit_xml
from nbmlops.checks.records import Outcome, Report
from nbmlops.checks.suite import Suite, SuiteBuilder
from nbmlops.core.errors import InvalidError
from nbmlops.render import text
from nbmlops.workspace import Workspace

FLIGHTS = pd.DataFrame(
    {"carrier": ["UA", "AA", None, "ZZ"], "origin": ["EWR", "JFK", "JFK", "LGA"], "n": [1.0, 2.0, None, 4.0]}
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.init(tmp_path_factory.mktemp("references")) as made:
        made.data.save(pd.DataFrame({"carrier": ["UA", "AA"], "code": [1, 2], "none": [None, None]}), "airlines")
        made.data.save(pd.DataFrame({"carrier": ["UA", "AA", "DL"], "code": [1, 2, 4]}), "airlines")
        made.data.save(pd.DataFrame({"carrier": ["UA", "AA"], "origin": ["EWR", "LGA"]}), "routes")
        made.data.save(pd.DataFrame({"carrier": ["UA"]}), "old.airlines")
        yield made


def judged(workspace: Workspace, suite: str | SuiteBuilder, table: pd.DataFrame = FLIGHTS) -> Report:
    return workspace.check.data(table, suite)


def only(report: Report) -> Outcome:
    (outcome,) = report.outcomes
    return outcome


def test_values_are_looked_up_in_the_column_of_another_version(workspace: Workspace) -> None:
    outcome = only(judged(workspace, "carrier: in(@airlines.carrier)"))
    assert (outcome.status, outcome.figure, outcome.rows) == ("failed", "1 of 3 values not there (33.3%)", (3,))
    digest = workspace.data.show("airlines").digest
    assert outcome.bound == f"carrier of airlines@v2 ({digest[:8]})"
    assert only(judged(workspace, "n: in(@airlines@v1.code)")).rows == (3,)
    assert only(judged(workspace, "n: in(@airlines.code)")).status == "passed"
    assert only(judged(workspace, "carrier: in(@airlines), mostly(0.5)")).status == "passed"
    assert only(judged(workspace, 'carrier: in(@"old.airlines")')).rows == (1, 3)
    assert only(judged(workspace, "carrier: in(@old.airlines.carrier), warn")).status == "warned"


def test_rows_are_looked_up_by_several_columns(workspace: Workspace) -> None:
    outcome = only(judged(workspace, "table: references(carrier, origin, @routes)"))
    assert (outcome.figure, outcome.rows) == ("2 of 3 rows not there (66.7%)", (1, 3))
    assert outcome.bound.startswith("carrier, origin of routes@v1 (")
    (evidence,) = outcome.evidence
    assert getattr(evidence, "values", None) == (("AA", "JFK"), ("ZZ", "LGA"))


def test_what_a_suite_says_of_versions_reads_back_as_it_was_written() -> None:
    built = (
        SuiteBuilder("flights").column("carrier").within("airlines@v2", "carrier code").within("airlines").mostly(0.9)
    )
    built = built.column("x").within("old.airlines").references("carrier", "origin", ref="routes@v1")
    written = str(built)
    assert written.splitlines() == [
        "table: references(carrier, origin, @routes@v1)",
        'carrier: in(@airlines@v2."carrier code"), in(@airlines), mostly(0.9)',
        'x: in(@"old.airlines")',
    ]
    assert str(Suite.parse(written)) == written


@given(column=st.text(min_size=1, max_size=12), ref=st.sampled_from(["airlines", "old.airlines", "airlines@v3"]))
def test_a_column_of_any_name_reads_back(column: str, ref: str) -> None:
    assume(not any("\ud800" <= letter <= "\udfff" for letter in column))
    suite = SuiteBuilder().column("carrier").within(ref, column).like(ref, column).done()
    assert Suite.parse(str(suite)) == suite


@pytest.mark.parametrize(
    ("suite", "said"),
    [
        ("carrier: in(@nowhere.carrier)", "nowhere"),
        ("carrier: in(@airlines.carier)", "airlines@v2 has no column 'carier'; did you mean carrier"),
        ("carrier: in(@airlines.code)", "'carrier' is string, and code of airlines@v2 is integer"),
        ("carrier: in(@airlines@v1.none)", "nothing can be looked up in airlines@v1: none holds nothing but nulls"),
        ("carrier: in(@airlines@v9)", "airlines"),
    ],
)
def test_what_cannot_be_looked_up_is_said_and_the_other_checks_run(workspace: Workspace, suite: str, said: str) -> None:
    report = judged(workspace, f"{suite}\nn: number")
    assert [outcome.status for outcome in report.outcomes] == ["errored", "passed"]
    assert said in report.outcomes[0].detail


@pytest.mark.parametrize(
    ("suite", "said"),
    [
        ("carrier: in(@)", "'@' means nothing here"),
        ("carrier: in(@airlines", "expected ')' after the reference @airlines"),
        ("carrier: in(@airlines@v0.carrier)", "line 1: "),
        ("carrier: in(@airlines, @routes)", "expected ')'"),
        ("table: references(carrier)", "expected"),
        ("table: references(@routes)", "names no column"),
        ("table: references(carrier, carrier, @routes)", "names carrier twice"),
        ("table: references(carrier, @routes.origin)", "takes the version alone"),
        ("carrier: references(carrier, @routes)", "belongs to the table"),
    ],
)
def test_a_reference_that_is_none_is_pointed_at(suite: str, said: str) -> None:
    with pytest.raises(InvalidError) as raised:
        Suite.parse(suite)
    assert said in raised.value.message
    assert "^" in raised.value.message


def test_without_a_store_a_version_cannot_be_looked_up() -> None:
    (outcome,) = judge(table_of(FLIGHTS), Suite.parse("carrier: in(@airlines)"))
    assert outcome.status == "errored"
    assert "there is no workspace here" in outcome.detail


def test_a_run_that_checks_against_a_version_has_read_it(workspace: Workspace) -> None:
    with workspace.run("looks") as run:
        judged(workspace, "carrier: in(@airlines)")
    assert "airlines@v2" in workspace.run.show(run.id).inputs


VALUES = st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=1, max_size=40)
KINDS = st.sampled_from(["Int64", "Float64", "String"])


@given(values=VALUES, others=VALUES, kind=KINDS, few=st.booleans(), file=st.booleans())
def test_small_sets_large_ones_and_files_give_what_pandas_gives(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], others: list[Any], kind: str, few: bool, file: bool
) -> None:
    dtype = {"Int64": pl.Int64, "Float64": pl.Float64, "String": pl.String}[kind]
    left = pl.DataFrame({"a": pl.Series(values, dtype=pl.Int64).cast(dtype), "row": range(len(values))})
    right = pl.DataFrame({"a": pl.Series(others, dtype=pl.Int64).cast(dtype)})
    seen = {value for value in others if value is not None}
    expected = tuple(row for row, value in enumerate(values) if value is not None and value not in seen)[:5]
    given_to: Any = left
    if file:
        given_to = tmp_path_factory.mktemp("file") / "left.parquet"
        left.write_parquet(given_to)

    class Version:
        ref, digest = "other@v1", "0" * 64

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looking_up, "_FEW", 1_000 if few else 0)
        outcomes = judge(
            table_of(given_to),
            Suite.parse("table: references(a, @other)\na: in(@other)"),
            lambda _: (table_of(right), Version()),  # type: ignore[arg-type, return-value]
        )
    if not seen:
        assert {outcome.status for outcome in outcomes} == {"errored"}
    else:
        assert [outcome.rows for outcome in outcomes] == [expected, expected]


def test_a_check_says_whom_to_ask_and_why_it_is_there(workspace: Workspace) -> None:
    suite = 'carrier: in(@airlines), owner("data-team"), reason("fares are joined by it")'
    assert str(Suite.parse(suite)) == suite
    built = SuiteBuilder().column("carrier").within("airlines")
    assert str(built.owner("data-team").reason("fares are joined by it")) == suite
    report = workspace.check.show(judged(workspace, suite).id or 0)
    assert (only(report).owner, only(report).reason) == ("data-team", "fares are joined by it")
    assert "because fares are joined by it" in text(report)
    assert "ask data-team" in text(report)
    assert "owner: data-team" in junit_xml(report).decode()
    with pytest.raises(InvalidError, match="owner is there twice"):
        Suite.parse('carrier: unique, owner("a"), owner("b")')


def test_an_age_is_told_by_the_clock_of_the_workspace(tmp_path: Path) -> None:
    class Clock:
        def now(self) -> datetime:
            return datetime(2013, 1, 8, 12, tzinfo=UTC)

    Workspace.init(tmp_path).close()
    opened = Workspace.open(tmp_path)
    with Workspace(opened.marker, opened.settings, Clock()) as at_noon:
        table = pd.DataFrame({"at": pd.to_datetime(["2013-01-01", "2013-01-05"])})
        opened.close()
        statuses = [only(at_noon.check.data(table, f"at: fresh({age})")).status for age in ("84 hours", "83 hours")]
    assert statuses == ["passed", "failed"]
