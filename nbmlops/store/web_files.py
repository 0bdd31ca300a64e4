"""A file on a web server, read from its start to its end and believed only when it is whole.

By the standard library: fsspec's own file system for the web takes every failure for a missing file, reads a whole file
into memory where a server knows no ranges, and takes a body that was cut off for the end.
"""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException, HTTPResponse
from typing import BinaryIO, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from urllib.request import Request, build_opener

from nbmlops.core.errors import ConflictError, NbmlopsError, NotFoundError, UnavailableError, UnsupportedError
from nbmlops.core.version import __version__
from nbmlops.store.addresses import shown
from nbmlops.store.patience import SLOWEST, Patience, SpoiltError
from nbmlops.store.stamp import Stamp
from nbmlops.store.streams import write_at
from nbmlops.store.url_errors import without_secrets

__all__ = ["WebFile"]

T = TypeVar("T")
Progress = Callable[[int], None]
_BLOCK = 1 << 20
_GONE, _DENIED, _LATER = {404, 410}, {401, 403, 407}, {408, 425, 429}
_RANGE = re.compile(r"bytes \d+-\d+/(\d+)")


class WebFile:
    """A file by its address, which may hold a password and a signed query; neither is ever told.

    Raises
    ------
    InvalidError
        When the address cannot be taken apart.
    """

    def __init__(self, url: str) -> None:
        self.where = shown(url)
        parts = urlsplit(url)
        query = quote(parts.query, safe="%/:=&?~+!$,;'@()*[]")
        netloc = parts.netloc.rpartition("@")[2]
        if not netloc.isascii():
            netloc = netloc.encode("idna").decode()
        self._url = urlunsplit((parts.scheme, netloc, quote(parts.path, safe="%/:=~+!$,;'@()*&") or "/", query, ""))
        self._login = ""
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._login = f"Basic {base64.b64encode(login.encode()).decode()}"
        self._opener = build_opener()
        self._patience = Patience(self.where)

    def stamp(self) -> Stamp:
        """What the server tells of the file now.

        Raises
        ------
        NotFoundError
            When there is none.
        UnavailableError
            When the server is down, lets nobody in, or does not answer.
        UnsupportedError
            When it sends files packed only.
        """

        def work() -> Stamp:
            # Not HEAD: an address that is signed is signed for one verb.
            with self._opened({}) as answer:
                return _told(answer)

        return self._quietly(work)

    def fetch(self, sink: BinaryIO, progress: Progress | None = None) -> Stamp:
        """Write the file into an empty one; what the server told of it when it began to send it.

        Raises as `stamp` does, and `ConflictError` when it became another meanwhile.
        """
        got = _Got(sink.fileno(), progress)
        while not self._quietly(lambda: self._go_on(got)):
            pass
        return got.stamp

    def _go_on(self, got: _Got) -> bool:
        """Read on; whether the end was reached. What broke off, but came further than before, is no failure."""
        begin = got.done if got.validator else 0
        asked = {"Range": f"bytes={begin}-", "If-Range": got.validator} if begin else {}
        with self._opened(asked) as answer:
            stamp = _told(answer)
            if answer.status != 206:
                begin = 0  # it knows no ranges, or the file is another by now
            elif changes := got.stamp.changes(stamp):
                raise ConflictError(f"{self.where} changed while it was read: {', '.join(changes)}", hint="do it again")
            elif not answer.headers.get("Content-Range", "").startswith(f"bytes {begin}-"):
                got.begin(0, Stamp(None))
                raise SpoiltError("the server sent another part than it was asked for")
            got.begin(begin, stamp)
            try:
                self._read(answer, got)
            except (OSError, HTTPException):
                if got.done > begin and got.validator:
                    return False
                raise
        return True

    def _read(self, answer: HTTPResponse, got: _Got) -> None:
        began, before = time.monotonic(), got.done
        while block := answer.read1(_BLOCK):
            got.take(block)
            # Each byte in time may still be none: a server that sends a few a second never ends.
            if time.monotonic() - began > 3 * self._patience.timeout + (got.done - before) / SLOWEST:
                raise TimeoutError("too slow")
        if got.stamp.size not in {None, got.done}:
            raise SpoiltError(f"{got.done:,} bytes came of {got.stamp.size:,}")

    def _opened(self, headers: Mapping[str, str]) -> HTTPResponse:
        agent = {"User-Agent": f"nbmlops/{__version__}", "Accept-Encoding": "identity"}
        request = Request(self._url, headers={**agent, **headers})  # noqa: S310 - `shown` lets only the web's schemes in
        if self._login:
            request.add_unredirected_header("Authorization", self._login)  # which another server is not to see
        try:
            answer = self._opener.open(request, timeout=self._patience.timeout)
        except HTTPError as error:
            error.close()
            raise self._refused(error.code, without_secrets(str(error.reason))) from None
        except URLError as error:
            raise (error.reason if isinstance(error.reason, OSError) else OSError(str(error.reason))) from None
        assert isinstance(answer, HTTPResponse)
        if (packed := answer.headers.get("Content-Encoding", "identity")) != "identity":
            answer.close()
            raise UnsupportedError(
                f"{self.where} comes packed as {packed}, though that was not asked for",
                hint="download it, and save the file",
            )
        return answer

    def _refused(self, code: int, reason: str) -> Exception:
        said = f"{code} {reason}".strip()
        if code in _GONE:
            return NotFoundError(f"there is no file {self.where}: the server says {said}", hint="check the address")
        if code in _DENIED:
            return UnavailableError(
                f"{self.where} does not let you in: the server says {said}",
                hint="an address that is signed is good for some time only; get a new one",
            )
        if code in _LATER or code >= 500:
            return OSError(f"the server says {said}")
        return UnavailableError(f"{self.where} cannot be read: the server says {said}", hint="check the address")

    def _quietly(self, work: Callable[[], T]) -> T:
        """Try, and let nothing of an error through that could hold the address, such as what it was caused by."""
        try:
            return self._patience.tried(work)
        except NbmlopsError as error:
            plain = error
        plain.__cause__ = plain.__context__ = None
        raise plain.with_traceback(None)


class _Got:
    """What has come of a file so far, in an open file of this machine."""

    def __init__(self, file: int, progress: Progress | None) -> None:
        self._file = file
        self._progress = progress
        self._furthest = 0
        self.done = 0
        self.stamp = Stamp(None)

    @property
    def validator(self) -> str:
        """By what the rest of the same file can be asked for; empty when the server gave nothing."""
        etag = self.stamp.etag or ""
        return etag if etag and not etag.startswith("W/") else self.stamp.written or ""

    def begin(self, at: int, stamp: Stamp) -> None:
        """Go on, or begin anew, with what comes now."""
        self.done, self.stamp = at, stamp
        os.ftruncate(self._file, at)

    def take(self, block: bytes) -> None:
        """Write what came."""
        write_at(self._file, block, self.done)
        self.done += len(block)
        if self._progress is not None and self.done > self._furthest:
            self._progress(self.done - self._furthest)
        self._furthest = max(self._furthest, self.done)


def _told(answer: HTTPResponse) -> Stamp:
    size = answer.headers.get("Content-Length")
    if answer.status == 206:
        found = _RANGE.match(answer.headers.get("Content-Range", ""))
        size = found[1] if found else None
    whole = int(size) if size and size.isascii() and size.isdigit() else None
    return Stamp(whole, answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
