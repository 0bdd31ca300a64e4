"""What lies at an address is saved as a path is, and nothing secret of the address is kept."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest

from nbmlops.core.errors import ConflictError, InvalidError, NbmlopsError, NotFoundError, UnsupportedError
from nbmlops.workspace import Workspace
from tests.web_server import Page, WebServer

FRAME = pd.DataFrame({"id": range(5_000), "x": np.random.default_rng(0).normal(size=5_000)})


def parquet(frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file)
    return file.getvalue()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as one:
        yield one


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer() as one:
        one.pages["/in/flights.parquet"] = Page(parquet(FRAME), etag='"1"')
        one.pages["/in/flights.csv.gz"] = Page(FRAME.to_csv(index=False, compression=None).encode())
        yield one


@pytest.fixture
def memory() -> str:
    """A folder of fsspec's file system in memory."""
    return f"memory://urls-{os.urandom(4).hex()}"


def put(url: str, content: bytes) -> None:
    files, path = fsspec.core.url_to_fs(url)
    files.pipe_file(path, content)


def scratch_of(workspace: Workspace) -> list[Path]:
    return [path for path in (workspace.marker.state / "scratch").rglob("*") if path.is_file()]


def test_a_parquet_file_on_the_web_becomes_the_table_in_it(workspace: Workspace, server: WebServer) -> None:
    told: list[int] = []
    saved = workspace.data.save(f"{server.url}/in/flights.parquet", progress=told.append)
    assert (saved.ref, saved.format, saved.source) == ("flights@v1", "table", f"{server.url}/in/flights.parquet")
    pd.testing.assert_frame_equal(workspace.data.load("flights"), FRAME)
    assert sum(told) == len(parquet(FRAME))
    assert workspace.data.save(FRAME, "flights").ref == "flights@v1"
    assert scratch_of(workspace) == []


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "jsonl"])
def test_text_becomes_a_table_when_asked_and_is_else_kept_as_it_is(
    workspace: Workspace, server: WebServer, tmp_path: Path, ending: str
) -> None:
    local = tmp_path / f"flights.{ending}"
    if ending == "jsonl":
        FRAME.to_json(local, orient="records", lines=True, double_precision=15)
    else:
        FRAME.to_csv(local, index=False)
    server.pages[f"/{local.name}"] = Page(local.read_bytes())
    url = f"{server.url}/{local.name}"
    table = workspace.data.save(url, as_="table")
    assert table.digest == workspace.data.save(local, "other", as_="table").digest
    kept = workspace.data.save(url)
    assert (kept.ref, kept.format) == ("flights@v2", "file")
    path = workspace.data.load("flights")
    assert (path.name, path.read_bytes()) == (local.name, local.read_bytes())


def test_a_folder_is_saved_with_all_its_files(workspace: Workspace, memory: str, tmp_path: Path) -> None:
    for number in range(40):
        put(f"{memory}/raw/part-{number % 4}/{number}.csv", f"a\n{number}\n".encode())
    put(f"{memory}/raw/empty", b"")
    put(f"{memory}/raw/large", bytes(9_000_000))
    put(f"{memory}/rawer/not-of-it", b"")
    saved = workspace.data.save(f"{memory}/raw/")
    assert (saved.ref, saved.format, saved.source) == ("raw@v1", "folder", f"{memory}/raw")
    at = workspace.data.load("raw", to=tmp_path / "raw")
    assert len([path for path in at.rglob("*") if path.is_file()]) == 42
    assert (at / "part-3" / "7.csv").read_bytes() == b"a\n7\n"
    assert workspace.data.save(at, "local").digest == saved.digest
    assert workspace.data.save(f"{memory}/raw").ref == "raw@v1"
    with pytest.raises(InvalidError, match="is a folder and cannot be saved as a table"):
        workspace.data.save(f"{memory}/raw", as_="table")


def test_a_large_file_comes_in_blocks(workspace: Workspace, memory: str) -> None:
    content = np.random.default_rng(0).bytes(20_000_001)
    put(f"{memory}/large.bin", content)
    workspace.data.save(f"{memory}/large.bin")
    assert workspace.data.load("large").read_bytes() == content


def test_a_local_address_is_a_path(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "my flights.parquet"
    FRAME.to_parquet(path)
    saved = workspace.data.save(path.as_uri(), "flights")
    assert (saved.format, saved.source) == ("table", path.as_uri())
    with pytest.raises(NotFoundError, match="there is no file"):
        workspace.data.save(f"file://{tmp_path}/flihgts.parquet")


def test_nothing_secret_of_an_address_is_kept_or_told(workspace: Workspace, server: WebServer) -> None:
    server.pages["/in/flights.parquet"].query = "X-Amz-Signature=geheim1&part=a"
    server.pages["/in/flights.parquet"].login = "Basic YW5uOmdlaGVpbTI="
    url = f"http://ann:geheim2@{server.host}/in/flights.parquet?X-Amz-Signature=geheim1&part=a"
    with workspace.run("fetching"):
        saved = workspace.data.save(url)
    for wrong in (url.replace("flights", "nowhere"), f"{url}b", url.replace("parquet", "csv.gz")):
        with pytest.raises(NbmlopsError) as refused:
            workspace.data.save(wrong, "other", as_="table", message="a table")
        assert "geheim" not in "".join(traceback.format_exception(refused.value))
    assert (saved.ref, saved.source) == ("flights@v1", f"{server.url}/in/flights.parquet")
    for path in workspace.marker.root.rglob("*"):
        assert path.is_dir() or b"geheim" not in path.read_bytes(), path
    with closing(sqlite3.connect(workspace.marker.state / "catalog.db")) as catalog:
        assert "geheim" not in "\n".join(catalog.iterdump())


def test_a_file_that_changes_while_it_is_read_is_not_saved(
    workspace: Workspace, server: WebServer, memory: str
) -> None:
    def change(page: Page) -> None:
        page.content, page.etag = b"b", '"2"'

    server.pages["/x"] = Page(b"a", etag='"1"')
    server.pages["/x"].sent = lambda page: setattr(page, "sent", change)
    with pytest.raises(ConflictError, match=r'changed while it was read: .*etag "1" → "2"'):
        workspace.data.save(f"{server.url}/x")
    for name in "abc":
        put(f"{memory}/raw/{name}", bytes(9_000_000))
    changes = iter([lambda: put(f"{memory}/raw/d", b"")])
    with pytest.raises(ConflictError, match=r"changed while it was read: d \(added\)"):
        workspace.data.save(f"{memory}/raw", progress=lambda _: next(changes, lambda: None)())
    changes = iter([lambda: put(f"{memory}/raw/c", b"short")])
    with pytest.raises(ConflictError, match=r"raw/c changed while it was read|9,000,000 → 5 bytes"):
        workspace.data.save(f"{memory}/raw", progress=lambda _: next(changes, lambda: None)())
    assert workspace.data.list() == []
    assert scratch_of(workspace) == []


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        ("memory://nowhere/x.csv", NotFoundError, "there is nothing at memory://nowhere/x.csv"),
        ("memory://nowhere/", NotFoundError, "there are no files below memory://nowhere"),
        ("nosuch://bucket/x.csv", UnsupportedError, "no file system is known for nosuch://"),
        ("zip://x.csv::https://host/x.zip", InvalidError, "an address within another"),
        ("https://host", InvalidError, "https://host has no name of its own"),
        ("s3://key:hunter2@bucket/flights.parquet", InvalidError, "credentials are never stored"),
        ("s3://bucket/flights.parquet?secret=hunter2", InvalidError, "credentials are never stored"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(
    workspace: Workspace, url: str, error: type[NbmlopsError], said: str
) -> None:
    with pytest.raises(error, match=said) as refused:
        workspace.data.save(url)
    assert "hunter2" not in str(refused.value)
    assert workspace.data.list() == []


def test_paths_that_no_disk_could_hold_are_refused(workspace: Workspace, memory: str) -> None:
    put(f"{memory}/a/x", b"")
    files, _ = fsspec.core.url_to_fs(memory)
    files.store[f"/{memory.partition('://')[2]}/a/x/y"] = files.store[f"/{memory.partition('://')[2]}/a/x"]
    with pytest.raises(InvalidError, match="'x' both as a file and as a folder"):
        workspace.data.save(f"{memory}/a/")


def test_a_save_that_is_killed_leaves_nothing(workspace: Workspace, server: WebServer) -> None:
    begun, end = threading.Event(), threading.Event()

    def stall(page: Page) -> None:
        begun.set()
        end.wait(20)

    server.pages["/large.bin"] = Page(bytes(5_000_000), etag='"1"', cut=3_000_000, sent=stall)
    script = "import sys; from nbmlops.workspace import Workspace; Workspace.open(sys.argv[1]).data.save(sys.argv[2])"
    line = [sys.executable, "-c", script, str(workspace.marker.root), f"{server.url}/large.bin"]
    with subprocess.Popen(line) as saving:
        assert begun.wait(20)
        saving.kill()
    end.set()
    assert scratch_of(workspace) == []
    assert workspace.data.list() == []
    assert workspace.store.verify(full=True).ok
