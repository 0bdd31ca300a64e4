"""Records of versions on a remote: one small file for each, never changed, named by what it says.

There is no index that two writers could both change. ``docs/formats/remote.md`` specifies the files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from nbmlops.core import digests
from nbmlops.core.errors import CorruptError, UnsupportedError

__all__ = ["PROTOCOL", "Filed", "Files", "RemoteRecords", "filed_as", "folder_of", "refuse_newer"]

PROTOCOL = 1
_MARKER = "remote.json"
_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.-]*")
_FILE = re.compile(r"v(0|[1-9][0-9]{0,9})-([0-9a-f]{64})-([0-9a-f]{64})\.json")
_READERS = 16

Shelf = Literal["versions", "lineage"]


class Files(Protocol):
    """Small files of a remote, by their path relative to its root.

    All methods raise `UnavailableError` when the remote cannot be used now.
    """

    where: str

    def find(self, folder: str) -> dict[str, int]:
        """Sizes in bytes of all files below a folder, by their path relative to it."""

    def fetch(self, path: str) -> bytes:
        """All of a file; raises FileNotFoundError when it is not there."""

    def write_new(self, path: str, content: bytes) -> bool:
        """Store a file unless there is one of its name, then False."""

    def remove(self, path: str) -> None:
        """Remove a file; nothing when it is not there."""


@dataclass(frozen=True, slots=True, order=True)
class Filed:
    """Where a record lies and what its name says of it.

    `shelf` is ``versions`` when all bytes of the version are on the remote, ``lineage`` when it is only known there as
    something that others were made from. `uid` is the digest of the record itself.
    """

    number: int
    digest: str
    uid: str
    kind: str
    folder: str
    shelf: Shelf

    @property
    def path(self) -> str:
        """Where, relative to the remote's root."""
        return f"{self.shelf}/{self.kind}/{self.folder}/v{self.number}-{self.digest}-{self.uid}.json"

    @classmethod
    def parse(cls, shelf: Shelf, path: str) -> Filed | None:
        """Read it off a path below its shelf; None for a file that is no record."""
        kind, _, rest = path.partition("/")
        folder, _, name = rest.rpartition("/")
        found = _FILE.fullmatch(name)
        if not found or not folder:
            return None
        return cls(int(found[1]), found[2], found[3], kind, folder, shelf)


class RemoteRecords:
    """The records of one remote."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.where = files.where

    def check(self) -> None:
        """Raise `UnsupportedError` when a newer protocol than ours is spoken here."""
        try:
            content = self._files.fetch(_MARKER)
        except FileNotFoundError:
            return
        refuse_newer(self.where, _parsed(f"{_MARKER} of {self.where}", content))

    def begin(self) -> None:
        """Say which protocol is spoken here, before the first record is written."""
        self._files.write_new(_MARKER, digests.canonical_json({"protocol": PROTOCOL}))

    def filed(self, kind: str, name: str | None = None, shelf: Shelf = "versions") -> list[Filed]:
        """What is filed of a kind, or of one name of it, by number; reads no record."""
        top = f"{shelf}/{kind}" if name is None else f"{shelf}/{kind}/{folder_of(name)}"
        below = "" if name is None else f"{folder_of(name)}/"
        found = (Filed.parse(shelf, f"{kind}/{below}{path}") for path in self._files.find(top))
        return sorted(each for each in found if each is not None)

    def read(self, filed: Filed) -> dict[str, Any]:
        """Read a record.

        Raises
        ------
        CorruptError
            When it is not what was written.
        UnsupportedError
            When a newer nbmlops wrote it.
        FileNotFoundError
            When it was removed in the meantime.
        """
        what = f"the record {filed.path} of {self.where}"
        content = self._files.fetch(filed.path)
        if digests.of_bytes(content) != filed.uid:
            raise CorruptError(
                f"{what} is damaged: its bytes do not give its name",
                hint="remove it there, then push again",
            )
        document = _parsed(what, content)
        refuse_newer(what, document)
        told = (document.get("kind"), document.get("digest"), document.get("number") or 0)
        name = str(document.get("name"))
        if told != (filed.kind, filed.digest, filed.number) or folder_of(name) != filed.folder:
            raise CorruptError(f"{what} lies in a wrong place: it tells of {name}", hint="remove the file")
        return document

    def read_all(self, filed: Iterable[Filed]) -> list[dict[str, Any]]:
        """Read several records, side by side, in their order."""
        wanted = list(filed)
        if len(wanted) < 2:
            return [self.read(each) for each in wanted]
        with ThreadPoolExecutor(_READERS) as pool:
            return list(pool.map(self.read, wanted))

    def write(self, document: Mapping[str, Any], shelf: Shelf = "versions") -> Filed | None:
        """File a record; None when this one lies there already.

        The objects that it names must be durable on the remote when it goes to ``versions``.
        """
        at, content = _filed(document, shelf)
        return at if self._files.write_new(at.path, content) else None

    def remove(self, filed: Filed) -> None:
        """Remove a record; nothing when it is not there."""
        self._files.remove(filed.path)


def filed_as(document: Mapping[str, Any], shelf: Shelf = "versions") -> Filed:
    """Where a record is to lie."""
    return _filed(document, shelf)[0]


def folder_of(name: str) -> str:
    """Folder of the records of a name: the name, or its digest where file systems may take two names for one."""
    if len(name) <= 128 and _PLAIN.fullmatch(name):
        return name
    return f"={digests.of_bytes(name.encode())[:32]}"


def _filed(document: Mapping[str, Any], shelf: Shelf) -> tuple[Filed, bytes]:
    content = digests.canonical_json(document)
    folder = folder_of(document["name"])
    uid = digests.of_bytes(content)
    return Filed(document["number"] or 0, document["digest"], uid, document["kind"], folder, shelf), content


def _parsed(what: str, content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise CorruptError(f"{what} is damaged: {error}", hint="push again from a workspace that has it") from None
    if not isinstance(document, dict) or not isinstance(document.get("protocol"), int):
        raise CorruptError(f"{what} is damaged: it tells no protocol", hint="push again from a workspace that has it")
    return document


def refuse_newer(what: str, document: Mapping[str, Any]) -> None:
    """Raise `UnsupportedError` for a file of a newer protocol than ours."""
    if document["protocol"] > PROTOCOL:
        raise UnsupportedError(
            f"{what} has protocol {document['protocol']}; this nbmlops reads {PROTOCOL}",
            hint="pip install --upgrade nbmlops",
        )
