from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.capture.reading import Captured
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.records import Deployment
from tests.serving.conftest import NOON

Make = Callable[..., CapturedRequest]


def log_of(captured: Captured, worker: str = "w1", **said: object) -> CaptureLog:
    return CaptureLog(captured.root, Deployment("delay", **said), worker)  # type: ignore[arg-type]


def test_rows_are_read_while_they_are_written_and_the_same_after_folding(captured: Captured, request_of: Make) -> None:
    with log_of(captured) as log:
        log.add([request_of(number) for number in range(10)])
        log.flush()
        open_rows = captured.rows("delay").collect().sort("_id")
        open_hours = captured.hours("delay")
    assert open_rows.height == 10
    assert captured.fold("delay") == 1
    assert captured.rows("delay").collect().sort("_id").equals(open_rows)
    (hour,), (before,) = captured.hours("delay"), open_hours
    assert (hour.rows, hour.requests, hour.errors) == (before.rows, before.requests, before.errors) == (10, 10, 0)
    assert hour.profile is not None
    assert hour.profile.column("in:distance").moments.mean == 4.5
    assert hour.latency_ms(0.5) == 5.0
    assert list(captured.place("delay").segments()) == []


def test_columns_and_their_types_are_those_that_were_agreed(captured: Captured, request_of: Make) -> None:
    with log_of(captured) as log:
        log.add([request_of(1, key="N1")])
    rows = captured.rows("delay").collect()
    assert rows.schema == pl.Schema(
        {
            "_id": pl.String,
            "_at": pl.Datetime("us", "UTC"),
            "_version": pl.Int32,
            "_role": pl.String,
            "_key": pl.String,
            "_latency_ms": pl.Float32,
            "_status": pl.Int16,
            "_worker": pl.String,
            "_memory": pl.Int64,
            "in:distance": pl.Float64,
            "in:carrier": pl.String,
            "out:predict": pl.Int64,
        }
    )
    assert rows.row(0, named=True)["_key"] == "N1"


def test_each_hour_version_and_role_is_apart(captured: Captured, request_of: Make) -> None:
    with log_of(captured) as log:
        log.add([request_of(1, -1), request_of(2, 1), request_of(3, 1, version=2), request_of(4, 1, role="shadow")])
    hours = captured.hours("delay", role=None)
    assert [(hour.start, hour.version, hour.role, hour.rows) for hour in hours] == [
        (NOON - timedelta(hours=1), 1, "served", 1),
        (NOON, 1, "served", 1),
        (NOON, 1, "shadow", 1),
        (NOON, 2, "served", 1),
    ]
    assert [hour.start for hour in captured.hours("delay", since=NOON)] == [NOON, NOON]
    assert captured.rows("delay", until=NOON).collect()["_id"].to_list() == ["r1"]
    assert captured.rows("delay", version=2, columns=["_id"]).collect()["_id"].to_list() == ["r3"]


def test_rows_of_one_request_count_once_and_a_refused_one_is_an_error(captured: Captured, request_of: Make) -> None:
    three = {"distance": [1.0, 2.0, 3.0], "carrier": ["UA", "DL", None]}
    with log_of(captured) as log:
        log.add([request_of(1, inputs=three, outputs={"predict": [0, 1, 1]}, rows=3)])
        log.add([request_of(2, inputs=None, outputs=None, status=422)])
    (hour,) = captured.hours("delay")
    assert (hour.rows, hour.requests, hour.errors) == (4, 2, 1)
    rows = captured.rows("delay").collect().sort("_id")
    assert rows["_id"].to_list() == ["r1#0", "r1#1", "r1#2", "r2"]
    assert rows["in:distance"].to_list() == [1.0, 2.0, 3.0, None]


def test_what_does_not_fit_its_type_is_null_and_counted(captured: Captured, request_of: Make) -> None:
    import pyarrow as pa

    with log_of(captured) as log:
        log.declare(1, pa.schema([("in:distance", pa.float64()), ("out:predict", pa.int64())]))
        log.add([request_of(1), request_of(2, inputs={"distance": ["far"]})])
        log.flush()
        assert (log.counts.written, log.counts.unfit) == (2, 1)
    assert captured.rows("delay").collect()["in:distance"].to_list() == [1.0, None]


def test_a_full_queue_leaves_requests_out_and_counts_them(captured: Captured, request_of: Make) -> None:
    with CaptureLog(captured.root, Deployment("delay"), "w1", most=5) as log:
        log._flushing.acquire()  # the writer is held up
        log.add([request_of(number) for number in range(8)])
        log._flushing.release()
        assert log.counts.dropped == 3
    assert captured.rows("delay").collect().height == 5


def test_a_torn_tail_is_read_up_to_the_tear(captured: Captured, request_of: Make) -> None:
    with log_of(captured) as log:
        for part in range(3):
            log.add([request_of(10 * part + number) for number in range(10)])
            log.flush()
    (path,) = captured.place("delay").segments()
    content = path.read_bytes()
    found = set()
    for length in range(0, len(content), 97):
        path.write_bytes(content[:length])
        found.add(captured.rows("delay").collect().height)
    assert found == {0, 10, 20}
    assert captured.fold("delay") == 1
    assert captured.hours("delay")[0].rows == 20


def test_folding_that_was_cut_off_counts_nothing_twice(captured: Captured, request_of: Make) -> None:
    with log_of(captured) as log:
        log.add([request_of(1, -1), request_of(2, 1)])
    (path,) = captured.place("delay").segments()
    content = path.read_bytes()
    captured.fold("delay")
    path.write_bytes(content)  # it ended before the log was removed
    assert captured.rows("delay").collect().height == 2
    assert [hour.rows for hour in captured.hours("delay")] == [1, 1]
    assert captured.rows("delay").collect().height == 2
    assert not path.exists()


def test_personal_columns_are_dropped_or_hashed_before_anything_is_written(
    captured: Captured, request_of: Make
) -> None:
    personal = {"carrier": "hash", "name": "drop"}
    with log_of(captured, personal=personal, sticky="carrier") as log:
        inputs = {"distance": [1.0], "carrier": ["SECRET-UA"], "name": ["SECRET-ANNA"]}
        log.add([request_of(1, inputs=inputs, key="SECRET-UA"), request_of(2, inputs=inputs, key="SECRET-UA")])
        log.flush()
        everything = b"".join(path.read_bytes() for path in captured.root.rglob("*") if path.is_file())
    captured.fold("delay")
    everything += b"".join(path.read_bytes() for path in captured.root.rglob("*") if path.is_file())
    assert b"SECRET" not in everything
    rows = captured.rows("delay").collect()
    assert "in:name" not in rows.columns
    assert rows["in:carrier"].n_unique() == 1
    assert rows["in:carrier"].to_list() == rows["_key"].to_list()


def test_what_is_kept_is_drawn_by_the_id_and_profiles_are_of_all(captured: Captured, request_of: Make) -> None:
    for worker in ("w1", "w2"):  # a retry at another replica
        with log_of(captured, worker, sampled=0.2) as log:
            log.add([request_of(number) for number in range(1_000)])
    before = captured.rows("delay").collect()
    captured.fold("delay")
    rows = captured.rows("delay").collect()
    assert rows.height == before.height
    assert 150 < rows.height / 2 < 250
    assert (rows.group_by("_id").len()["len"] == 2).all()
    assert captured.hours("delay")[0].rows == 2_000


def test_a_changed_policy_holds_from_then_on(captured: Captured, request_of: Make) -> None:
    with log_of(captured) as log:
        log.add([request_of(1)])
        log.follow(Deployment("delay", personal={"carrier": "drop"}))
        log.add([request_of(2)])
    rows = captured.rows("delay").collect().sort("_id")
    assert rows["in:carrier"].to_list() == ["UA", None]
    assert sum(hour.rows for hour in captured.hours("delay")) == 2


def test_a_full_disk_stops_capture_not_the_service_and_tears_nothing(
    captured: Captured, request_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    real = os.write

    def full(descriptor: int, content: memoryview) -> int:
        real(descriptor, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    with log_of(captured) as log:
        log.add([request_of(1)])
        log.flush()
        monkeypatch.setattr(os, "write", full)
        log.add([request_of(2)])
        log.flush()
        assert (log.counts.written, log.counts.failed) == (1, 1)
        assert "No space left" in log.counts.error
        monkeypatch.setattr(os, "write", real)
        log.add([request_of(3)])
    assert sorted(captured.rows("delay").collect()["_id"]) == ["r1", "r3"]


def test_nothing_captured_is_no_rows(captured: Captured) -> None:
    assert captured.rows("delay").collect().height == 0
    assert captured.hours("delay") == []
    assert captured.labels("delay").collect().height == 0
    assert captured.labelled("delay").collect().height == 0
    assert captured.deployments() == []


def test_a_name_that_leads_elsewhere_is_refused(captured: Captured, tmp_path: Path) -> None:
    from nbmlops.core.errors import NbmlopsError

    with pytest.raises(NbmlopsError):
        captured.rows("../elsewhere")
