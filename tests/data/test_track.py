"""Data that stays where it is: recorded once, read only when it is the same still."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest

from nbmlops.core import digests
from nbmlops.core.errors import (
    ConflictError,
    InvalidError,
    NbmlopsError,
    NotFoundError,
    UntrustedError,
)
from nbmlops.data.tracked import Entry, Tracked
from nbmlops.render.dispatch import text
from nbmlops.workspace import Workspace
from tests.web_server import Page, WebServer

FRAME = pd.DataFrame({"id": range(5_000), "month": np.arange(5_000) % 12, "x": np.arange(5_000) / 7})


def parquet(frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file, row_group_size=500)
    return file.getvalue()


def put(url: str, content: bytes) -> None:
    files, path = fsspec.core.url_to_fs(url)
    files.pipe_file(path, content)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as one:
        yield one


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer() as one:
        one.pages["/flights.parquet"] = Page(parquet(FRAME), etag='"1"')
        yield one


@pytest.fixture
def memory() -> str:
    """A folder of fsspec's file system in memory."""
    return f"memory://track-{os.urandom(4).hex()}"


def test_a_table_on_the_web_is_read_where_it_is(workspace: Workspace, server: WebServer) -> None:
    url = f"{server.url}/flights.parquet"
    tracked = workspace.data.track(url, "flights_ext", message="theirs")
    assert (tracked.ref, tracked.format, tracked.tracked) == ("flights_ext@v1", "tracked", "file")
    assert (tracked.source, tracked.etag, tracked.size) == (url, '"1"', len(parquet(FRAME)))
    assert (tracked.rows, [column.name for column in tracked.columns]) == (5_000, ["id", "month", "x"])
    assert tracked.new_bytes < 1_000
    pd.testing.assert_frame_equal(workspace.data.load("flights_ext"), FRAME)
    some = workspace.data.load("flights_ext", columns="x", where="month = 2 and id > 4000", as_="arrow")
    assert some.column_names == ["x"]
    assert some["x"].to_pylist() == FRAME.query("month == 2 and id > 4000").x.tolist()
    assert len(workspace.data.load("flights_ext", sample=7)) == 7
    assert workspace.data.load("flights_ext", as_="path").read_bytes() == parquet(FRAME)
    assert f"stays at {url}" in text(workspace.data.show("flights_ext"))
    assert url in text(workspace.data.history("flights_ext"))


def test_a_tracked_table_is_checked_and_its_source_drawn(workspace: Workspace, server: WebServer) -> None:
    url = f"{server.url}/flights.parquet"
    workspace.data.track(url, "ext")
    assert workspace.check.data("ext", "table: rows between (5000, 5000)\nid: unique").status == "passed"
    with workspace.run("cleaning"):
        workspace.data.save(workspace.data.load("ext").head(9), "clean")
    assert f"from {url}" in workspace.lineage("clean").mermaid() + text(workspace.lineage("clean"))


def test_what_has_changed_is_not_read_and_tracked_again(workspace: Workspace, server: WebServer) -> None:
    url = f"{server.url}/flights.parquet"
    first = workspace.data.track(url, "ext")
    assert workspace.data.track(url, "ext") == first
    page = server.pages["/flights.parquet"]
    page.content, page.etag = parquet(FRAME.head(9)), '"2"'
    with pytest.raises(
        ConflictError, match=r"has changed since ext@v1 was tracked: .* bytes, etag \"1\" → \"2\""
    ) as no:
        workspace.data.load("ext")
    assert no.value.hint == f"track it again: `nbmlops data track {url} ext`"
    second = workspace.data.track(url, "ext")
    assert second.ref == "ext@v2"
    pd.testing.assert_frame_equal(workspace.data.load("ext"), FRAME.head(9))
    with pytest.raises(ConflictError, match="since ext@v1 was tracked"):
        workspace.data.load("ext@v1")
    page.content = bytes(reversed(page.content))
    with pytest.raises(ConflictError, match=r"changed since ext@v2 was tracked: digest \w+ → \w+\n"):
        workspace.data.load("ext@v2", to=workspace.marker.root / "out.parquet")
    assert not (workspace.marker.root / "out.parquet").exists()
    page.content, page.etag = parquet(FRAME), '"3"'  # the same bytes, put there again
    pd.testing.assert_frame_equal(workspace.data.load("ext@v1"), FRAME)
    del server.pages["/flights.parquet"]
    with pytest.raises(NotFoundError, match=r"nothing is left at .*, where ext@v1 was tracked"):
        workspace.data.load("ext@v1")


def test_a_folder_is_known_by_its_files(workspace: Workspace, memory: str, tmp_path: Path) -> None:
    for name in ("a/1.csv", "a/2.csv", "b.csv"):
        put(f"{memory}/raw/{name}", name.encode())
    tracked = workspace.data.track(f"{memory}/raw")
    assert (tracked.ref, tracked.tracked, tracked.size) == ("raw@v1", "folder", 19)
    at = workspace.data.load("raw", to=tmp_path / "copy")
    assert (at / "a" / "2.csv").read_bytes() == b"a/2.csv"
    put(f"{memory}/raw/a/3.csv", b"new")
    with pytest.raises(ConflictError, match=r"since raw@v1 was tracked: a/3\.csv added"):
        workspace.data.load("raw")
    put(f"{memory}/raw/b.csv", b"other")
    assert workspace.data.track(f"{memory}/raw").ref == "raw@v2"
    diff = workspace.data.diff("raw@v1", "raw@v2")
    assert [(file.what, file.path) for file in diff.files] == [("added", "a/3.csv"), ("modified", "b.csv")]


def test_rows_are_compared_where_both_can_be_read(workspace: Workspace, server: WebServer) -> None:
    changed = FRAME.assign(x=FRAME.x.where(FRAME.id != 7, 0.0))
    server.pages["/new.parquet"] = Page(parquet(changed), etag='"9"')
    workspace.data.track(f"{server.url}/flights.parquet", "ext")
    workspace.data.track(f"{server.url}/new.parquet", "ext")
    diff = workspace.data.diff("ext@v1", "ext@v2", key="id")
    assert [(cell.row, cell.column, cell.after) for cell in diff.cells] == [((7,), "x", 0.0)]
    assert workspace.data.diff("ext@v1", "ext@v2").rows is not None
    assert len(diff.to_pandas()) == 1
    server.pages["/flights.parquet"].etag = '"2"'
    server.pages["/flights.parquet"].content = parquet(FRAME.tail(9))
    with pytest.raises(ConflictError, match="since ext@v1 was tracked"):
        workspace.data.diff("ext@v1", "ext@v2", key="id")
    (file,) = workspace.data.diff("ext@v1", "ext@v2").files
    assert (file.what, file.before, file.after) == ("modified", len(parquet(FRAME)), len(parquet(changed)))
    workspace.data.track(f"{server.url}/flights.parquet", "ext")
    assert workspace.data.diff("ext@v3", "ext@v3").same
    workspace.data.save(FRAME, "ext")
    with pytest.raises(InvalidError, match="ext@v3 is tracked where it is and ext@v4 a table"):
        workspace.data.diff("ext@v3", "ext@v4")


def test_a_path_of_this_machine_is_tracked_too(workspace: Workspace, tmp_path: Path) -> None:
    inside = workspace.marker.root / "data" / "flights.csv"
    inside.parent.mkdir()
    inside.write_text("a\n1\n")
    tracked = workspace.data.track(inside)
    assert (tracked.ref, tracked.source) == ("flights@v1", "data/flights.csv")
    assert workspace.data.load("flights") == inside
    copy = workspace.data.load("flights", to=tmp_path / "copy.csv")
    assert copy.read_text() == "a\n1\n"
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "x.parquet").write_bytes(parquet(FRAME))
    assert workspace.data.track(str(outside), "folder").source == outside.as_uri()
    assert workspace.data.load("folder") == outside
    workspace.data.track((outside / "x.parquet").as_uri(), "table")
    pd.testing.assert_frame_equal(workspace.data.load("table", where="id < 3"), FRAME.head(3))
    inside.write_text("a\n2\n")
    with pytest.raises(ConflictError, match="digest"):
        workspace.data.load("flights")


def test_nothing_but_the_record_is_kept_and_travels(workspace: Workspace, server: WebServer, tmp_path: Path) -> None:
    content = np.random.default_rng(0).bytes(3_000_000)
    server.pages["/noise.bin"] = Page(content)
    tracked = workspace.data.track(f"{server.url}/noise.bin")
    assert workspace.store.gc(grace="0d").freed == ()
    assert sum(path.stat().st_size for path in workspace.marker.state.rglob("*") if path.is_file()) < 1_000_000
    workspace.data.push(to=str(tmp_path / "remote"))
    with Workspace.init(tmp_path / "other") as other:
        other.data.pull(from_=str(tmp_path / "remote"))
        assert other.data.show("noise").digest == tracked.digest
        assert other.data.load("noise").read_bytes() == content
        assert other.store.verify(full=True).ok


def test_an_address_that_somebody_else_named_is_asked_only_when_they_are_trusted(
    workspace: Workspace, server: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.data.track(f"{server.url}/flights.parquet", "ext")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another person"))
    with Workspace.open(workspace.marker.root) as theirs:
        asked = len(server.asked)
        with pytest.raises(UntrustedError, match=r"ext@v1 lies at http://.*, and you have not said"):
            theirs.data.load("ext")
        assert len(server.asked) == asked


@pytest.mark.parametrize(
    ("where", "error", "said"),
    [
        ("https://ann:hunter2@host/x.csv", InvalidError, "credentials are never stored"),
        ("https://host/x.csv?signature=hunter2", InvalidError, "credentials are never stored"),
        ("s3://key:hunter2@bucket/x.csv", InvalidError, "credentials are never stored"),
        ("memory://nowhere/x.csv", NotFoundError, "there is nothing at memory://nowhere"),
        ("nowhere.csv", NotFoundError, r"there is nothing at .*nowhere\.csv"),
        (".nbmlops", InvalidError, "holds what nbmlops keeps"),
    ],
)
def test_what_cannot_be_tracked_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, where: str, error: type[NbmlopsError], said: str
) -> None:
    monkeypatch.chdir(workspace.marker.root)
    with pytest.raises(error, match=said) as refused:
        workspace.data.track(where, "name")
    assert "hunter2" not in str(refused.value)
    assert workspace.data.list() == []


def test_a_parquet_file_that_is_none_is_refused(workspace: Workspace, memory: str) -> None:
    for content in (b"", b"PAR1", b"no table at all, whatever its name says"):
        put(f"{memory}/x.parquet", content)
        with pytest.raises(InvalidError, match="cannot be read as Parquet"):
            workspace.data.track(f"{memory}/x.parquet")


def test_a_record_says_what_it_says_for_good() -> None:
    entry = Entry(digests.of_bytes(b"1"), 1)
    record = Tracked("s3://bucket/raw", "folder", {"b": entry, "a": entry})
    assert Tracked.parse(record.render()) == record
    assert record.render() == Tracked("s3://bucket/raw", "folder", {"a": entry, "b": entry}).render()
    known = json.loads(record.render())
    assert (known["protocol"], known["digest"]) == (1, digests.of_bytes(digests.canonical_json(known["files"])))
    with pytest.raises(NbmlopsError, match="protocol 2"):
        Tracked.parse(json.dumps({**known, "protocol": 2}).encode())
