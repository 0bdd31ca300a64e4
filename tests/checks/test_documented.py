"""The page on data checks: every example reads, is what Python builds, and passes on the table it speaks of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.readers import KINDS
from nbmlops.checks.suite import Suite, SuiteBuilder

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text()
ROWS = re.findall(r"^\| `(\w+: .+?)` \| `(.+?)` \| ", PAGE, flags=re.MULTILINE)
FLIGHTS = pd.DataFrame(
    {
        "flight": [1, 2, 3, 4],
        "carrier": ["UA", "AA", "UA", "AA"],
        "origin": ["EWR", "JFK", "EWR", "JFK"],
        "dep_delay": [2.0, -4.0, 33.0, None],
        "at": pd.to_datetime(["2013-01-01", "2013-01-01", "2013-01-02", "2013-01-03"]),
    }
)


class Airlines:
    """The version that every reference on the page means."""

    ref, digest = "airlines@v1", "0" * 64


def in_minutes(delay: Any) -> Any:
    return delay.isna() | (delay.abs() < 24 * 60)


FUNCTIONS = {"in_minutes": in_minutes}


def found(_: str) -> Any:
    return table_of(FLIGHTS), Airlines()


def built(python: str) -> Any:
    return eval(f"suite.{python}", {"suite": SuiteBuilder(), **FUNCTIONS})


@pytest.mark.parametrize(("text", "python"), ROWS)
def test_an_example_is_what_python_builds_and_holds(text: str, python: str) -> None:
    suite = Suite.parse(text)
    assert built(python).done() == suite
    assert {each.status for each in judge(table_of(FLIGHTS), suite, found, functions=FUNCTIONS)} == {"passed"}


def test_the_suite_at_the_top_holds() -> None:
    (text,) = re.findall(r"```\n(.+?)```", PAGE, flags=re.DOTALL)
    outcomes = judge(table_of(FLIGHTS), Suite.parse(text))
    assert [each.status for each in outcomes] == ["passed"] * 7


def test_the_age_in_the_text_is_what_python_builds() -> None:
    assert built('column("at").fresh(7)').done() == Suite.parse("at: fresh(7 days)")
    assert "`at: fresh(7 days)`" in PAGE


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_on_the_page(kind: str) -> None:
    assert re.search(rf"`[^`]*\b{kind}\b[^`]*`", PAGE)
