from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from nbmlops.core.errors import InvalidError
from nbmlops.serving.capture.labels import LabelIntake, Labels
from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.capture.reading import Captured
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.records import Deployment

DELAY = Deployment("delay")


class Later:
    """A clock that goes on by a minute each time it is asked."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 28, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


@pytest.fixture
def labels(captured: Captured, request_of: Callable[..., CapturedRequest]) -> Labels:
    with CaptureLog(captured.root, DELAY, "w1") as log:
        log.add([request_of(number, inputs={"flight": [number]}) for number in range(5)])
    return Labels(captured, Later())


def arrive(labels: Labels, flights: list[int], late: list[int], **said: str) -> LabelIntake:
    return labels.add(DELAY, pa.table({"flight": flights, "late": late}), key="flight", **said)


def told(captured: Captured) -> dict[str, int]:
    rows = captured.labelled("delay").collect().sort("_id")
    return dict(zip(rows["_id"], rows["label"], strict=True))


def test_labels_meet_their_rows_by_an_input(captured: Captured, labels: Labels) -> None:
    intake = arrive(labels, [1, 2], [0, 1])
    assert (intake.rows, intake.new, intake.matched, intake.unknown, intake.conflicting) == (2, 2, 2, 0, 0)
    assert told(captured) == {"r1": 0, "r2": 1}


def test_labels_meet_their_rows_by_the_id_of_the_request(captured: Captured, labels: Labels) -> None:
    intake = labels.add(DELAY, pa.table({"_id": ["r3", "r9"], "label": [1, 1]}))
    assert (intake.matched, intake.unknown, intake.examples) == (1, 1, ("r9",))
    assert told(captured) == {"r3": 1}


def test_the_same_labels_again_change_nothing(captured: Captured, labels: Labels) -> None:
    arrive(labels, [1, 2], [0, 1])
    again = arrive(labels, [1, 2], [0, 1])
    assert (again.new, again.same, again.conflicting) == (0, 2, 0)
    assert told(captured) == {"r1": 0, "r2": 1}


def test_a_correction_holds_and_is_reported(captured: Captured, labels: Labels) -> None:
    arrive(labels, [1, 2], [0, 1])
    intake = arrive(labels, [1, 2], [1, 1])
    assert (intake.new, intake.same, intake.conflicting, intake.examples) == (0, 1, 1, ("1",))
    assert told(captured) == {"r1": 1, "r2": 1}


def test_a_correction_that_is_taken_back_holds_again(captured: Captured, labels: Labels) -> None:
    for late in (0, 1, 0):
        arrive(labels, [1], [late])
    assert told(captured) == {"r1": 0}


def test_labels_that_come_twice_or_in_conflict_at_once_are_told(captured: Captured, labels: Labels) -> None:
    intake = arrive(labels, [1, 1, 2, 2], [0, 0, 0, 1])
    assert (intake.rows, intake.twice, intake.conflicting, intake.new) == (4, 1, 1, 2)
    assert told(captured) == {"r1": 0, "r2": 1}


def test_a_label_that_comes_before_its_request_waits_for_it(
    captured: Captured, labels: Labels, request_of: Callable[..., CapturedRequest]
) -> None:
    assert arrive(labels, [77], [1]).unknown == 1
    assert told(captured) == {}
    with CaptureLog(captured.root, DELAY, "w2") as log:
        log.add([request_of(77, inputs={"flight": [77]})])
    assert told(captured) == {"r77": 1}


def test_labels_of_a_hashed_column_meet_it(captured: Captured, request_of: Callable[..., CapturedRequest]) -> None:
    hidden = Deployment("delay", personal={"flight": "hash"})
    with CaptureLog(captured.root, hidden, "w1") as log:
        log.add([request_of(1, inputs={"flight": ["N14228"]})])
    Labels(captured, Later()).add(hidden, pa.table({"flight": ["N14228"], "late": [1]}), key="flight")
    assert told(captured) == {"r1": 1}
    assert all(b"N14228" not in path.read_bytes() for path in captured.root.rglob("*") if path.is_file())


def test_when_a_label_was_known_may_be_said(captured: Captured, labels: Labels) -> None:
    at = datetime(2026, 11, 27, 20, tzinfo=UTC)
    table = pa.table({"flight": [1], "late": [1], "landed": pa.array([at], pa.timestamp("us", "UTC"))})
    labels.add(DELAY, table, key="flight", label="late", at="landed")
    assert captured.labels("delay").collect()["at"].to_list() == [at]
    assert captured.labels("delay", since=at + timedelta(hours=1)).collect().height == 0


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"flight": [1], "a": [1], "b": [2]}, "not said which column"),
        ({"tail": [1], "label": [1]}, "have no column flight"),
        ({"flight": [1, None], "late": [1, 1]}, "1 labels have no flight"),
    ],
)
def test_what_is_no_table_of_labels_is_refused(labels: Labels, table: dict[str, list[int]], said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        labels.add(DELAY, pa.table(table), key="flight")
