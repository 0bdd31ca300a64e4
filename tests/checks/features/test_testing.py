"""Tests of a cell: what holds passes, what does not fails and says what was compared, what raises is errored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbmlops.checks.evidence import NoteEvidence
from nbmlops.checks.features.headless import keep, kept
from nbmlops.checks.features.testing import judge
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError


def is_rush(hour: int) -> int:
    return int(16 <= hour < 20)


NAMES: dict[str, Any] = {"is_rush": is_rush, "__name__": "__main__"}


def one(source: str) -> Outcome:
    (outcome,) = judge(source, NAMES)
    return outcome


def test_a_test_function_that_holds_passes_and_its_docstring_is_told() -> None:
    outcome = one('def test_evening():\n    """Four to eight."""\n    assert is_rush(17)')
    assert (outcome.check, outcome.status, outcome.detail) == ("test_evening", "passed", "Four to eight.")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("assert is_rush(12) == 1", "is_rush(12) == 1: 0 == 1 is false"),
        ("assert is_rush(12)", "is_rush(12): it is 0"),
        ("assert 1 == 2", "1 == 2 is false"),
        ("assert 3 in [1, 2]", "3 in [1, 2] is false"),
        ("assert not is_rush(17)", "not is_rush(17): it is False"),
        ("hour = 12\nassert is_rush(hour) >= 1", "is_rush(hour) >= 1: 0 >= 1 is false, with hour = 12"),
        ("assert is_rush(12), 'noon is rush'", "noon is rush: is_rush(12): it is 0"),
        ("assert all(is_rush(h) for h in (17, 3))", "it is False"),
        ("assert 1 < 2 < 0", "1 < 2 < 0: it is False"),
        ("x = None\nassert x and x.y", "x and x.y: it is None, with x = None"),
    ],
)
def test_a_bare_assert_says_what_was_compared(line: str, said: str) -> None:
    outcome = one(line)
    assert outcome.status == "failed"
    assert said in outcome.figure


def test_each_side_of_an_assert_is_computed_once_and_a_message_only_when_needed() -> None:
    seen: list[str] = []
    names = {"seen": seen, "note": lambda what: seen.append(what) or what}
    assert judge("assert note('a') == note('a'), note('message')", names)[0].status == "passed"
    assert seen == ["a", "a"]


def test_what_raises_is_errored_and_the_others_still_run() -> None:
    source = (
        "def test_a():\n    is_rush('x')\ndef test_b():\n    assert is_rush(12)\ndef test_c():\n    assert is_rush(17)"
    )
    first, second, third = judge(source, NAMES)
    assert (first.status, second.status, third.status) == ("errored", "failed", "passed")
    assert first.figure.startswith("TypeError: '<=' not supported")
    assert first.detail == "line 2"
    (note,) = first.evidence
    assert isinstance(note, NoteEvidence)
    assert "in is_rush" in note.text
    assert "nbmlops/checks" not in note.text


def test_a_statement_that_raises_is_told_beside_the_tests() -> None:
    outcomes = judge("import not_there\ndef test_a():\n    assert is_rush(17)", NAMES)
    assert [(each.check, each.status) for each in outcomes] == [("line 1", "errored"), ("test_a", "passed")]


def test_nothing_that_the_body_defines_outlives_it() -> None:
    names = dict(NAMES)
    judge("limit = 3\ndef test_a():\n    assert limit", names)
    assert names == NAMES


PROPERTY = """
from hypothesis import given, strategies as st
@given(st.integers(0, 23))
def test_rush_is_a_flag(hour):
    assert is_rush(hour) == 0
"""


def test_a_property_names_the_example_that_breaks_it_and_it_is_the_same_each_time() -> None:
    first, second = one(PROPERTY), one(PROPERTY)
    assert first == second
    assert first.status == "failed"
    assert "is_rush(hour) == 0: 1 == 0 is false, with hour = 16" in first.figure
    assert "hour=16" in first.detail


def test_a_property_that_holds_passes_and_leaves_no_folder(folder: Path) -> None:
    assert one(PROPERTY.replace("== 0", "in (0, 1)")).status == "passed"
    assert list(folder.iterdir()) == []


def test_parametrized_tests_are_one_outcome_each() -> None:
    source = (
        "import pytest\n@pytest.mark.parametrize(('hour', 'said'), [(17, 1), pytest.param(3, 1)])\n"
        "def test_rush(hour, said):\n    assert is_rush(hour) == said"
    )
    assert [(each.check, each.status) for each in judge(source, NAMES)] == [
        ("test_rush[17, 1]", "passed"),
        ("test_rush[3, 1]", "failed"),
    ]


def test_what_pytest_raises_is_understood() -> None:
    source = (
        "import pytest\ndef test_raises():\n    with pytest.raises(TypeError):\n        is_rush('x')\n"
        "def test_missing():\n    with pytest.raises(TypeError):\n        is_rush(1)\n"
        "def test_later():\n    pytest.skip('no data yet')\n"
        "@pytest.mark.skip(reason='slow')\ndef test_slow():\n    pass"
    )
    outcomes = judge(source, NAMES)
    assert [each.status for each in outcomes] == ["passed", "failed", "warned", "warned"]
    assert outcomes[2].figure == "left out: no data yet"
    assert outcomes[3].figure == "left out: slow"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def test_a(frame):\n    pass", "takes frame, which nothing gives"),
        ("async def test_a():\n    pass", "it is async"),
        ("class TestA:\n    def test_a(self): ...", "classes of tests are not run"),
        ("def test_a():\n    raise SystemExit(3)", "SystemExit: 3"),
        ("def test_a():\n    assert broken == 1", "NameError: name 'broken' is not defined"),
    ],
)
def test_what_cannot_run_is_errored_with_the_reason(source: str, said: str) -> None:
    outcome = one(source)
    assert outcome.status == "errored"
    assert said in outcome.figure


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1", "there is no test in the body"),
        ("", "there is no test in the body"),
        ("def test_a(:\n", "line 1 of the body does not parse"),
        ("assert 1\x00", "does not parse"),
    ],
)
def test_a_body_that_holds_no_test_is_refused(source: str, said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        judge(source, NAMES)


def test_an_interrupt_is_no_outcome() -> None:
    with pytest.raises(KeyboardInterrupt):
        judge("def test_a():\n    raise KeyboardInterrupt", NAMES)


def test_a_value_whose_repr_raises_does_not_hide_the_failure() -> None:
    class Bad:
        def __repr__(self) -> str:
            raise ValueError("no")

    (outcome,) = judge("assert bad == 1", {"bad": Bad()})
    assert "a Bad whose repr raises ValueError == 1 is false" in outcome.figure


def test_outcomes_go_to_a_file_one_by_one_and_a_test_that_never_ended_is_named(tmp_path: Path) -> None:
    file = tmp_path / "outcomes"
    source = "def test_a():\n    assert is_rush(17)\ndef test_b():\n    raise KeyboardInterrupt"
    with pytest.raises(KeyboardInterrupt):
        keep(source, NAMES, 2, str(file))
    outcomes, begun = kept(file)
    assert ([each.check for each in outcomes], begun) == (["test_a"], "test_b")
    keep("x = 1", NAMES, 3, str(file))
    assert kept(file)[0][-1].check == "cell 3"
    assert kept(tmp_path / "none") == ((), None)
