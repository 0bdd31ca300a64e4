"""Conditions on runs: read with a caret under what is wrong, and true in SQL for exactly the runs they are true of."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.data.condition_text import MisreadError
from nbmlops.tracking.filtering import (
    All,
    AnyOf,
    Compare,
    Condition,
    Missing,
    Not,
    RunField,
    read_condition,
    read_field,
)
from nbmlops.tracking.queries.search import search
from nbmlops.tracking.records import Run
from nbmlops.workspace import Workspace

GIVEN: list[dict[str, Any]] = [
    {"params": {"depth": 4, "kind": "gbm"}, "tags": {"owner": "me"}, "metrics": {"auc": 0.9}},
    {"params": {"depth": 4.0, "kind": "ridge"}, "tags": {"owner": "you"}, "metrics": {"auc": 0.7, "loss": math.inf}},
    {"params": {"depth": 8, "deep": True}, "tags": {"owner": "me", "place": 'a "b"'}, "metrics": {"auc": math.nan}},
    {"params": {"depth": "4", "kind": None}, "tags": {}, "metrics": {}},
    {"params": {}, "tags": {"owner": "ME"}, "metrics": {"auc": 0.7, "loss": -1}},
    {"params": {"kind": "größe", "depth": -3}, "tags": {"owner": ""}, "metrics": {"loss": 0.5}},
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.init(tmp_path_factory.mktemp("runs") / "project") as workspace:
        for number, each in enumerate(GIVEN):
            run = workspace.run("even" if number % 2 == 0 else "odd", each["params"], each["tags"])
            run.log(each["metrics"])
            if number != 3:
                run.finish("failed" if number == 4 else "finished")
        yield workspace


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("metrics.auc >", "does not parse"),
        ("metric.auc > 1", "runs have no 'metric.auc'"),
        ("auc > 1", "runs have no 'auc'"),
        ("metrics.auc > 'high'", "metrics.auc is a number"),
        ("tags.owner = 3", "tags.owner is a text"),
        ("started > 'soon'", "no date"),
        ("metrics.auc", "no condition"),
        ("metrics.auc = null", "compared with a value"),
        ("metrics.auc is 3", "is only stands before null"),
        ("metrics.auc + 1 > 2", "runs have no"),
        ("status in ()", "after in stands a list"),
        ("3 in metrics.auc", "before in stands a text"),
        ("'a' in metrics.auc", "metrics.auc is a number"),
        ("params.deep < true", "neither less nor more"),
        ("status = experiment", "compared with a value"),
        ("status in ('failed')", "after in stands a list of values, or a field\n  status in \\('failed'\\)"),
        ("__import__('os').system('true') = 1", "runs have no"),
        ("(" * 80 + "status = 'x'" + ")" * 80 + " and" * 3, "does not parse"),
        ("not " * 70 + "status = 'x'", "nests deeper"),
        ("x" * 3_000, "3,000 characters"),
        ("metrics.auc > 1e999999 and tags.ä! = 'x'", "does not parse"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, complaint: str) -> None:
    with pytest.raises(MisreadError, match=complaint):
        read_condition(text)


def test_a_caret_stands_under_the_place() -> None:
    with pytest.raises(MisreadError) as caught:
        read_condition("metrics.auc > 0.5 and tags.owner = 3")
    *_, shown, caret = str(caught.value.message).splitlines()
    assert shown[caret.index("^")] == "3"


@pytest.mark.parametrize("text", ["metrics.auc >", "status = 'failed' and", "  params.depth ="])
def test_where_something_is_missing_at_the_end_the_caret_stands_behind_it(text: str) -> None:
    with pytest.raises(MisreadError) as caught:
        read_condition(text)
    *_, shown, caret = str(caught.value.message).splitlines()
    assert caret.index("^") == len(shown) == len(text) + 2


def test_what_is_no_condition_is_refused_in_a_word() -> None:
    with pytest.raises(MisreadError, match="is empty"):
        read_condition(" ")
    with pytest.raises(InvalidError, match="a text, not 3"):
        read_condition(3)  # type: ignore[arg-type]


def test_a_condition_may_begin_with_a_space() -> None:
    assert read_condition("  number = 3") == read_condition("number = 3")


def test_the_nearest_field_is_named() -> None:
    with pytest.raises(InvalidError, match=r"metrics\.auc or params\.auc or tags\.auc"):
        read_field("auc")
    with pytest.raises(InvalidError, match="started"):
        read_field("startd")
    with pytest.raises(InvalidError, match=r"did you mean metrics\.val\.auc\?"):
        read_field("metric.val.auc")


def test_each_way_to_write_it_reads_the_same() -> None:
    depth = RunField("params", "model.depth")
    for text in ("params.model.depth >= 4", 'params["model.depth"] >= 4', "4 <= params.model.depth"):
        assert read_condition(text) == Compare(depth, ">=", 4)
    status = RunField("run", "status")
    both = AnyOf((Compare(status, "=", "failed"), Compare(status, "=", "killed")))
    assert read_condition("status in ('failed', 'killed')") == both
    assert read_condition("status not in ('failed', 'killed')") == Not(both)
    assert read_condition("0 < metrics.auc <= 1") == All(
        (Compare(RunField("metrics", "auc"), ">", 0), Compare(RunField("metrics", "auc"), "<=", 1))
    )
    assert read_condition("started > '2026-11-26'").value == datetime(2026, 11, 26, tzinfo=UTC)  # type: ignore[union-attr]


def value_of(run: Run, field: RunField) -> Any:
    if field.group != "run":
        return getattr(run, field.group).get(field.name, KeyError)
    git = run.git or {}
    found = {
        "branch": git.get("branch"),
        "commit": git.get("commit"),
        "ended": run.ended_at,
        "parent": run.parent_id,
        "started": run.started_at,
    }
    value = found[field.name] if field.name in found else getattr(run, field.name)
    return KeyError if value is None else value


def holds(run: Run, condition: Condition) -> bool:
    """What a condition means, said in Python."""
    match condition:
        case All(parts):
            return all(holds(run, part) for part in parts)
        case AnyOf(parts):
            return any(holds(run, part) for part in parts)
        case Not(part):
            return not holds(run, part)
        case Missing(field):
            return value_of(run, field) is KeyError
        case Compare(field, operator, value):
            there = value_of(run, field)
            if there is KeyError or (isinstance(there, float) and math.isnan(there)):
                return False
            if operator == "contains":
                return isinstance(there, str) and str(value) in there
            alike = type(there) is type(value) or not {type(there), type(value)} - {int, float}
            if not alike:
                return operator == "!="
            compared = {"=": there == value, "!=": there != value}
            return compared[operator] if operator in compared else eval(f"there {operator} value")


NUMBERS = st.sampled_from([0.7, 0.9, 4, 8, -3, 0.5, 1, -1])
TEXTS = st.sampled_from(["me", "ME", "", "gbm", "größe", 'a "b"', "4", "finished", "even", "e", '"', "running"])
NAMES = {"metrics": ["auc", "loss", "none"], "params": ["depth", "kind", "deep"], "tags": ["owner", "place"]}
SIGNS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])


def compared(group: str) -> st.SearchStrategy[Compare]:
    fields = st.sampled_from([RunField(group, name) for name in NAMES[group]])  # type: ignore[arg-type]
    if group == "metrics":
        return st.builds(Compare, fields, SIGNS, NUMBERS)
    texts = st.builds(Compare, fields, st.sampled_from(["=", "!=", "contains"]), TEXTS)
    if group == "tags":
        return texts
    return st.one_of(
        texts,
        st.builds(Compare, fields, SIGNS, NUMBERS),
        st.builds(Compare, fields, st.sampled_from(["=", "!="]), st.booleans()),
    )


OF_RUNS = st.one_of(
    st.builds(
        Compare,
        st.sampled_from([RunField("run", name) for name in ("status", "experiment", "kind", "notebook", "branch")]),
        st.sampled_from(["=", "!=", "contains"]),
        TEXTS,
    ),
    st.builds(Compare, st.just(RunField("run", "number")), SIGNS, st.integers(0, 4)),
)
ANY_FIELD = st.sampled_from(
    [RunField(group, name) for group, names in NAMES.items() for name in names]  # type: ignore[arg-type]
    + [RunField("run", name) for name in ("ended", "notebook", "parent", "seconds", "branch")]
)
CONDITIONS = st.recursive(
    st.one_of(*map(compared, NAMES), OF_RUNS, st.builds(Missing, ANY_FIELD)),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)


@settings(deadline=None)
@given(condition=CONDITIONS)
def test_sql_finds_the_runs_that_the_condition_holds_of(filled: Workspace, condition: Condition) -> None:
    every = filled.run.list()
    rows = filled.catalog.read(lambda c: search(c, condition, RunField("run", "started"), True, 50, None))
    assert [row.id for row in rows] == [run.id for run in every if holds(run, condition)]


@settings(deadline=None)
@given(
    by=st.sampled_from([RunField("metrics", "auc"), RunField("metrics", "loss"), RunField("params", "depth")])
    | st.sampled_from(
        [RunField("run", "number"), RunField("run", "status"), RunField("tags", "owner"), RunField("run", "parent")]
    ),
    descending=st.booleans(),
    limit=st.integers(1, 4),
)
def test_pages_give_every_run_once_in_the_order_of_the_field(
    filled: Workspace, by: RunField, descending: bool, limit: int
) -> None:
    order = ("-" if descending else "") + str(by)
    pages: list[Run] = []
    while page := filled.run.list(limit, by=order, after=pages[-1].name if pages else None):
        assert len(page) <= limit
        pages += page
    every = filled.run.list()
    assert sorted(run.id for run in pages) == sorted(run.id for run in every)

    def key(run: Run) -> Any:
        found = value_of(run, by)
        usable = found is not KeyError and not (isinstance(found, float) and math.isnan(found))
        return found if usable and not (by.group == "params" and isinstance(found, str | bool)) else None

    keys = [key(run) for run in pages]
    there = [value for value in keys if value is not None]
    assert keys[len(there) :] == [None] * (len(keys) - len(there))
    assert there == sorted(there, reverse=descending)
    places = {run.id: place for place, run in enumerate(every)}
    for one, two in pairwise(pages):
        if key(one) == key(two):
            assert places[one.id] < places[two.id]


def test_the_best_run_is_found_or_it_is_said_that_there_is_none(filled: Workspace) -> None:
    assert filled.run.best("even", "auc").name == "even-1"
    assert filled.run.best("odd", "loss", lowest=True).name == "odd-3"
    assert filled.run.best("even", "auc", where="params.depth > 4 or metrics.auc < 1").name == "even-1"
    with pytest.raises(NotFoundError, match="no finished run of 'odd' has a number for the metric 'f1'"):
        filled.run.best("odd", "f1")
    with pytest.raises(NotFoundError, match="no finished run of 'even' has a number for the metric 'auc'"):
        filled.run.best("even", "auc", where="params.depth = 8")  # it is NaN


def test_the_page_after_a_run_that_is_not_there_names_the_nearest(filled: Workspace) -> None:
    with pytest.raises(NotFoundError, match="even-3"):
        filled.run.list(after="even-33")


def test_every_condition_that_the_page_shows_finds_what_it_says(filled: Workspace) -> None:
    page = (Path(__file__).parents[2] / "docs" / "tracking.md").read_text()
    shown = re.findall(r"^\| `(.+?)` \| ", page.split("| condition |")[1].split("## Hidden")[0], re.MULTILINE)
    assert len(shown) == 13
    for text in shown:
        found, others = (filled.run.list(200, where=where) for where in (text, f"not ({text})"))
        assert len(found) + len(others) == filled.run.count(), text


def test_a_condition_that_no_run_meets_says_so_and_an_empty_workspace_says_how_to_begin(
    filled: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert repr(filled.run.list(where="metrics.auc > 7")) == "no run matches"
    assert repr(filled.run.list(experiment="neither")) == "no run matches"
    monkeypatch.delenv("NBMLOPS_CATALOG", raising=False)  # what others share is not empty
    with Workspace.init(tmp_path / "empty") as empty:
        assert "no runs yet" in repr(empty.run.list())
