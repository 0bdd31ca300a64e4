"""Which chunks make an object, in which order; it says nothing of where they lie.

Written as an entry of a pack, raw, and only for objects of several chunks: the digest of an object of one
chunk is that chunk's own, and the empty object is in every store. Byte by byte in ``docs/formats/objects.md``.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from blake3 import blake3

from nbmlops.core import digests
from nbmlops.store.packs import PROTOCOL, BrokenError

__all__ = ["EMPTY", "ITEM", "Manifest", "read_body"]

_MAGIC = b"NBMLMANI"
_HEAD = struct.Struct("<8sII32sQQ")
ITEM = struct.Struct("<32sI")
EMPTY = digests.of_bytes(b"")


def read_body(digest: str, stored: bytes) -> tuple[bytes, int]:
    """Items of a manifest, 36 bytes each, and the size of its object.

    Raises
    ------
    BrokenError
        When it is damaged or describes another object than `digest`.
    """
    if len(stored) < _HEAD.size + 32 or blake3(stored[:-32]).digest() != stored[-32:]:
        raise BrokenError("its manifest is damaged")
    magic, protocol, _, raw, size, count = _HEAD.unpack_from(stored)
    body = stored[_HEAD.size : -32]
    if magic != _MAGIC or protocol != PROTOCOL or raw.hex() != digest or len(body) != count * ITEM.size:
        raise BrokenError("its manifest describes another object")
    return body, size


class Manifest:
    """Chunks of one object, kept as the bytes they are stored as: 36 a chunk.

    Parameters
    ----------
    digest : str
        Digest of the whole object.
    body : bytes
        The items, each a digest of 32 bytes and a length in 4, little-endian.
    """

    __slots__ = ("_body", "_ends", "digest")

    def __init__(self, digest: str, body: bytes | bytearray) -> None:
        self.digest = digest
        self._body = bytes(body)
        lengths = array("I", self._body)[8::9]  # of an item's nine words the last one
        if sys.byteorder == "big":
            lengths.byteswap()
        self._ends = array("Q", accumulate(lengths))

    @classmethod
    def of_chunk(cls, digest: str, size: int) -> Manifest:
        """The manifest, never written, of an object of one chunk or none."""
        return cls(digest, ITEM.pack(bytes.fromhex(digest), size) if size else b"")

    @classmethod
    def parse(cls, digest: str, stored: bytes) -> Manifest:
        """Read a manifest back.

        Raises
        ------
        BrokenError
            When it is damaged or describes another object than `digest`.
        """
        body, size = read_body(digest, stored)
        manifest = cls(digest, body)
        if manifest.size != size:
            raise BrokenError("its manifest contradicts itself")
        return manifest

    def __bytes__(self) -> bytes:
        head = _HEAD.pack(_MAGIC, PROTOCOL, 0, bytes.fromhex(self.digest), self.size, len(self))
        return head + self._body + blake3(head + self._body).digest()

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def size(self) -> int:
        """Bytes of the object."""
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, position: int) -> tuple[str, int]:
        raw, length = ITEM.unpack_from(self._body, position * ITEM.size)
        return raw.hex(), length

    def __iter__(self) -> Iterator[tuple[str, int]]:
        for raw, length in ITEM.iter_unpack(self._body):
            yield raw.hex(), length

    def start(self, position: int) -> int:
        """Offset in the object of the chunk at `position`."""
        return self._ends[position - 1] if position else 0

    def at(self, offset: int) -> int:
        """Position of the chunk that holds the byte at `offset`, which lies inside the object."""
        return bisect_right(self._ends, offset)
