"""Conditions: what they may say, and that nothing else is ever run."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError
from nbmlops.data.conditions import column_names, compiled_expression

FRAME = pl.DataFrame(
    {
        "a": [1, 2, None],
        "b": [3, 1, 5],
        "word": ["UA", "aa", None],
        "day": [date(2013, 1, 1), date(2013, 2, 2), None],
        "at": [datetime(2013, 1, 1, 5), datetime(2013, 2, 2, 6), None],
        "x y": [True, False, None],
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b", [True, False, None]),
        ("a is null or a > 1", [False, True, True]),
        ("a is not None", [True, True, False]),
        ("0 <= a < 2", [True, False, None]),
        ("not a == 1", [False, True, None]),
        ("a + b * 2 - 1 == 6", [True, False, None]),
        ("-a % 2 == 1 or b // 2 == 0", [True, True, None]),
        ("a / 2 == 0.5", [True, False, None]),
        ("abs(a - b) >= 2", [True, False, None]),
        ('word in ("UA", "AA")', [True, False, None]),
        ('upper(word) not in ["UA"]', [False, True, None]),
        ("length(lower(word)) == 2", [True, True, None]),
        ("month(day) == 2 and day(day) == 2 and year(at) == 2013", [False, True, None]),
        ("hour(at) == 5", [True, False, None]),
        ('date("2013-01-15") <= at', [False, True, None]),
        ('day > date("2013-01-15")', [False, True, None]),
        ('col("x y") == true', [True, False, None]),
        ("a = 1 AND word <> 'aa'", [True, False, None]),
        ('word = "a=b" OR a IS NOT NULL', [True, True, None]),
        ("NOT a IN (1, 5)", [False, True, None]),
    ],
)
def test_a_condition_means_what_it_says(text: str, expected: list[bool | None]) -> None:
    places = {name: name for name in FRAME.columns}
    assert FRAME.select(compiled_expression(text, places)).to_series().to_list() == expected


def test_the_columns_of_a_condition_are_known() -> None:
    assert column_names('a > 0 and col("x y") == null_ or b is null') == ("a", "b", "null_", "x y")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "open('/etc/passwd')",
        "a.__class__",
        "a[0] > 1",
        "(lambda: a)()",
        "[x for x in a]",
        "a if b else a",
        "(a := 5) > b",
        "f'{a}' == 'x'",
        "a ** 99999999",
        "a << 5",
        "a == b''",
        "a == ...",
        "a == 1j",
        "a == 10**30",
        "a == 9999999999999999999999",
        "*a",
        "a; b",
        "",
        "   ",
        "a > 1\nb > 2",
        "a\x00 > 1",
        "col(a) > 1",
        'col("a", "b") > 1',
        "abs() > a",
        "abs(*a) > 1",
        "date(a) > 1",
        'date("tomorrow") < a',
        "a in b",
        "a in ()",
        "a is 3",
        "a < null",
        "1 < 2",
        "true",
        "(" * 300 + "a" + ")" * 300,
        "not " * 300 + "a",
        "a + " * 400 + "a > 0",
        "a" * 5_000,
        "await a",
        "import os",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        column_names(text)


ATOMS = st.sampled_from(
    ["a", "b", "word", "at", "nix", "1", "0.5", "'x'", "null", "true", 'col("x y")', "date('2013-01-01')"]
)
OPERATORS = st.sampled_from(
    ["+", "-", "*", "/", "//", "%", "<", ">=", "==", "and", "or", "in", "is", "is not", ",", "**"]
)
FORMS = st.sampled_from(["({} {} {})", "{} {} {}", "abs({}) {} {}", "not {} {} {}", "-{} {} ({},)", "f({}){}{}"])
CONDITIONS = st.recursive(ATOMS, lambda inner: st.builds(str.format, FORMS, inner, OPERATORS, inner), max_leaves=8)


@settings(max_examples=400, deadline=None)
@given(st.one_of(CONDITIONS, st.text(max_size=40)))
def test_any_text_is_a_condition_or_a_clear_error(text: str) -> None:
    from nbmlops.checks.engine import judge
    from nbmlops.checks.frames import table_of
    from nbmlops.checks.kinds import Expression
    from nbmlops.checks.suite import Suite

    try:
        column_names(text)
    except InvalidError:
        return
    (outcome,) = judge(table_of(FRAME), Suite(table=(Expression(text=text),)))
    assert outcome.status in ("passed", "failed", "errored")
