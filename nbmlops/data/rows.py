"""Numbers of rows as few bytes: which rows of one table another one is made of.

Four ways to write them, of which the smallest once compressed is taken: ``all`` (0, 1, 2 …), ``mask`` (one bit for
each row there is, set for those that are meant; only for rising numbers), ``steps`` (from each number to the next)
and ``numbers`` (as they are). Steps and numbers are written plane by plane: first the lowest byte of each, then the
next, so that the high bytes, which hardly differ, lie side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, get_args

from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["Code", "Rows", "pack"]

Code = Literal["all", "mask", "steps", "numbers"]

_WIDEST = 8
_LEVEL = 1


def pack(rows: np.ndarray, among: int) -> tuple[Code, bytes]:
    """Write row numbers.

    Parameters
    ----------
    rows : numpy.ndarray
        int64, each from 0 to `among` - 1, in any order.
    among : int
        How many rows there are.

    Returns
    -------
    tuple of str and bytes
        How they are written, and the bytes, not yet compressed.
    """
    import numpy as np
    import zstandard

    if len(rows) == among and np.array_equal(rows, np.arange(among)):
        return "all", b""
    steps = np.diff(rows, prepend=0)
    if not len(rows):
        return "numbers", b""
    choices: list[tuple[Code, bytes]] = [("numbers", _planes(rows.astype(np.uint64)))]
    if bool((steps[1:] > 0).all()):
        mask = np.zeros(among, bool)
        mask[rows] = True
        choices = [("mask", np.packbits(mask, bitorder="little").tobytes())]
    # The sign goes into the lowest bit, so that small steps back are small numbers too.
    choices.append(("steps", _planes(((steps << 1) ^ (steps >> 63)).astype(np.uint64))))
    compressor = zstandard.ZstdCompressor(level=_LEVEL)
    return min(choices, key=lambda choice: len(compressor.compress(choice[1])))


class Rows:
    """Row numbers that were read back, made when they are asked for.

    Parameters
    ----------
    code : str
        How they are written.
    content : bytes or callable
        What `pack` gave, or what reads it when it is needed.
    count : int
        How many there are.
    among : int
        How many rows there are to choose from.

    Raises
    ------
    InvalidError
        When they are written in a way that is not known; on use, when they are not `count` numbers below `among`.
    """

    __slots__ = ("_content", "_numbers", "among", "code", "count")

    def __init__(self, code: str, content: bytes | Callable[[], bytes], count: int, among: int) -> None:
        if code not in get_args(Code):
            raise InvalidError(f"rows are written as {code!r}: unknown", hint="pip install --upgrade nbmlops")
        self.code = code
        self.count = count
        self.among = among
        self._content = content
        self._numbers: np.ndarray | None = None

    @classmethod
    def of(cls, numbers: np.ndarray, among: int) -> Rows:
        """Row numbers, written in the smallest way and read back to be sure of it."""
        import numpy as np

        rows = cls(*pack(numbers, among), len(numbers), among)
        if not np.array_equal(rows.numbers, numbers):
            raise AssertionError("row numbers do not come back as they were written")
        return rows

    @property
    def content(self) -> bytes:
        """The bytes that they are written as."""
        if not isinstance(self._content, bytes):
            self._content = self._content()
        return self._content

    @property
    def mask(self) -> pa.BooleanArray | None:
        """One value for each row there is, when they are written so."""
        import pyarrow as pa

        if self.code != "mask":
            return None
        if len(self.content) != -(-self.among // 8):
            raise self._wrong()
        mask: pa.BooleanArray = pa.Array.from_buffers(pa.bool_(), self.among, [None, pa.py_buffer(self.content)])
        if mask.true_count != self.count:
            raise self._wrong()
        return mask

    @property
    def numbers(self) -> np.ndarray:
        """The numbers, int64."""
        if self._numbers is None:
            self._numbers = self._read()
        return self._numbers

    def _read(self) -> np.ndarray:
        import numpy as np

        if self.code == "all":
            rows = np.arange(self.count)
        elif self.code == "mask":
            bits = np.frombuffer(self.content, np.uint8)
            rows = np.flatnonzero(np.unpackbits(bits, count=min(self.among, 8 * len(bits)), bitorder="little"))
        else:
            whole = _whole(self.content, self.count)
            if whole is None:
                raise self._wrong()
            rows = whole.astype(np.int64) if self.code == "numbers" else np.cumsum(_signed(whole), dtype=np.int64)
        if len(rows) != self.count or (self.count and not 0 <= int(rows.min()) <= int(rows.max()) < self.among):
            raise self._wrong()
        return rows

    def _wrong(self) -> InvalidError:
        return InvalidError(
            f"the row numbers of a recipe are not {self.count} of {self.among}", hint="`ml store verify --full`"
        )


def _planes(numbers: np.ndarray) -> bytes:
    import numpy as np

    width = max(1, (int(numbers.max(initial=0)).bit_length() + 7) // 8)
    return b"".join(
        ((numbers >> np.uint64(8 * plane)) & np.uint64(255)).astype(np.uint8).tobytes() for plane in range(width)
    )


def _whole(content: bytes, count: int) -> np.ndarray | None:
    """The numbers of which these are the planes, of an unsigned type that holds them; None when they are not."""
    import numpy as np

    if not count and not content:
        return np.empty(0, np.uint64)
    width = len(content) // max(count, 1)
    if not 1 <= width <= _WIDEST or width * count != len(content):
        return None
    planes = np.frombuffer(content, np.uint8).reshape(width, count)
    kind = np.uint32 if width <= 4 else np.uint64  # half the memory to go through, for nearly every table
    whole: np.ndarray = planes[0].astype(kind)
    for place, plane in enumerate(planes[1:], 1):
        whole |= plane.astype(kind) << kind(8 * place)
    return whole


def _signed(numbers: np.ndarray) -> np.ndarray:
    import numpy as np

    kind = numbers.dtype.type
    signed = np.int32 if kind is np.uint32 else np.int64
    back: np.ndarray = (numbers >> kind(1)).view(signed) ^ -(numbers & kind(1)).view(signed)
    return back
