"""A figure over time is drawn whole: no failure is lost where there is little room."""

from __future__ import annotations

import math
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.render.course import Course, CoursePoint, Courses, PointState
from nbmlops.render.look import Look, line
from nbmlops.render.page import page

START = datetime(2026, 7, 1, tzinfo=UTC)


def course(
    values: list[float], bad: AbstractSet[int] = frozenset(), low: float | None = None, high: float | None = None
) -> Course:
    states: list[PointState] = ["bad" if place in bad else "good" for place in range(len(values))]
    points = [CoursePoint(START + timedelta(days=n), one, states[n]) for n, one in enumerate(values)]
    return Course("figure", tuple(points), low, high)


def test_signs_stand_higher_for_larger_figures_and_the_bound_between() -> None:
    lines = course([0.0, 1.0], {1}, high=0.5).text()
    assert lines[0] == "figure  1 now, at most 0.5"
    rows = {sign: next(place for place, one in enumerate(lines[1:]) if sign in one) for sign in "•✗┄"}
    assert rows["✗"] < rows["┄"] < rows["•"]


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(None, None, "no bound"), (0.2, None, "at least 0.2"), (None, 3, "at most 3"), (1, 2, "1 to 2")],
)
def test_the_band_is_said_in_words(low: float | None, high: float | None, words: str) -> None:
    assert course([1.0], low=low, high=high).band == words


def test_one_failure_among_a_thousand_is_still_there_in_text_and_in_a_page() -> None:
    many = course([0.0] * 500 + [9.0] + [0.0] * 499, {500})
    assert sum(one.count("✗") for one in many.text()) == 1
    drawn = page(Look(line("monitor"), (Courses((many,) * 30),)))
    assert len(drawn.encode()) < 100_000
    assert drawn.count('class="nbmlops-bad"') == drawn.count("<figure")


def test_without_a_figure_that_is_said() -> None:
    assert course([math.nan]).text() == ["figure: no figure yet"]
    assert "no figure yet" in page(Look(line("monitor"), (Courses((course([math.nan]),)),)))


@given(st.lists(st.floats(width=64), max_size=30), st.floats(allow_nan=False, allow_infinity=False) | st.none())
def test_whatever_the_figures_are_marks_stay_within_the_drawing(values: list[float], high: float | None) -> None:
    drawn = course(values, high=high)
    for x, y, *_ in drawn.marks:
        assert 0 <= x <= drawn.w
        assert 0 <= y <= drawn.h
    assert all(len(one) < 200 for one in drawn.text())
