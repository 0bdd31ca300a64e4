"""Delta tables that stay where they are are read at the version that was tracked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from nbmlops.core.errors import ConflictError, DependencyError, InvalidError, NotFoundError, UnavailableError
from nbmlops.workspace import Workspace

FLIGHTS = pa.table(
    {
        "id": range(1_000),
        "month": [n % 12 for n in range(1_000)],
        "carrier": [["UA", "A A", "ü/1"][n % 3] for n in range(1_000)],
        "delay": [n / 7 for n in range(1_000)],
    }
)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as one:
        yield one


@pytest.fixture
def delta(tmp_path: Path) -> Path:
    at = tmp_path / "delta"
    write_deltalake(at, FLIGHTS, partition_by=["carrier"])
    return at


def sorted_by_id(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[FLIGHTS.column_names].sort_values("id", ignore_index=True)


def test_the_version_that_was_tracked_is_read_though_the_table_moved_on(workspace: Workspace, delta: Path) -> None:
    first = workspace.data.track(delta, "ext")
    assert (first.tracked, first.etag, first.rows) == ("delta", "version 0", 1_000)
    assert [column.name for column in first.columns] == FLIGHTS.column_names
    assert workspace.data.track(delta, "ext") == first
    write_deltalake(
        delta, FLIGHTS.slice(0, 5).set_column(0, "id", [[2_000, 2_001, 2_002, 2_003, 2_004]]), mode="append"
    )
    pd.testing.assert_frame_equal(sorted_by_id(workspace.data.load("ext")), FLIGHTS.to_pandas())
    second = workspace.data.track(delta, "ext")
    assert (second.ref, second.etag, second.rows) == ("ext@v2", "version 1", 1_005)
    diff = workspace.data.diff("ext@v1", "ext@v2", key="id")
    assert diff.rows is not None
    assert (diff.rows.added, diff.rows.removed, diff.rows.changed) == (5, 0, 0)


def test_only_what_is_asked_for_is_read(workspace: Workspace, delta: Path, tmp_path: Path) -> None:
    workspace.data.track(delta, "ext")
    frame = FLIGHTS.to_pandas()
    for where, query in {
        "month = 2 and carrier = 'ü/1'": "month == 2 and carrier == 'ü/1'",
        "delay > 100 and id < 900": "delay > 100 and id < 900",
        "id > 5000": "id > 5000",
    }.items():
        found = workspace.data.load("ext", columns="id,delay".split(","), where=where)
        assert list(found.columns) == ["id", "delay"]
        assert sorted(found.id) == sorted(frame.query(query).id)
    assert len(workspace.data.load("ext", sample=7, where="month = 2")) == 7
    at = workspace.data.load("ext", to=tmp_path / "out.csv", columns="id")
    assert len(at.read_text().splitlines()) == 1_001
    with pytest.raises(InvalidError, match="there is no column 'mnth'"):
        workspace.data.load("ext", where="mnth = 2")


def test_files_that_were_removed_are_missed(workspace: Workspace, delta: Path) -> None:
    workspace.data.track(delta, "ext")
    write_deltalake(delta, FLIGHTS.slice(0, 5), mode="overwrite")
    DeltaTable(delta).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    with pytest.raises(ConflictError, match=r"has changed since ext@v1 was tracked: carrier=.*parquet removed"):
        workspace.data.load("ext")
    workspace.data.track(delta, "ext")
    assert len(workspace.data.load("ext")) == 5
    for log in (delta / "_delta_log").iterdir():
        log.unlink()
    with pytest.raises((ConflictError, NotFoundError, UnavailableError), match=r"ext|Delta"):
        workspace.data.load("ext")


def test_a_log_that_cannot_be_read_is_said(workspace: Workspace, delta: Path) -> None:
    (delta / "_delta_log" / "00000000000000000000.json").write_text("no JSON")
    with pytest.raises(UnavailableError, match=r"the Delta table .* cannot be read"):
        workspace.data.track(delta, "ext")


def test_the_package_that_is_missing_is_named(
    workspace: Workspace, delta: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(DependencyError, match="is not installed") as refused:
        workspace.data.track(delta, "ext")
    assert refused.value.hint == "pip install 'nbmlops[delta]'"
