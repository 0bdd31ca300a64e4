"""Cut a stream where its content says so, so that an edit moves only the cuts around it.

FastCDC (Xia et al., 2016, "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data
Deduplication", USENIX ATC) in the form of 2020 that rolls two bytes at a time (Xia et al., 2020, "The Design of
Fast Content-Defined Chunking for Data Deduplication Based Storage Systems", IEEE TPDS 31(9)), with normalised
chunking of level 2, as the package ``pyfastcdc`` does it. The three sizes and the level are part of protocol 1:
others read back just as well, but share nothing with what is stored.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from pyfastcdc import FastCDC

from nbmlops.core.errors import InvalidError

__all__ = ["AVERAGE", "BLOCK", "LARGEST", "SMALLEST", "chunks"]

SMALLEST = 16 * 1024
AVERAGE = 64 * 1024
LARGEST = 256 * 1024
BLOCK = 4 * 1024 * 1024
"""Bytes read at a time; the memory of one stream is a few of these."""
# The first piece of a stream: of thousands of small files none is worth the pages of a whole block.
_FIRST = 64 * 1024
_CUTTER = FastCDC(AVERAGE, min_size=SMALLEST, max_size=LARGEST, normalized_chunking=2)


def chunks(source: BinaryIO, tap: Callable[[memoryview], None], ends: Iterable[int] = ()) -> Iterator[memoryview]:
    """Cut a stream into chunks of 16 to 256 KiB, 64 KiB on average; only the last, or one before an end, is smaller.

    Parameters
    ----------
    source : BinaryIO
        The stream; read once, to its end.
    tap : callable
        Given each piece of the stream as it is read, in order, before its chunks come out.
    ends : iterable of int
        Offsets, rising, at which a chunk has to end, because the stream's own parts end there.

    Yields
    ------
    memoryview
        The chunks, in order; together they are the stream. They stay valid as long as they are held.

    Raises
    ------
    InvalidError
        When the stream gives text instead of bytes.

    Examples
    --------
    >>> import io
    >>> [len(chunk) for chunk in chunks(io.BytesIO(bytes(600_000)), lambda piece: None)]
    [262144, 262144, 75712]
    """
    first = _first(source)
    block, last, begin = memoryview(first), len(first) < _FIRST, 0
    if block:
        tap(block)
    forced = iter(ends)
    end = next(forced, None)
    while True:
        done = 0
        while end is not None and end <= begin + len(block):
            for cut in _CUTTER.cut_buf(block[done : end - begin]):
                yield block[done : done + cut.length]
                done += cut.length
            end = next(forced, None)
        if last and done < len(block) <= done + SMALLEST:  # as the cutter would, which takes longer to say so
            yield block[done:]
            return
        # A cut is final only when the largest chunk would have fitted: more bytes could not have moved it.
        cuts = _CUTTER.cut_buf(block[done:])
        while done < len(block) and (last or done + LARGEST <= len(block)):
            length = next(cuts).length
            yield block[done : done + length]
            done += length
        if last:
            return
        rest, begin = block[done:], begin + done
        block, last = _next(source, rest)
        if len(block) > len(rest):
            tap(block[len(rest) :])


def _first(source: BinaryIO) -> bytes:
    """Read the first piece; when it is short, the stream has ended."""
    pieces, size = [_read(source, _FIRST)], 0
    while pieces[-1] and (size := size + len(pieces[-1])) < _FIRST:
        pieces.append(_read(source, _FIRST - size))
    # Most small files come in one piece, and an empty one behind it.
    return pieces[0] if len(pieces) <= 2 and not pieces[-1] else b"".join(pieces)


def _next(source: BinaryIO, rest: memoryview) -> tuple[memoryview, bool]:
    """Read a block; whether it is the last. What is left of the one before stands at its front."""
    block = memoryview(bytearray(len(rest) + BLOCK))
    block[: len(rest)] = rest
    count = _fill(source, block[len(rest) :])
    return block[: len(rest) + count].toreadonly(), count < BLOCK


def _read(source: BinaryIO, size: int) -> bytes:
    piece = source.read(size)
    if not isinstance(piece, bytes):
        raise InvalidError(
            f"the source gives {type(piece).__name__}, not bytes",
            hint="open the file in binary mode: open(path, 'rb')",
        )
    return piece


def _fill(source: BinaryIO, block: memoryview) -> int:
    """Read until the block is full or the stream ends: sockets and raw files may give less than asked before that."""
    done = 0
    # Others may mean `read` alone, and have a readinto of their base class that knows nothing of it.
    fills = type(source) in {io.BytesIO, io.BufferedReader, io.BufferedRandom, io.FileIO}
    while done < len(block):
        if fills:
            count = source.readinto(block[done:])  # type: ignore[attr-defined]  # these four have it
        else:
            piece = _read(source, len(block) - done)
            count = len(piece)
            block[done : done + count] = piece
        if not count:
            break
        done += count
    return done
