from __future__ import annotations

import random
import socket
import tempfile
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, UnavailableError, UnsupportedError
from nbmlops.store.stamp import Stamp
from nbmlops.store.web_files import WebFile
from tests.web_server import Page, WebServer

CONTENT = random.Random(0).randbytes(3_000_000)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    monkeypatch.setenv("NBMLOPS_REMOTE_TIMEOUT", "2")
    with WebServer() as one:
        yield one


def fetched(url: str) -> bytes:
    told: list[int] = []
    with tempfile.TemporaryFile() as file:
        WebFile(url).fetch(file, told.append)
        file.seek(0)
        content = file.read()
    assert sum(told) == len(content)
    return content


@pytest.mark.parametrize(
    "page",
    [
        Page(CONTENT, etag='"a"'),
        Page(CONTENT),
        Page(CONTENT, length=False),
        Page(b""),
        Page(CONTENT, statuses=[500, 503, 429]),
        Page(CONTENT, etag='"a"', cut=1_000_000),
        Page(CONTENT, written="Thu, 26 Nov 2026 14:00:00 GMT", cut=1_000_000),
    ],
)
def test_a_file_comes_whole_whatever_the_server_does_on_the_way(server: WebServer, page: Page) -> None:
    server.pages["/x"] = page
    assert fetched(f"{server.url}/x") == page.content


def test_what_broke_off_goes_on_where_it_broke_off(server: WebServer) -> None:
    server.pages["/x"] = Page(CONTENT, etag='"a"', cut=1_000_000)
    fetched(f"{server.url}/x")
    assert [headers.get("Range") for _, headers in server.asked] == [None, "bytes=1000000-", "bytes=2000000-"]


def test_a_server_that_knows_no_ranges_is_read_from_the_start_again(server: WebServer) -> None:
    def mend(page: Page) -> None:
        page.cut = None

    server.pages["/x"] = Page(CONTENT, etag='"a"', ranges=False, cut=1_000_000, sent=mend)
    assert fetched(f"{server.url}/x") == CONTENT


def test_a_file_that_becomes_another_is_never_mixed(server: WebServer) -> None:
    other = CONTENT[::-1]

    def replace(page: Page) -> None:
        page.content, page.etag, page.cut = other, '"b"', None

    server.pages["/x"] = Page(CONTENT, etag='"a"', cut=1_000_000, sent=replace)
    assert fetched(f"{server.url}/x") == other

    def replace_unseen(page: Page) -> None:  # by a server that does not look at If-Range
        page.content, page.etag, page.written = other, '"b"', '"a"'

    server.pages["/y"] = Page(CONTENT, etag='"a"', cut=1_000_000, sent=replace_unseen)
    with pytest.raises(ConflictError, match=r'changed while it was read: etag "a" → "b"'):
        fetched(f"{server.url}/y")


@pytest.mark.parametrize(
    ("page", "error", "said"),
    [
        (None, NotFoundError, "there is no file http://.*/x: the server says 404 Not Found"),
        (Page(b"", statuses=[410]), NotFoundError, "410 Gone"),
        (Page(b"", query="a=b"), UnavailableError, "does not let you in: the server says 403 Forbidden"),
        (Page(b"", login="Basic x"), UnavailableError, "401 Unauthorized"),
        (Page(b"", statuses=[400]), UnavailableError, "cannot be read: the server says 400 Bad Request"),
        (Page(b"", packed="gzip"), UnsupportedError, "comes packed as gzip"),
    ],
)
def test_a_refusal_is_told_as_the_server_gave_it(
    server: WebServer, page: Page | None, error: type[Exception], said: str
) -> None:
    if page is not None:
        server.pages["/x"] = page
    with pytest.raises(error, match=said):
        WebFile(f"{server.url}/x").stamp()


def test_what_never_comes_is_not_asked_for_without_end(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBMLOPS_REMOTE_TIMEOUT", "0.2")
    server.pages["/cut"] = Page(b"12345", cut=3)
    server.pages["/busy"] = Page(b"", statuses=[503] * 8)
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as closed:
        nobody, mute = (f"http://127.0.0.1:{one.getsockname()[1]}/x" for one in (closed, silent))
        closed.close()
        said = {
            f"{server.url}/cut": "8 times in a row; the last time it said: 3 bytes came of 5",
            f"{server.url}/busy": "8 times in a row; the last time it said: the server says 503",
            nobody: "Connection refused",
            mute: "did not answer in time, 8 times in a row",
        }

        def refused(url: str) -> str:
            with pytest.raises(UnavailableError) as error:
                fetched(url)
            return error.value.message

        with ThreadPoolExecutor(len(said)) as pool:  # each waits for seconds between its tries
            for told, expected in zip(pool.map(refused, said), said.values(), strict=True):
                assert expected in told


def test_a_password_and_a_query_are_used_and_never_told(server: WebServer) -> None:
    server.pages["/x"] = Page(b"1", login="Basic YW5uOmdlaGVpbQ==", query="signature=geheimer")
    url = f"http://ann:geheim@{server.host}/x?signature=geheimer"
    assert fetched(url) == b"1"
    assert WebFile(url).where == f"{server.url}/x"
    for wrong in (url + "x", f"http://ann:geheim@{server.host}/nowhere?signature=geheimer"):
        with pytest.raises((UnavailableError, NotFoundError)) as refused:
            WebFile(wrong).stamp()
        assert "geheim" not in "".join(traceback.format_exception(refused.value))
        assert refused.value.__context__ is None


def test_a_password_is_not_shown_to_another_server_that_one_leads_to(server: WebServer, tmp_path: Path) -> None:
    with WebServer() as other:
        other.pages["/y"] = Page(b"1")
        server.pages["/x"] = Page(b"", onward=f"{other.url}/y")
        assert fetched(f"http://ann:geheim@{server.host}/x") == b"1"
        assert all("Authorization" not in headers for _, headers in other.asked)
    server.pages["/z"] = Page(b"", onward=f"file://{tmp_path}")
    with pytest.raises(UnavailableError):
        fetched(f"{server.url}/z")


@pytest.mark.parametrize("url", ["http://", "https://host:port/x", "http://a:se/cret@host/x", "zip://a::http://host/x"])
def test_an_address_that_is_none_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(InvalidError) as refused:
        WebFile(url)
    assert "cret" not in str(refused.value)


def test_what_a_server_tells_of_a_file_is_its_stamp(server: WebServer) -> None:
    server.pages["/a%20b"] = Page(CONTENT, etag='W/"a"', written="Thu, 26 Nov 2026 14:00:00 GMT")
    assert WebFile(f"{server.url}/a b").stamp() == Stamp(3_000_000, 'W/"a"', "Thu, 26 Nov 2026 14:00:00 GMT")
