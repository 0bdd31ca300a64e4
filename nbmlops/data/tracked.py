"""The record of data that stays where it is: where that is, and by what it is known again.

The record is the version: it is stored as an object, whose digest is the version's. So it travels, is locked and is
held as any other object, and nothing of the data itself is kept. The format has a page: ``docs/formats/tracked.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from nbmlops.core import digests
from nbmlops.core.errors import UnsupportedError

__all__ = ["PROTOCOL", "Entry", "Kind", "Tracked"]

PROTOCOL = 1
Kind = Literal["file", "folder", "delta"]


class Entry(NamedTuple):
    """A file: the BLAKE3 digest of its bytes, and how many there are."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Tracked:
    """What was found at a place outside of the store.

    Attributes
    ----------
    where : str
        A URL, or a path relative to the project's folder.
    kind : {"file", "folder", "delta"}
        What it is.
    files : mapping of str to Entry
        Its files by their paths; a file alone has the empty one.
    delta : int, optional
        The version of a Delta table, whose files are those that are active in it.
    """

    where: str
    kind: Kind
    files: Mapping[str, Entry]
    delta: int | None = None

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files.values())

    @property
    def digest(self) -> str:
        """Of a file that of its bytes, of all else that of the sorted list of its files."""
        if self.kind == "file":
            return self.files[""].digest
        listing = {path: list(entry) for path, entry in self.files.items()}
        return digests.of_bytes(digests.canonical_json(listing if self.delta is None else [self.delta, listing]))

    def render(self) -> bytes:
        """The record, always the same of the same content at the same place."""
        content = {
            "protocol": PROTOCOL,
            "tracked": self.kind,
            "where": self.where,
            "digest": self.digest,
            "files": {path: list(entry) for path, entry in self.files.items()},
        }
        return digests.canonical_json(content if self.delta is None else {**content, "delta": self.delta})

    @classmethod
    def parse(cls, content: bytes) -> Tracked:
        """Read a record.

        Raises
        ------
        UnsupportedError
            When a newer nbmlops wrote it.
        """
        known = json.loads(content)
        if known["protocol"] > PROTOCOL:
            raise UnsupportedError(
                f"the record of tracked data has protocol {known['protocol']}; this version reads up to {PROTOCOL}",
                hint="pip install --upgrade nbmlops",
            )
        files = {path: Entry(*entry) for path, entry in known["files"].items()}
        return cls(known["where"], known["tracked"], files, known.get("delta"))

    def changes(self, now: Mapping[str, Entry]) -> list[str]:
        """What is otherwise now, in words."""
        found = []
        for path in sorted(self.files.keys() | now.keys()):
            was, this = self.files.get(path), now.get(path)
            if was is None or this is None:
                found.append(f"{path} {'added' if was is None else 'removed'}")
            elif was != this:
                of = f"{path}: " if path else ""
                if was.size != this.size:
                    found.append(f"{of}{was.size:,} → {this.size:,} bytes")
                if was.digest != this.digest and this.digest:
                    found.append(f"{of}digest {digests.short(was.digest)} → {digests.short(this.digest)}")
        return found
