"""What differs between two stored arrays: shapes, types, and how many elements."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nbmlops.data import arrays, files
from nbmlops.data.diff_records import ArrayChange

if TYPE_CHECKING:
    import numpy as np

    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.versions import Version

__all__ = ["diff_arrays"]

_IN_MEMORY = 128 << 20
_ELEMENTS_AT_ONCE = 1 << 18
_BLOCK = 1 << 20


def diff_arrays(objects: ObjectStore, before: Version, after: Version, scratch: Path) -> ArrayChange:
    """Compare two arrays element by element when they have one shape; large ones through files of a scratch folder."""
    old, new = before.detail, after.detail
    shapes = (tuple(old["shape"]), tuple(new["shape"]))
    if shapes[0] != shapes[1]:
        return ArrayChange(*shapes, old["dtype"], new["dtype"], None)
    with ExitStack() as stack:
        first, second = (_opened(objects, version, scratch, stack) for version in (before, after))
        differing, largest = _compared(first, second)
    return ArrayChange(*shapes, old["dtype"], new["dtype"], differing, largest)


def _opened(objects: ObjectStore, version: Version, scratch: Path, stack: ExitStack) -> np.ndarray:
    source = stack.enter_context(objects.open(version.root))
    if version.size <= _IN_MEMORY:
        return arrays.read_array(source)
    file = stack.enter_context(files.scratch(scratch))
    while block := source.read(_BLOCK):
        file.write(block)
    file.flush()
    return arrays.map_array(file)


def _compared(before: np.ndarray, after: np.ndarray) -> tuple[int | None, float | None]:
    """How many elements differ, None when they do not compare, and the largest difference of real numbers."""
    import numpy as np

    real = all(array.dtype.kind in "iuf" for array in (before, after))
    differing, largest = 0, 0.0
    with np.nditer(
        [before, after], flags=["external_loop", "buffered", "zerosize_ok"], buffersize=_ELEMENTS_AT_ONCE
    ) as rows:
        for old, new in cast("Any", rows):
            unlike = _unlike(old, new)
            if unlike is None:
                return None, None
            differing += int(np.count_nonzero(unlike))
            if real and unlike.any():
                with np.errstate(invalid="ignore", over="ignore"):
                    distance = np.abs(new[unlike].astype(float) - old[unlike].astype(float))
                largest = max(largest, float(np.nanmax(distance, initial=0.0)))
    return differing, largest if real and differing else None


def _unlike(before: np.ndarray, after: np.ndarray) -> np.ndarray | None:
    """For each element whether it is another; what is not a number is the same as itself."""
    import numpy as np

    names = before.dtype.names
    if names != after.dtype.names:
        return None
    if names is None:
        try:
            unlike = (before != after) & ~((before != before) & (after != after))  # noqa: PLR0124 - true of NaN alone
        except (TypeError, np.exceptions.DTypePromotionError):
            return None
        return np.asarray(unlike) if np.shape(unlike) == before.shape else None
    found = np.zeros(len(before), bool)
    for name in names:
        part = _unlike(before[name], after[name])
        if part is None:
            return None
        found |= part.reshape(len(before), -1).any(axis=1)
    return found
