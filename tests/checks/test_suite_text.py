"""The text of suites: what it means, that it prints as it reads, and what a wrong one is told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.checks.aggregates import Depends, Distinct, Maximum, Mean
from nbmlops.checks.conflicts import conflict
from nbmlops.checks.kinds import (
    TYPES,
    Between,
    Check,
    Columns,
    Expression,
    Key,
    Matches,
    Nulls,
    OneOf,
    Rows,
    TypeOf,
    Unique,
)
from nbmlops.checks.lines import ColumnChecks
from nbmlops.checks.suite import Suite, SuiteBuilder
from nbmlops.core.errors import InvalidError, NbmlopsError

FLIGHTS = """\
table: rows between(1, 10_000_000), key(year, month, flight), columns(at_least), warn
dep_delay: number, between(-60, 1500), nulls < 5%  # minutes; early is negative
tailnum: matches("N[0-9A-Z]{3,5}"), mostly(0.99)
carrier: in("UA", "AA"), warn, no nulls
arr_time: expr("arr_time is null or arr_time > 0"), mostly(0.999)
"dep delay": unique
time_hour: datetime, between("2013-01-01", )"""


def test_a_suite_reads_as_what_it_says() -> None:
    suite = Suite.parse(FLIGHTS, "flights")
    assert suite.table == (
        Rows(low=1, high=10_000_000),
        Key(columns=("year", "month", "flight")),
        Columns(mode="at_least", severity="warn"),
    )
    assert suite.columns[0] == ColumnChecks(
        "dep_delay",
        (TypeOf(name="number"), Between(low=-60, high=1500), Nulls(limit=0.05)),
        "minutes; early is negative",
    )
    assert suite.columns[2].checks == (OneOf(values=("UA", "AA"), severity="warn"), Nulls(limit=0.0, inclusive=True))
    assert str(suite) == FLIGHTS


def test_spaces_comments_and_broken_lines_do_not_matter() -> None:
    spread = 'carrier :\tin (\n  "UA" , # United\n  "AA"\n),no   nulls\r\n\n# a comment\nx:nulls<=.5%'
    assert str(Suite.parse(spread)) == 'carrier: in("UA", "AA"), no nulls\nx: nulls <= 0.5%'


def test_a_suite_built_in_python_is_the_one_that_is_written() -> None:
    built = (
        SuiteBuilder("flights")
        .rows(1, 10_000_000)
        .key("year", "month", "flight")
        .columns("at_least")
        .warn()
        .column("dep_delay")
        .type("number")
        .between(-60, 1500)
        .nulls(0.05)
        .column("carrier")
        .isin(["UA", "AA"])
        .warn()
        .nulls(0)
        .column("arr_time")
        .expr("arr_time > 0")
        .mostly(0.5)
        .column("tailnum")
        .matches("N.*")
        .unique()
    )
    assert str(built) == (
        "table: rows between(1, 10_000_000), key(year, month, flight), columns(at_least), warn\n"
        "dep_delay: number, between(-60, 1500), nulls < 5%\n"
        'carrier: in("UA", "AA"), warn, no nulls\n'
        'arr_time: expr("arr_time > 0"), mostly(0.5)\n'
        'tailnum: matches("N.*"), unique'
    )
    assert built.done().name == "flights"


def test_a_long_set_is_broken_over_lines_and_reads_back() -> None:
    suite = SuiteBuilder().column("dest").isin([f"airport {place}" for place in range(60)]).mostly(0.9).done()
    assert max(map(len, str(suite).splitlines())) <= 120
    assert Suite.parse(str(suite)) == suite


@pytest.mark.parametrize(
    ("text", "message", "under"),
    [
        ("a number", "expected ':' after the column a", "number"),
        ("a: nmber", "nmber is no check", "nmber"),
        ("a: between(5, 1)", "nothing lies between 5 and 1", "between"),
        ("a: between(, )", "no end at all", "between"),
        ('a: between(0, "2013-01-01")', "mixes a number and a date", "between"),
        ('a: between("yesterday", )', "'yesterday' is no date", "between"),
        ('a: number, in("x")', 'in("x") cannot hold for a number', "in("),
        ("a: number, string", "cannot be both number and string", "string"),
        ("a: number, number", "number is there twice", "number"),
        ("a: between(0, 1), between(5, 6)", "no value can be in", "between(5"),
        ("a: in(1, 2), between(5, 6)", "no value of in(1, 2) is in between(5, 6)", "between"),
        ("a: nulls < 5%, no nulls", "say two things", "no nulls"),
        ("a: nulls < 500%", "up to 100%, not 500%", "nulls"),
        ("a: nulls 5%", "expected '<' after nulls", "5%"),
        ("a: in()", "names no value", "in("),
        ("a: in(UA)", "UA is no value", "UA"),
        ('a: in("UA", 1)', "mixes numbers and strings", "in("),
        ("a: in(1, 1)", "names 1 twice", "in("),
        ('a: in("UA', "not closed on its line", '"UA'),
        ('a: matches("N[0-9")', "unclosed character class", "[0-9"),
        ('a: matches("(?=x)")', "look-ahead", "(?=x)"),
        ('a: expr("b >")', "does not parse", '")'),
        ("a: expr(\"open('/etc/passwd') == 1\")", "open is no function", "open"),
        ('a: expr("b > 1 and b.c")', "cannot hold: attribute", "b.c"),
        ('a: expr("1 < 2")', "names no column", "1 < 2"),
        ("a: unique, mostly(2)", "a share above 0 and up to 1", "mostly"),
        ("a: number, mostly(0.9)", "mostly cannot follow number", "mostly"),
        ("a: mostly(0.9)", "belongs to the check before it", "mostly"),
        ("a: unique, warn, warn", "warn is there twice", "warn\n"),
        ("a: rows between(1, 2)", "rows belongs to the table", "rows"),
        ("table: number", "number belongs to a column", "number"),
        ("table: rows between(1.5, 2)", "takes whole numbers", "rows"),
        ("table: columns(some)", "exact or at_least", "("),
        ("table: key(a, a)", "names a twice", "key"),
        ("a: number,", "expected a check, found the end", ""),
        ("a: number\nb: string\na: unique", "a has a line already", "a: unique"),
        ("a: number string", "expected ',' or the end of the line", "string"),
        ("a: 5", "expected a check, found 5", "5"),
        ("a: between(1e999, )", "too large", "1e999"),
        ('a: in("\\ud800")', "is no character", "\\ud800"),
        ("5: number", "a line begins with a column", "5"),
        ("a; number", "';' means nothing here", ";"),
    ],
)
def test_a_wrong_suite_is_told_with_a_caret_under_the_place(text: str, message: str, under: str) -> None:
    with pytest.raises(InvalidError) as raised:
        Suite.parse(text)
    first, line, caret = raised.value.message.splitlines()[:3]
    assert message in first
    if under:
        pointed = line[caret.index("^") :] + "\n"
        assert pointed.startswith(under), raised.value.message


def test_the_caret_stands_under_wide_characters_too() -> None:
    with pytest.raises(InvalidError) as raised:
        Suite.parse("时间: numbr")
    assert raised.value.message.splitlines()[2] == " " * (2 + 4 + 2) + "^"
    assert raised.value.hint == "did you mean number?"


def test_a_builder_refuses_what_the_text_refuses() -> None:
    with pytest.raises(InvalidError, match="cannot be both"):
        SuiteBuilder().column("a").type("number").type("string").done()
    with pytest.raises(InvalidError, match="no check yet"):
        SuiteBuilder().column("a").warn()
    with pytest.raises(InvalidError, match="finite"):
        SuiteBuilder().column("a").between(0, float("inf"))


# -- properties -------------------------------------------------------------------------------------

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.one_of(st.sampled_from(["dep_delay", "table", "in", "no", "时间", "a b", "*", "x#y", 'q"\\']), text)
numbers = st.one_of(
    st.integers(-(10**12), 10**12), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**30), 10**30)
)
dates = st.datetimes().map(lambda moment: moment.isoformat())
severities = st.sampled_from(["error", "warn"])
shares = st.floats(0.001, 1, exclude_min=True)


@st.composite
def ranges(draw: st.DrawFn) -> Between:
    ends = draw(st.one_of(st.lists(numbers, min_size=2, max_size=2), st.lists(dates, min_size=2, max_size=2)))
    low, high = sorted(ends)  # type: ignore[type-var]
    open_low, open_high = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
    return Between(
        low=None if open_low else low,
        high=None if open_high else high,
        mostly=draw(shares),
        severity=draw(severities),
    )


@st.composite
def sets(draw: st.DrawFn) -> OneOf:
    values = draw(
        st.one_of(
            st.lists(text, min_size=1, max_size=30, unique=True),
            st.lists(numbers, min_size=1, max_size=5, unique=True),
            st.lists(st.booleans(), min_size=1, max_size=2, unique=True),
        )
    )
    return OneOf(values=tuple(values), mostly=draw(shares), severity=draw(severities))


figures = ranges().map(lambda one: {"low": one.low, "high": one.high, "severity": one.severity})

column_checks = st.one_of(
    figures.map(lambda given: Maximum(**given)),
    figures.filter(lambda given: not {str} & {type(given["low"]), type(given["high"])}).map(
        lambda given: Mean(**given)
    ),
    st.builds(Distinct, low=st.integers(0, 99), high=st.one_of(st.none(), st.integers(99, 10**9)), severity=severities),
    st.builds(Depends, columns=st.lists(names, min_size=1, max_size=3, unique=True).map(tuple), mostly=shares),
    st.builds(TypeOf, name=st.sampled_from(TYPES), severity=severities),
    ranges(),
    sets(),
    st.builds(
        Matches,
        pattern=st.sampled_from([r"N\d+", r"\\", r'"\w"', r"a|b", "", r"\p{L}+", "\n", r"\n", r"\t", r"[\\n]"]),
        mostly=shares,
        severity=severities,
    ),
    st.builds(Nulls, limit=st.floats(0, 1, exclude_min=True), inclusive=st.booleans(), severity=severities),
    st.builds(Unique, mostly=shares, severity=severities),
    st.builds(Expression, text=st.sampled_from(["a > 0", 'col("x y") == "é"', "a in ('\\\\', 'b')"]), mostly=shares),
)
table_checks = st.one_of(
    st.builds(Rows, low=st.integers(0, 99), high=st.one_of(st.none(), st.integers(99, 10**9)), severity=severities),
    st.builds(Key, columns=st.lists(names, min_size=1, max_size=4, unique=True).map(tuple), severity=severities),
    st.builds(
        Columns,
        mode=st.sampled_from(["exact", "at_least"]),
        names=st.lists(names, max_size=3, unique=True).map(tuple),
        severity=severities,
    ),
)


def compatible(checks: list[Check]) -> tuple[Check, ...]:
    kept: list[Check] = []
    for check in checks:
        if conflict(kept, check) is None:
            kept.append(check)
    return tuple(kept)


notes = st.one_of(st.just(""), text).map(lambda note: " ".join(note.lstrip("#").split()))
columns = st.builds(ColumnChecks, names, st.lists(column_checks, min_size=1, max_size=4).map(compatible), note=notes)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(columns, max_size=4, unique_by=lambda each: each.column),
    st.lists(table_checks, max_size=3).map(compatible),
    notes,
)
def test_what_a_suite_prints_reads_as_the_same_suite(
    columns: list[ColumnChecks], table: tuple[Check, ...], note: str
) -> None:
    suite = Suite("any", tuple(columns), table, note if table else "")
    assert Suite.parse(str(suite), "any") == suite


WORDS = [
    *"table a b ' \" : , ( ) < <= % @ # \n \\ | - + . _ 5 -1 0.99 1e9 1e999 true null".split(" "),
    *TYPES,
    *"between( in( matches( nulls no unique mostly( warn expr( rows key( columns( exact at_least".split(),
    *['"2013-01-01"', '"UA"', '"a > 0"', '"("', "'x'", "\ud800", "\x00", "时间", "é", "\\u0041", "9" * 50, "\u2028"],
]


@settings(max_examples=600, deadline=None)
@given(st.one_of(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join), st.text(max_size=60)))
def test_any_text_is_a_suite_or_a_clear_error(text: str) -> None:
    try:
        suite = Suite.parse(text)
    except NbmlopsError as error:
        str(error).encode()
    else:
        assert Suite.parse(str(suite)) == suite


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(FLIGHTS) - 1), st.integers(0, 6), st.sampled_from(WORDS))
def test_a_suite_with_a_slip_of_the_pen_is_a_suite_or_a_clear_error(place: int, gone: int, put: str) -> None:
    try:
        Suite.parse(FLIGHTS[:place] + put + FLIGHTS[place + gone :])
    except NbmlopsError as error:
        str(error).encode()
