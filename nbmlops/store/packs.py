"""The pack file, protocol 1: header, entries, index, trailer; byte by byte in ``docs/formats/objects.md``.

A pack tells by itself what is in it, so the catalog's index is only a faster copy of what the packs say.
Its name is the digest of all its bytes: ``b3sum`` alone can check it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from operator import itemgetter

import zstandard
from blake3 import blake3

from nbmlops.core import digests
from nbmlops.core.errors import UnsupportedError
from nbmlops.store.chunking import LARGEST

__all__ = [
    "ENTRY_SIZE",
    "HEADER",
    "PROTOCOL",
    "TRAILER_SIZE",
    "BrokenError",
    "Codec",
    "Entry",
    "EntryKind",
    "Trailer",
    "check_header",
    "check_index",
    "pack_footer",
    "pack_size",
    "read_index",
    "read_trailer",
    "salted_header",
    "squeeze",
    "unpack",
]

PROTOCOL = 1
HEADER = struct.pack("<8sII", b"NBMLPACK", PROTOCOL, 0)
_ENTRY = struct.Struct("<32sQIIBB6x")
ENTRY_SIZE = _ENTRY.size
_COUNTS = struct.Struct("<QQII")
_TRAILER_MAGIC = b"KCAPLMBN"
TRAILER_SIZE = _COUNTS.size + 32 + len(_TRAILER_MAGIC)
# Below this gain a reader's time is worth more than the space.
_WORTHWHILE = 15 / 16
# Level 1 that looks only for matches of seven bytes or more, in a table of 4,096 places, which stays in the nearest
# cache. Measured beside level 1 as it is, by seconds of processor for a gigabyte and share of it that is left: CSV 2.65
# and 29 % beside 3.07 and 27 %, JSON lines 1.68 and 11 % beside 1.75 and 12 %, a web server's log 2.08 and 20 % beside
# 2.22 and 20 %, source code 2.59 and 25 % beside 2.76 and 24 %; arrays of numbers and random bytes as before. Level -1
# takes as long as level 1 for CSV and leaves 36 %, level -5 takes 2.45 and leaves 48 %; LZ4 takes 2.2 and leaves 46 %.
_PARAMETERS = zstandard.ZstdCompressionParameters.from_level(1, source_size=LARGEST, min_match=7, hash_log=12)
_TOGETHER = 256


class BrokenError(ValueError):
    """Bytes do not follow the format or do not give their digest; says why, its callers say where."""


class EntryKind(IntEnum):
    """What an entry holds."""

    CHUNK = 0
    MANIFEST = 1


class Codec(IntEnum):
    """How an entry's bytes are written."""

    RAW = 0
    ZSTD = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a pack's index.

    `digest` is that of the chunk's content, or of the object that a manifest describes; `stored` and
    `size` are bytes before and after decoding.
    """

    digest: bytes
    kind: EntryKind
    codec: Codec
    offset: int
    stored: int
    size: int


@dataclass(frozen=True, slots=True)
class Trailer:
    """The end of a pack: where its index begins, how many entries it has, and the check of both."""

    index_offset: int
    count: int
    check: bytes

    @property
    def index_size(self) -> int:
        """Bytes of the index."""
        return self.count * _ENTRY.size

    @property
    def pack_size(self) -> int:
        """Bytes of the whole pack."""
        return self.index_offset + self.index_size + TRAILER_SIZE


def pack_footer(entries: Sequence[Entry]) -> bytes:
    """Index and trailer that end a pack of these entries."""
    end = entries[-1].offset + entries[-1].stored if entries else len(HEADER)
    index = b"".join(_ENTRY.pack(e.digest, e.offset, e.stored, e.size, e.kind, e.codec) for e in entries)
    counts = _COUNTS.pack(end, len(entries), PROTOCOL, 0)
    return index + counts + blake3(index + counts).digest() + _TRAILER_MAGIC


def pack_size(count: int, stored: int) -> int:
    """Bytes of a pack of `count` entries that take `stored` bytes together."""
    return len(HEADER) + stored + count * _ENTRY.size + TRAILER_SIZE


def salted_header(salt: int) -> bytes:
    """Header of a pack whose name is to be its own even when another pack has the same entries."""
    return HEADER[:12] + struct.pack("<I", salt)


def check_header(header: bytes) -> None:
    """Raise `BrokenError` unless a pack begins with these 16 bytes, of which the last four may be any."""
    if len(header) != len(HEADER) or header[:12] != HEADER[:12]:
        raise BrokenError("its header is damaged")


def read_trailer(tail: bytes, pack_size: int) -> Trailer:
    """Parse the last `TRAILER_SIZE` bytes of a pack of `pack_size` bytes.

    Raises
    ------
    BrokenError
        When they are not a trailer, or tell of another size.
    UnsupportedError
        When a newer protocol wrote them.
    """
    if len(tail) != TRAILER_SIZE or tail[-8:] != _TRAILER_MAGIC:
        raise BrokenError("its end is missing or damaged")
    index_offset, count, protocol, zero = _COUNTS.unpack(tail[: _COUNTS.size])
    trailer = Trailer(index_offset, count, tail[_COUNTS.size : -8])
    if protocol == PROTOCOL and trailer.pack_size == pack_size and not zero:
        return trailer
    if protocol > PROTOCOL and trailer.pack_size == pack_size:
        raise UnsupportedError(
            f"a pack has protocol {protocol}; this nbmlops reads {PROTOCOL}", hint="pip install --upgrade nbmlops"
        )
    raise BrokenError("its end is damaged or its size is wrong")


def check_index(trailer: Trailer, index: bytes) -> None:
    """Raise `BrokenError` unless these bytes are the index that the trailer is of."""
    counts = _COUNTS.pack(trailer.index_offset, trailer.count, PROTOCOL, 0)
    if len(index) != trailer.index_size or blake3(index + counts).digest() != trailer.check:
        raise BrokenError("its index is damaged")


def read_index(trailer: Trailer, index: bytes) -> list[Entry]:
    """Parse and check the index of a pack.

    Raises
    ------
    BrokenError
        When its check fails, or its entries do not lie side by side from the header to the index.
    """
    check_index(trailer, index)
    entries = []
    position = len(HEADER)
    for digest, offset, stored, size, kind, codec in _ENTRY.iter_unpack(index):
        if offset != position or kind > EntryKind.MANIFEST or codec > Codec.ZSTD:
            raise BrokenError("its index breaks the format")
        entries.append(Entry(digest, EntryKind(kind), Codec(codec), offset, stored, size))
        position += stored
    if position != trailer.index_offset:
        raise BrokenError("its index breaks the format")
    return entries


def squeeze(contents: Iterable[tuple[int, memoryview]]) -> list[tuple[Codec, bytes | memoryview]]:
    """Compress each chunk, which comes with a number of its object, when that helps.

    After three chunks of an object in a row that did not shrink only every eighth is tried, until one does:
    Parquet pages and pictures are compressed already. What does shrink is compressed many chunks at a time, in one
    call without the interpreter's lock, so that other threads need not wait for each other's turn with it.
    """
    compressor = zstandard.ZstdCompressor(compression_params=_PARAMETERS)
    written: list[tuple[Codec, bytes | memoryview]] = []
    for _, some in groupby(contents, key=itemgetter(0)):
        rest, in_vain, tried = [content for _, content in some], 0, 1
        while rest:
            if in_vain < 3 or in_vain % 8 == 0:
                part, rest = rest[:tried], rest[tried:]
                for content, small in zip(part, _compressed(compressor, part), strict=True):
                    helps = len(small) < len(content) * _WORTHWHILE
                    in_vain = 0 if helps else in_vain + 1
                    written.append((Codec.ZSTD, small) if helps else (Codec.RAW, content))
                tried = 1 if in_vain else min(4 * tried, _TOGETHER)
            else:
                written.append((Codec.RAW, rest.pop(0)))
                in_vain += 1
    return written


def _compressed(compressor: zstandard.ZstdCompressor, part: list[memoryview]) -> list[bytes | memoryview]:
    if len(part) == 1:
        return [compressor.compress(part[0])]
    done = compressor.multi_compress_to_buffer(list[bytes | bytearray | memoryview](part), threads=1)
    return [memoryview(done[number]) for number in range(len(done))]  # type: ignore[arg-type]  # it is a buffer


def unpack(digest: str, codec: Codec, size: int, stored: bytes) -> bytes:
    """Content of a chunk, decoded and re-hashed.

    Raises
    ------
    BrokenError
        When `stored` is not the chunk `digest` of `size` bytes.
    """
    if size > LARGEST:
        raise BrokenError(f"its size of {size} bytes is more than a chunk may have")
    content = _inflate(stored, size) if codec == Codec.ZSTD else stored
    if len(content) != size or digests.of_bytes(content) != digest:
        raise BrokenError("its bytes do not give its digest")
    return content


def _inflate(stored: bytes, size: int) -> bytes:
    try:
        # The frame says how much to allocate: believe it only when the index says the same.
        if zstandard.frame_content_size(stored) != size:
            raise BrokenError("its bytes do not give its digest")
        return zstandard.ZstdDecompressor().decompress(stored, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise BrokenError("its bytes cannot be decompressed") from error
