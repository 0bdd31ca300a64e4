"""numpy arrays in the store: the bytes of an ``.npy`` file, written in one way only, so that they are the identity.

The file is version 1.0, 2.0 or 3.0 of numpy's format (NEP 1), whichever is the first that can hold the header; its
header is the text that ``docs/formats/array.md`` specifies, and never a pickle. Byte order and the order of the axes in
memory are part of the array: it comes back as it went in.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

from nbmlops.core.errors import InvalidError
from nbmlops.data.files import Saved

if TYPE_CHECKING:
    import numpy as np

    from nbmlops.store.objects import ObjectStore

__all__ = ["is_array", "map_array", "read_array", "save_array"]

_MAGIC = b"\x93NUMPY"
_ALIGNED = 64
_ELEMENTS_AT_ONCE = 1 << 18
_LONGEST_HEADER = 1 << 24  # numpy's own limit guards against headers that others made


def is_array(value: Any) -> bool:
    """Whether `value` is a numpy array of any kind; does not import numpy."""
    return any(base.__module__ == "numpy" and base.__name__ == "ndarray" for base in type(value).__mro__)


def save_array(
    objects: ObjectStore, array: np.ndarray, progress: Callable[[int], None] | None = None
) -> tuple[Saved, dict[str, Any]]:
    """Store an array; what lies in the store, and what the catalog keeps of it.

    Raises
    ------
    InvalidError
        When it would not come back as it is: Python objects, masks, records, types of one machine.
    """
    _refuse(array)
    # Of one that is neither, and of one that is both, the rows are written one after the other.
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    stored = objects.put(_Stream(_header(array, order), _pieces(array, order)), progress=progress)  # type: ignore[arg-type]
    detail = {"format": "array", "shape": list(array.shape), "dtype": str(array.dtype)}
    return Saved(stored.digest, stored.digest, stored.size, stored.new_bytes), detail


def read_array(source: BinaryIO) -> np.ndarray:
    """The array in a stored ``.npy`` file, in memory of its own."""
    import numpy as np

    array: np.ndarray = np.lib.format.read_array(source, allow_pickle=False, max_header_size=_LONGEST_HEADER)
    return array


def map_array(file: BinaryIO) -> np.ndarray:
    """The array in an ``.npy`` file as it lies there, read where it is looked at."""
    import numpy as np

    file.seek(0)
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read_header(file, max_header_size=_LONGEST_HEADER)
    order: Literal["F", "C"] = "F" if fortran else "C"
    return np.memmap(file, dtype, "r", file.tell(), shape, order)


def _refuse(array: np.ndarray) -> None:
    """Refuse what an ``.npy`` file would give back as something else."""
    import numpy as np

    if isinstance(array, np.ma.MaskedArray):
        raise InvalidError(
            "a masked array has a mask and a fill value, which an array file cannot keep",
            hint="save a.data and np.ma.getmaskarray(a) under two names, or a.filled(…)",
        )
    if type(array) not in {np.ndarray, np.memmap}:
        raise InvalidError(
            f"an array of the class {type(array).__name__} would come back as a plain one",
            hint="save np.asarray(a), or its parts under names of their own",
        )
    dtype = array.dtype
    if dtype.hasobject:
        raise InvalidError(
            f"an array of the type {dtype} holds Python objects, which are kept only as a pickle, and none is",
            hint='give it a type of its own, as in a.astype(float) or a.astype("U")',
        )
    if any(leaf.char in "gG" for leaf in _leaves(dtype)):
        raise InvalidError(f"the type {dtype} means another one on other machines", hint="a.astype(np.float64)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            back = np.lib.format.descr_to_dtype(np.lib.format.dtype_to_descr(dtype))
    except (UserWarning, TypeError, ValueError):
        back = None
    if back != dtype or back.type is not dtype.type:
        raise InvalidError(f"the type {dtype} would not come back as it is", hint="use one of numpy's own types")


def _leaves(dtype: np.dtype[Any]) -> Iterator[np.dtype[Any]]:
    """The plain types that a type is made of."""
    if dtype.subdtype is not None:
        yield from _leaves(dtype.subdtype[0])
    elif dtype.fields is not None:
        for field in dtype.fields.values():
            yield from _leaves(field[0])
    else:
        yield dtype


def _header(array: np.ndarray, order: str) -> bytes:
    """Magic, version, length and header; padded with spaces to a multiple of 64 bytes, the last of them a newline."""
    import numpy as np

    descr = np.lib.format.dtype_to_descr(array.dtype)
    text = f"{{'descr': {descr!r}, 'fortran_order': {order == 'F'}, 'shape': {array.shape!r}, }}"
    version, encoded = (1, text.encode("latin-1")) if text.isascii() else (3, text.encode())
    if version == 1 and len(encoded) > 65_000:
        version = 2
    width = 2 if version == 1 else 4
    lead = len(_MAGIC) + 2 + width
    length = math.ceil((lead + len(encoded) + 1) / _ALIGNED) * _ALIGNED - lead
    return _MAGIC + bytes([version, 0]) + length.to_bytes(width, "little") + encoded.ljust(length - 1) + b"\n"


def _pieces(array: np.ndarray, order: str) -> Iterator[memoryview]:
    """The bytes of the elements in order, without a copy of all of them."""
    import numpy as np

    flat = array.T if order == "F" else array
    if flat.flags.c_contiguous and not _has_gaps(array.dtype):
        if array.nbytes:
            yield flat.reshape(-1).view(np.uint8).data
        return
    with np.nditer(
        flat, flags=["external_loop", "buffered", "zerosize_ok"], buffersize=_ELEMENTS_AT_ONCE, order="C"
    ) as rows:
        for row in cast("Any", rows):
            # What lies between the fields is no value; left as it is, equal arrays would have unlike bytes.
            whole = np.zeros(row.shape, array.dtype)
            _fill(whole, row)
            if whole.nbytes:
                yield whole.view(np.uint8).data


def _has_gaps(dtype: np.dtype[Any]) -> bool:
    """Whether bytes of an element belong to no field."""
    if dtype.subdtype is not None:
        return _has_gaps(dtype.subdtype[0])
    if dtype.fields is None:
        return False
    kinds = [field[0] for field in dtype.fields.values()]
    return sum(kind.itemsize for kind in kinds) != dtype.itemsize or any(map(_has_gaps, kinds))


def _fill(target: np.ndarray, source: np.ndarray) -> None:
    if target.dtype.names is None:
        target[...] = source
        return
    for name in target.dtype.names:
        _fill(target[name], source[name])


class _Stream(io.RawIOBase):
    """A header and pieces behind it, as a stream."""

    def __init__(self, header: bytes, pieces: Iterator[memoryview]) -> None:
        self._pieces = pieces
        self._piece = memoryview(header)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._piece.nbytes:
            following = next(self._pieces, None)
            if following is None:
                return 0
            self._piece = following
        with memoryview(buffer).cast("B") as view:
            count = min(view.nbytes, self._piece.nbytes)
            view[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count
