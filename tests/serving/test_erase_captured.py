"""An erasure reaches what was captured of deployments: requests, labels, profiles of hours; and loses nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.core.clock import SystemClock, microseconds
from nbmlops.core.errors import RefusedError
from nbmlops.data.erasable import Reached, Sought
from nbmlops.data.literals import Literals
from nbmlops.data.secret import SecretCondition
from nbmlops.serving.capture.erasing import CapturedRequests
from nbmlops.serving.capture.labels import Labels
from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.capture.reading import Captured
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.records import Deployment
from nbmlops.workspace import Workspace
from tests.serving.conftest import NOON

TAIL = "N14228"


def sought(condition: str) -> Sought:
    return Sought(SecretCondition(condition), Literals.of(condition))


def ask(number: int, tail: str, delay: float, minutes: float = 0) -> CapturedRequest:
    at = microseconds(NOON + timedelta(minutes=minutes))
    inputs = {"tail": [tail], "delay": [delay]}
    return CapturedRequest(f"r{number}", at, 1, inputs=inputs, outputs={"predict": [0]})


def capture(captured: Captured, requests: list[CapturedRequest], **said: Any) -> None:
    with CaptureLog(captured.root, Deployment("delay", **said), "w1") as log:
        log.add(requests)


def nobody(_deployment: str) -> None:
    """Nothing is on hold."""


def erase(captured: Captured, condition: str) -> dict[str, int]:
    place = CapturedRequests(captured, nobody)
    told = {one.what: one.rows for one in place.find(sought(condition))}
    assert {one.what: one.rows for one in place.erase(sought(condition))} == told
    assert place.find(sought(condition)) == []
    return told


def holds(folder: Path, value: str) -> list[str]:
    """Files in which a value stands, read as Parquet where they are."""
    found = []
    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
            if table.astype(str).apply(lambda column: column.str.contains(value)).any(axis=None):
                found.append(path.name)
        elif path.is_file() and value.encode() in path.read_bytes():
            found.append(path.name)
    return found


def test_rows_that_meet_the_condition_leave_with_their_labels(captured: Captured) -> None:
    capture(captured, [ask(n, TAIL if n % 5 == 0 else f"N{n:05}", n, n) for n in range(100)])
    keys = pa.table({"_id": [f"r{n}" for n in range(100)], "label": [n % 2 for n in range(100)]})
    Labels(captured, SystemClock()).add(Deployment("delay"), keys)
    assert erase(captured, f"tail = '{TAIL}'") == {
        "captured requests of delay": 20,
        "labels of delay": 20,
    }
    left = captured.rows("delay").collect()
    assert sorted(left["_id"]) == sorted(f"r{n}" for n in range(100) if n % 5)
    assert captured.labels("delay").collect().height == 80
    assert holds(captured.root, TAIL) == []
    # Profiles are of the rows that stay; how many were answered is a fact, and stays.
    assert sum(hour.rows for hour in captured.hours("delay")) == 100
    assert sum(hour.profile.rows for hour in captured.hours("delay") if hour.profile) == 80


def test_rows_of_the_same_key_that_do_not_meet_the_condition_stay(captured: Captured) -> None:
    capture(captured, [ask(n, TAIL, n) for n in range(10)])
    erase(captured, f"tail = '{TAIL}' and delay >= 7")
    assert sorted(captured.rows("delay").collect()["in:delay"]) == list(range(7))


def test_where_a_column_of_the_condition_is_not_there_the_value_decides(captured: Captured) -> None:
    capture(captured, [ask(n, TAIL if n < 3 else "N1", n) for n in range(10)])
    erase(captured, f"tail = '{TAIL}' and carrier = 'UA'")
    assert sorted(captured.rows("delay").collect()["in:delay"]) == list(range(3, 10))


def test_an_input_that_is_kept_as_a_hash_is_found(captured: Captured) -> None:
    capture(captured, [ask(n, TAIL if n < 3 else "N1", n) for n in range(10)], personal={"tail": "hash"})
    capture(captured, [ask(n, TAIL, n) for n in range(10, 12)], personal={"tail": "drop"})
    label = pa.table({"tail": [TAIL, "N1"], "label": [1, 0]})
    Labels(captured, SystemClock()).add(Deployment("delay", personal={"tail": "hash"}), label, key="tail")
    erase(captured, f"tail = '{TAIL}'")
    # What was dropped was never there; nothing tells these rows from others.
    assert sorted(captured.rows("delay").collect()["in:delay"]) == list(range(3, 12))
    assert captured.labels("delay").collect().height == 1


def test_the_profile_of_an_hour_of_which_not_all_rows_were_kept_goes_when_a_value_is_in_it(captured: Captured) -> None:
    capture(captured, [ask(n, TAIL if n % 2 else "N1", n) for n in range(200)], sampled=0.1)
    kept = captured.rows("delay").collect()
    erase(captured, f"tail = '{TAIL}'")
    left = captured.rows("delay").collect()
    assert sorted(left["_id"]) == sorted(kept.filter(kept["in:tail"] != TAIL)["_id"])
    (hour,) = captured.hours("delay")
    assert hour.profile is None
    assert hour.rows == 200
    assert holds(captured.root, TAIL) == []


def test_an_endpoint_that_answers_lets_go_of_its_log(captured: Captured) -> None:
    with CaptureLog(captured.root, Deployment("delay"), "w1") as log:
        log.add([ask(1, TAIL, 1), ask(2, "N1", 2)])
        log.flush()
        erase(captured, f"tail = '{TAIL}'")
        log.add([ask(3, "N2", 3)])
        log.flush()
        assert sorted(captured.rows("delay").collect()["in:delay"]) == [2, 3]
    assert holds(captured.root, TAIL) == []


def test_a_log_that_is_not_let_go_of_is_told(captured: Captured, tmp_path: Path) -> None:
    import fcntl
    import shutil

    capture(captured, [ask(1, TAIL, 1)])
    (segment,) = captured.place("delay").segments()
    other = segment.with_name(f"9{segment.name[1:]}")
    shutil.copy(segment, other)
    with other.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        told = CapturedRequests(captured, nobody, patience=0.1).erase(sought(f"tail = '{TAIL}'"))
    assert any("does not let go" in left for one in told for left in one.left)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([TAIL, "N1", "xN14228x", "N2"]), st.integers(0, 3)), max_size=30),
    st.sampled_from([f"tail = '{TAIL}'", f"tail = '{TAIL}' and delay > 1", "delay = 2", f"upper(tail) = '{TAIL}'"]),
)
def test_exactly_the_rows_leave_that_pandas_would_take_out(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, int]], condition: str
) -> None:
    captured = Captured(tmp_path_factory.mktemp("capture"))
    capture(captured, [ask(n, tail, delay, 7 * n) for n, (tail, delay) in enumerate(said)])
    erase(captured, condition)
    rules: dict[str, Callable[[str, int], bool]] = {
        f"tail = '{TAIL}'": lambda tail, _: tail == TAIL,
        f"tail = '{TAIL}' and delay > 1": lambda tail, delay: tail == TAIL and delay > 1,
        "delay = 2": lambda _, delay: delay == 2,
        f"upper(tail) = '{TAIL}'": lambda tail, _: tail.upper() == TAIL,
    }
    left = [f"r{n}" for n, (tail, delay) in enumerate(said) if not rules[condition](tail, delay)]
    assert sorted(captured.rows("delay").collect()["_id"]) == sorted(left)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        made.data.save(pd.DataFrame({"tail": [TAIL, "N1"], "delay": [1.0, 2.0]}), "flights")
        capture(made.deployment.captured, [ask(n, TAIL if n < 3 else "N1", n) for n in range(10)])
        yield made


@pytest.fixture
def condition(tmp_path: Path) -> Path:
    path = tmp_path / "where.txt"
    path.write_text(f"tail = '{TAIL}'")
    return path


def test_erasing_data_erases_what_was_captured(workspace: Workspace, condition: Path) -> None:
    planned = workspace.data.erase("flights", where_file=condition, dry_run=True)
    assert planned.records == {"captured requests of delay": 3}
    assert workspace.deployment.captured.rows("delay").collect().height == 10
    done = workspace.data.erase("flights", where_file=condition, yes=True)
    assert done.records == planned.records
    assert workspace.deployment.captured.rows("delay").collect().height == 7
    assert holds(workspace.marker.state / "capture", TAIL) == []


def test_what_was_captured_of_a_model_on_hold_stays_and_so_does_all_else(workspace: Workspace, condition: Path) -> None:
    root = workspace.data.show("flights").digest
    content = {"digest": "d" * 64, "root": root, "size": 1, "new_bytes": 0, "detail": {}}
    workspace.versions("model").enter("delay", content)
    workspace.store.hold("delay", reason="case 12")
    with pytest.raises(RefusedError, match=r"what was captured of delay cannot be erased: .* case 12"):
        workspace.data.erase("flights", where_file=condition, yes=True)
    assert workspace.deployment.captured.rows("delay").collect().height == 10
    assert len(workspace.data.load("flights")) == 2
    with pytest.raises(RefusedError, match="cannot be forgotten"):
        workspace.deployment.forget("delay", older="0")


def test_what_an_erasable_does_not_reach_is_told(workspace: Workspace, condition: Path) -> None:
    class Away:
        def find(self, _sought: Sought) -> list[Reached]:
            return [Reached("rows of the online store", 2, ("the online store at localhost: it is away",))]

        erase = find

        def settle(self) -> None:
            """Nothing."""

    workspace.data.erasables = lambda: [Away()]
    done = workspace.data.erase("flights", where_file=condition, yes=True)
    assert done.records is not None
    assert done.records["rows of the online store"] == 2
    assert "the online store at localhost: it is away" in done.listed
