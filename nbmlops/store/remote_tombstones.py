"""What was erased, as a remote is told: which digest of a name leads where, and which objects must not come back.

One small file for each, never changed, beside the records of versions; ``docs/formats/remote.md`` specifies them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from nbmlops.core import digests
from nbmlops.core.errors import CorruptError, InvalidError
from nbmlops.core.refs import Ref, check_name
from nbmlops.store.remote_records import PROTOCOL, Files, folder_of, refuse_newer

__all__ = ["Gone", "Graves", "RemoteTombstones"]

_FILE = re.compile(r"([0-9a-f]{64})-([0-9a-f]{64})\.json")
_READERS = 16
_ID = 32


@dataclass(frozen=True, slots=True)
class Gone:
    """One content that was erased under a name: where its digest leads, by which erasure, when (ISO 8601, with a zone).

    `objects` are those that held it, and must not be brought back.
    """

    kind: str
    name: str
    digest: str
    successor: str
    erasure: str
    at: str
    objects: tuple[str, ...] = ()


class Graves:
    """Some tombstones, asked together.

    Examples
    --------
    >>> graves = Graves([Gone("data", "t", "a1", "b2", "x", "2026-01-01T00:00:00+00:00", ("c3",))])
    >>> graves.successor("data", "t", "a1"), graves.successor("data", "u", "a1"), graves.holds(["c3"])
    ('b2', 'a1', True)
    """

    def __init__(self, gone: Iterable[Gone]) -> None:
        self.all = sorted(gone, key=lambda one: one.at)
        self._led = {(one.kind, one.name, one.digest): one for one in self.all}
        self._objects = {digest for one in self.all for digest in one.objects}

    def __bool__(self) -> bool:
        return bool(self.all)

    def find(self, kind: str, name: str, digest: str) -> Gone | None:
        """The tombstone of a content of a name; None when it was not erased."""
        return self._led.get((kind, name, digest))

    def successor(self, kind: str, name: str, digest: str) -> str:
        """Where a digest leads, by as many steps as it takes; itself when it was not erased."""
        seen = {digest}
        while (found := self.find(kind, name, digest)) is not None and found.successor not in seen:
            digest = found.successor
            seen.add(digest)
        return digest

    def holds(self, objects: Iterable[str]) -> bool:
        """Whether one of some objects must not come back."""
        return not self._objects.isdisjoint(objects)

    def follow(self, kind: str, ref: Ref) -> Ref:
        """What a reference by an erased digest means now; any other one as it is."""
        led = {
            self.successor(kind, ref.name, one.digest)
            for one in self.all
            if ref.prefix and (one.kind, one.name) == (kind, ref.name) and one.digest.startswith(ref.prefix)
        }
        return Ref(ref.name, prefix=led.pop()) if len(led) == 1 else ref

    def told(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A record of a version in which what was read has the digests of now."""
        return {
            **document,
            "written": [
                {
                    **write,
                    "read": [
                        {**read, "digest": self.successor(read["kind"], read["name"], read["digest"])}
                        for read in write["read"]
                    ],
                }
                for write in document["written"]
            ],
        }


class RemoteTombstones:
    """The tombstones on one remote."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.where = files.where

    def listed(self, kind: str) -> frozenset[str]:
        """Paths of all tombstones of a kind; reads none."""
        top = f"erased/{kind}"
        found = (path for path in self._files.find(top) if _FILE.fullmatch(path.rpartition("/")[2]))
        return frozenset(f"{top}/{path}" for path in found)

    def read(self, kind: str, paths: Iterable[str] | None = None) -> Graves:
        """Read the tombstones of a kind, or those at some paths.

        Raises
        ------
        CorruptError
            When one is not what was written.
        UnsupportedError
            When a newer nbmlops wrote it.
        """
        wanted = sorted(self.listed(kind) if paths is None else paths)
        if len(wanted) < 2:
            return Graves(map(self._read, wanted))
        with ThreadPoolExecutor(_READERS) as pool:
            return Graves(pool.map(self._read, wanted))

    def write(self, gone: Gone) -> bool:
        """File a tombstone; False when it lies there already."""
        content = digests.canonical_json({"protocol": PROTOCOL, **asdict(gone)})
        path = f"erased/{gone.kind}/{folder_of(gone.name)}/{gone.digest}-{digests.of_bytes(content)}.json"
        return self._files.write_new(path, content)

    def _read(self, path: str) -> Gone:
        what = f"the tombstone {path} of {self.where}"
        content = self._files.fetch(path)
        found = _FILE.fullmatch(path.rpartition("/")[2])
        try:
            if found is None or digests.of_bytes(content) != found[2]:
                raise ValueError("its bytes do not give its name")
            document = json.loads(content)
            refuse_newer(what, document)
            del document["protocol"]
            gone = Gone(**document | {"objects": tuple(document["objects"])})
            check_name(gone.name)
            for digest in (gone.digest, gone.successor, *gone.objects):
                if not digests.is_digest(digest):
                    raise ValueError(f"{digest!r} is no digest")
            if gone.digest != found[1] or datetime.fromisoformat(gone.at).tzinfo is None or len(gone.erasure) > _ID:
                raise ValueError("it lies in a wrong place")
        except (InvalidError, KeyError, TypeError, ValueError) as error:
            raise CorruptError(
                f"{what} is damaged: {error}", hint="erase there again from the workspace that erased"
            ) from None
        return gone
