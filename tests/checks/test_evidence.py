"""Evidence is plain, bounded, reads back as it was written, and forgets what is erased."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops import Workspace, render
from nbmlops.checks.evidence import (
    BarsEvidence,
    CurvesEvidence,
    Evidence,
    NoteEvidence,
    RowsEvidence,
    TableEvidence,
    from_json,
)
from nbmlops.checks.records import Outcome, Report
from nbmlops.core.digests import canonical_json
from nbmlops.core.errors import UnsupportedError
from tests.render.samples import evidence

NOW = datetime(2026, 7, 1, tzinfo=UTC)
values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.dates(), st.binary(max_size=9))
names = st.lists(st.text(max_size=9), min_size=1, max_size=4)
kinds = st.one_of(
    st.builds(RowsEvidence.of, st.dictionaries(st.integers(0, 10**9), st.lists(values, max_size=5)), names),
    st.builds(TableEvidence.of, names, st.lists(st.lists(values, max_size=5), max_size=5), st.text()),
    st.builds(BarsEvidence.of, st.text(), st.lists(values), st.lists(values)),
    st.builds(CurvesEvidence.of, st.text(), st.dictionaries(st.text(), st.lists(st.tuples(values, values)))),
    st.builds(NoteEvidence.of, st.text()),
)


def report_with(*found: Evidence, number: Any = None, subject: str = "t@v1") -> Report:
    outcome = Outcome("between", "a", "failed", "1", "2", "such as 7", (0, 2), found, number)
    return Report(None, "t", "data", subject, (outcome,), NOW)


@given(st.lists(kinds, max_size=3), values)
def test_what_was_written_reads_back_whatever_was_put_in(found: list[Evidence], number: Any) -> None:
    number = number if isinstance(number, float) else None
    report = report_with(*found, number=number)
    document = report.to_json()
    canonical_json(document)
    assert Report.from_json(document) == report
    assert render.text(report, detail=True)
    assert len(render.html(report).encode()) < 100_000


def test_values_of_numpy_and_times_become_plain() -> None:
    row = [np.float64(0.5), np.int8(3), np.bool_(True), pd.Timestamp("2013-01-01"), np.nan, None]
    found = RowsEvidence.of({np.int64(4): row}, list("abcdef"))
    assert found.numbers == (4,)
    assert found.values == ((0.5, 3, True, "2013-01-01 00:00:00", "nan", None),)
    assert BarsEvidence.of("a", np.array([1, -2, np.nan])).before == (1, 0, 0)
    assert CurvesEvidence.of("a", {"b": [(0, 1), (1, np.inf), (2, "x")]}).curves == (("b", ((0, 1),)),)


def test_rows_of_another_length_are_made_as_wide_as_the_table() -> None:
    assert TableEvidence.of(["a", "b"], [[1], [1, 2, 3]]).cells == ((1, None), (1, 2))


def test_evidence_is_bounded_and_says_how_much_there_is() -> None:
    many = RowsEvidence.of({row: ["x" * 9_000] for row in range(500)}, ["a"])
    assert (len(many.numbers), many.total, len(str(many.values[0][0]))) == (100, 500, 400)
    assert len(CurvesEvidence.of("a", {"b": ((x, x) for x in range(10_000))}).curves[0][1]) <= 512
    assert "… and 480 more" in render.text(report_with(many), detail=True)


def test_a_figure_that_is_no_number_has_none() -> None:
    assert report_with(number=np.float64(0.25)).outcomes[0].number == 0.25
    assert report_with(number=float("nan")).outcomes[0].number is None


def test_reports_of_the_first_format_are_read_still() -> None:
    old: dict[str, Any] = {
        "format": 1, "suite": "t", "section": "data", "subject": "t@v1", "status": "failed",
        "created_at": NOW.isoformat(), "run_id": None,
        "outcomes": [{"check": "between", "column": "a", "status": "failed", "figure": "1", "bound": "2",
                      "detail": "", "rows": [3]}],
    }  # fmt: skip
    report = Report.from_json(old)
    assert (report.outcomes[0].rows, report.outcomes[0].evidence, report.judged) == ((3,), (), ())


def test_a_kind_of_evidence_from_a_newer_version_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="no evidence of the kind 'hologram'"):
        from_json({"kind": "hologram"})


def test_each_kind_is_told_as_text() -> None:
    told = render.text(report_with(*evidence("航班")), detail=True)
    assert "of 航班" in told
    assert "  812  航班  0.5" in told
    assert " 4410  null  nan" in told
    assert "航班, 航班  █ ▃ → ▂██" in told
    assert "1 → 3" in told


def test_values_of_rows_are_shown_with_all_their_digits() -> None:
    told = render.text(report_with(RowsEvidence.of({0: [2013, 1234.5678, 60.0]}, ["year", "x", "y"])), detail=True)
    assert "2013  1234.5678  60" in told


def test_bars_say_from_where_to_where_they_go() -> None:
    told = render.text(report_with(BarsEvidence.of("a", [1], [2], "KS 0.4", ["0 to 1", "1 to 2"])), detail=True)
    assert "KS 0.4, 0 to 1 … 1 to 2" in told


@pytest.fixture
def workspace(tmp_path: Path) -> Any:
    with Workspace.init(tmp_path) as made:
        yield made


def erase(workspace: Workspace, condition: str) -> None:
    file = workspace.marker.root / "condition.txt"
    file.write_text(condition)
    workspace.data.erase("t", where_file=file, yes=True)


def test_an_erasure_takes_rows_and_words_out_of_evidence_and_renumbers_the_rest(workspace: Workspace) -> None:
    names = [f"person{place}@example.org" for place in range(6)]
    workspace.data.save(pd.DataFrame({"who": names, "n": range(6)}), "t")
    kept = {place: [names[place]] for place in (1, 2, 5)}
    found = (
        RowsEvidence.of(kept, ["who"], 3),
        RowsEvidence.of({2: ["elsewhere"]}, ["who"], source="other@v1"),
        TableEvidence.of(["who", "n"], [[names[2], 1]]),
        BarsEvidence.of("who", [1], [2], words="most often one", bins=[names[2]]),
        CurvesEvidence.of("n", {names[2]: [(0, 1)]}),
        NoteEvidence.of("somebody of row 2"),
    )
    workspace.check.save(report_with(*found, number=0.5))
    erase(workspace, f"who == '{names[2]}'")
    (outcome,) = workspace.check.show(1).outcomes
    assert outcome.rows == (0,)
    assert outcome.detail == "such as [erased]"
    assert outcome.evidence == (
        RowsEvidence(("who",), (1, 4), ((names[1],), (names[5],)), 2),
        RowsEvidence(("who",), (2,), (("elsewhere",),), 1, "other@v1"),
        BarsEvidence("who", "[erased]", (1,), (2,), ("[erased]",)),
        CurvesEvidence("n", (("[erased]", ((0, 1),)),)),
        NoteEvidence("[erased]"),
    )


def test_an_erasure_of_rows_of_a_source_reaches_reports_on_a_model(workspace: Workspace) -> None:
    workspace.data.save(pd.DataFrame({"who": ["ann@example.org", "bob@example.org"]}), "t")
    found = RowsEvidence.of({0: ["a1"], 1: ["b1"]}, ["score"], source="t@v1")
    workspace.check.save(report_with(found, subject="gbm@v1"))
    erase(workspace, "who == 'ann@example.org'")
    (outcome,) = workspace.check.show(1).outcomes
    assert outcome.evidence == (RowsEvidence(("score",), (0,), (("b1",),), 1, "t@v1"),)
    assert outcome.rows == (0, 2)


def test_a_number_that_is_erased_leaves_figures_points_and_cells_but_not_positions(workspace: Workspace) -> None:
    secret = 1_234_567
    workspace.data.save(pd.DataFrame({"who": [secret, 2_345_678], "n": [1, 2]}), "t")
    found = (
        RowsEvidence.of({secret: [secret]}, ["who"], source="other@v1"),
        BarsEvidence.of("n", [secret], [1]),
        CurvesEvidence.of("n", {"a": [(0, secret), (1, 2)]}),
    )
    workspace.check.save(report_with(*found, number=secret, subject="other@v1"))
    erase(workspace, f"who == {secret}")
    (outcome,) = workspace.check.show(1).outcomes
    assert outcome.number is None
    assert outcome.evidence == (
        RowsEvidence(("who",), (secret,), (("[erased]",),), 1, "other@v1"),
        BarsEvidence("n", "", (secret,), (1,)),
        CurvesEvidence("n", (("a", ((1, 2),)),)),
    )
