"""Functions of one's own as checks, and columns that are to be like those of another version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbmlops.checks.evidence import RowsEvidence
from nbmlops.checks.records import Outcome, Report
from nbmlops.checks.suite import Suite, SuiteBuilder
from nbmlops.commands.answer import answer
from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.workspace import Workspace
from tests.commands.fakes import in_a_cell, in_a_shell

TABLE = pd.DataFrame({"a": [1.0, -2.0, None, 4.0], "b": ["x", "y", "x", None]})


def positive(column: pd.Series) -> pd.Series:
    return column.where(column.isna(), column > 0).astype(object).where(column.notna())


def short(frame: pd.DataFrame) -> bool:
    return len(frame) < 3


def fails(column: pd.Series) -> bool:
    low = column.min()
    raise ValueError(f"no good: {low}")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    rng = np.random.default_rng(0)
    with Workspace.init(tmp_path_factory.mktemp("custom")) as made:
        made.data.save(
            pd.DataFrame({"x": rng.normal(size=2_000), "k": rng.choice(["u", "v"], 2_000), "n": None}), "old"
        )
        made.data.save(pd.DataFrame({"x": rng.normal(size=500), "k": rng.choice(["u", "v"], 500)}), "same")
        made.data.save(pd.DataFrame({"x": rng.normal(1, size=500), "k": rng.choice(["u", "w"], 500)}), "moved")
        yield made


def only(report: Report) -> Outcome:
    (outcome,) = report.outcomes
    return outcome


def test_a_function_tells_which_rows_are_good(workspace: Workspace) -> None:
    outcome = only(workspace.check.data(TABLE, SuiteBuilder().column("a").test(positive)))
    assert (outcome.status, outcome.figure, outcome.rows) == ("failed", "1 of 3 values not so (33.3%)", (1,))
    (evidence,) = outcome.evidence
    assert isinstance(evidence, RowsEvidence)
    assert evidence.values == ((-2.0,),)
    assert only(workspace.check.data(TABLE, SuiteBuilder().column("a").test(positive).mostly(0.6))).status == "passed"


def test_a_function_tells_whether_a_table_is_good(workspace: Workspace) -> None:
    outcome = only(workspace.check.data(TABLE, SuiteBuilder().table().test(short).warn()))
    assert (outcome.status, outcome.figure, outcome.bound) == ("warned", "false", "short")
    assert only(workspace.check.data(TABLE.head(2), SuiteBuilder().table().test(short))).status == "passed"


def test_rows_of_a_table_are_located_even_where_nothing_else_is_looked_at(workspace: Workspace) -> None:
    def named(frame: pd.DataFrame) -> pd.Series:
        return frame["b"].notna()

    outcome = only(workspace.check.data(TABLE, SuiteBuilder().table().test(named)))
    assert (outcome.status, outcome.rows) == ("failed", (3,))


def test_what_raises_is_errored_and_the_others_run(workspace: Workspace) -> None:
    report = workspace.check.data(TABLE, SuiteBuilder().column("a").test(fails).between(-9, 9))
    assert [outcome.status for outcome in report.outcomes] == ["errored", "passed"]
    assert report.outcomes[0].detail == "fails raised ValueError: no good: -2.0 in line 3 of fails"


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda _: None, "gives NoneType, and True, False or one of them"),
        (lambda column: column, "gives Series, and True, False or one of them"),
        (lambda column: column.head(2) > 0, "gives Series of 2 answers for 4 rows"),
        (lambda _: "yes", "gives str, and True, False"),
        (lambda _: np.ones((4, 2), bool), "gives ndarray, and True, False"),
    ],
)
def test_what_gives_something_else_is_errored(workspace: Workspace, function: Callable[..., Any], said: str) -> None:
    function.__name__ = "odd"
    outcome = only(workspace.check.data(TABLE, SuiteBuilder().column("a").test(function)))
    assert outcome.status == "errored"
    assert said in outcome.detail


def test_a_cell_means_the_functions_of_its_notebook(workspace: Workspace) -> None:
    cell = in_a_cell(workspace, {"table": TABLE, "positive": positive, "b": 3}, body="a: test(positive)\nb: test(b)")
    report = answer(["check", "data", "table"], cell).result
    assert [outcome.status for outcome in report.outcomes] == ["failed", "errored"]
    assert "b is no function, but a int" in report.outcomes[1].detail
    cell = in_a_cell(workspace, {"table": TABLE, "positive": positive}, body="a: test(positve)")
    assert "did you mean positive" in only(answer(["check", "data", "table"], cell).result).detail


def test_where_there_is_no_notebook_the_check_is_not_lost(workspace: Workspace, tmp_path: Any) -> None:
    (tmp_path / "own.suite").write_text("x: test(positive)")
    words = ["check", "data", "old", "--suite", str(tmp_path / "own.suite")]
    report = answer(words, in_a_shell(workspace), "nbmlops").result
    assert (only(report).status, report.passed) == ("errored", False)
    assert "belongs to a notebook" in only(report).detail
    with pytest.raises(RefusedError):
        answer([*words, "--strict"], in_a_shell(workspace), "nbmlops")


def test_a_test_reads_back_as_it_was_written() -> None:
    written = "table: test(short)\na: test(positive), mostly(0.9)"
    assert str(Suite.parse(written)) == written
    assert (
        SuiteBuilder().column("a").test(positive).mostly(0.9).test(fails).done().columns[0].checks[0]
        == (Suite.parse(written).columns[0].checks[0])
    )
    with pytest.raises(InvalidError, match="takes the name of one function"):
        Suite.parse("a: test(positive, short)")
    with pytest.raises(InvalidError, match="named as its function is"):
        SuiteBuilder().column("a").test(lambda _: True)


def test_a_column_is_like_that_of_another_version_or_has_drifted(workspace: Workspace) -> None:
    suite = "x: like(@old)\nk: like(@old.k)"
    assert workspace.check.data("same", suite).status == "passed"
    moved = workspace.check.data("moved", suite)
    assert [outcome.status for outcome in moved.outcomes] == ["failed", "failed"]
    assert moved.outcomes[0].figure.endswith("standard deviations, up")
    assert moved.outcomes[0].bound.startswith("as x of old@v1 (")
    assert "p = " in moved.outcomes[0].detail


@pytest.mark.parametrize(
    ("suite", "said"),
    [
        ("x: like(@old.n)", "there is nothing to compare with: n holds no value there"),
        ("x: like(@old.k)", "x is number, and k is string there"),
        ("x: like(@old.y)", "has no column 'y'"),
        ("x: like(@older)", "older"),
    ],
)
def test_what_cannot_be_compared_is_errored(workspace: Workspace, suite: str, said: str) -> None:
    outcome = only(workspace.check.data("same", suite))
    assert outcome.status == "errored"
    assert said in outcome.detail
