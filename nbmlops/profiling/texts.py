"""The profile of one text column of one batch: what is done per text is done once for each distinct one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbmlops.profiling import sketches
from nbmlops.profiling.hashing import hash_encoded
from nbmlops.profiling.moments import Moments
from nbmlops.profiling.personal.signs import LOOKED, of_texts
from nbmlops.profiling.records import EXACT, FREQUENT, PATTERNS, ColumnProfile

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["text_profile"]

_LONGEST = 256
"""Bytes of the longest text that is kept as a value."""
_PATTERN = 24
"""Signs of a pattern that are kept."""


def text_profile(made: ColumnProfile, column: pa.ChunkedArray) -> ColumnProfile:
    """Profile a text column, as its codes or as plain text."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.large_string()).dictionary_encode()
    coded = column.unify_dictionaries().combine_chunks()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.chunk(0) if coded.num_chunks else pa.DictionaryArray.from_arrays(pa.array([], "int32"), [])
    words = coded.dictionary.cast(pa.large_string())
    codes = coded.indices.drop_null().to_numpy(zero_copy_only=False)
    times = np.bincount(codes, minlength=len(words))
    used = times > 0
    if not used.all():  # categories that no row has
        words, times = words.filter(pa.array(used)), times[used]
    words = words.combine_chunks() if isinstance(words, pa.ChunkedArray) else words
    if len(words) == 0:
        return replace(made, counts=())
    lengths = pc.utf8_length(words).to_numpy(zero_copy_only=False).astype(np.float64)
    data, offsets = _bytes(words)
    patterns, lost = _patterns(data, offsets, times)
    made = replace(made, moments=Moments.of(lengths, times), patterns=patterns, patterns_missed=lost)
    made = replace(made, signs=of_texts(_some(words)))
    if len(words) <= EXACT and np.diff(offsets).max() <= _LONGEST:
        return replace(made, counts=tuple(sorted(zip(words.to_pylist(), times.tolist(), strict=True))))
    hashes = sketches.smallest(hash_encoded(data, offsets))
    common, missed = _common(words, times, np.diff(offsets))
    return replace(made, hashes=hashes, common=common, missed=missed)


def _some(words: pa.LargeStringArray) -> list[str]:
    """Few of many texts, every so many-th."""
    import numpy as np

    return words.take(np.arange(0, len(words), -(-len(words) // LOOKED))).to_pylist()  # type: ignore[no-any-return]


def _bytes(words: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """The texts end to end, and where each begins and the last ends."""
    import numpy as np

    _, begins, data = words.buffers()
    offsets = np.frombuffer(begins, np.int64)[words.offset : words.offset + len(words) + 1]
    return np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8), offsets


def _common(
    words: pa.LargeStringArray, times: np.ndarray, sizes: np.ndarray
) -> tuple[tuple[tuple[str, int], ...], int]:
    """The texts that come often; of those of one count none is chosen before another."""
    import numpy as np

    less = int(np.partition(times, -FREQUENT - 1)[-FREQUENT - 1]) if len(times) > FREQUENT else 0
    most = np.flatnonzero((times > less) & (sizes <= _LONGEST))
    less = max(less, int(times[sizes > _LONGEST].max(initial=0)))
    kept = zip(words.take(most).to_pylist(), (times[most] - less).tolist(), strict=True)
    found = sorted(((word, count) for word, count in kept if count > 0), key=lambda pair: (-pair[1], pair[0]))
    return tuple(found), less


def _patterns(data: np.ndarray, offsets: np.ndarray, times: np.ndarray) -> tuple[tuple[tuple[str, int], ...], int]:
    """The most common shapes of texts, by their bytes: a run of one class is one sign."""
    import numpy as np
    import pyarrow as pa

    begin, end = int(offsets[0]), int(offsets[-1])
    signs = _signs()[data[begin:end]]
    starts = np.zeros(len(signs) + 1, bool)
    starts[offsets - begin] = True
    kept = starts[:-1].copy()
    kept[1:] |= signs[1:] != signs[:-1]
    before = np.concatenate([[0], np.cumsum(kept)])
    shapes = _texts(signs[kept].tobytes(), before[offsets - begin])
    short = pa.compute.utf8_slice_codeunits(shapes, 0, _PATTERN).dictionary_encode()
    counts = np.bincount(short.indices.to_numpy(), times, minlength=len(short.dictionary)).astype(np.int64)
    return sketches.items(zip(short.dictionary.to_pylist(), counts.tolist(), strict=True), PATTERNS)


def _texts(data: bytes, offsets: np.ndarray) -> pa.LargeStringArray:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute

    return pa.LargeStringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(offsets.astype(np.int64).tobytes()), pa.py_buffer(data)
    )


def _signs() -> np.ndarray:
    """The sign of each byte: A, a and 9 for ASCII's letters and digits, w for all bytes of other letters."""
    import numpy as np

    table = np.arange(256, dtype=np.uint8)
    for low, high, sign in ((b"A", b"Z", b"A"), (b"a", b"z", b"a"), (b"0", b"9", b"9"), (b"\x80", b"\xff", b"w")):
        table[low[0] : high[0] + 1] = sign[0]
    return table
