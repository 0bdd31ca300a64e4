"""Which columns decide another: one value for each combination of theirs, and not by chance."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nbmlops.checks.aggregates import Depends
from nbmlops.checks.bounds import last_word
from nbmlops.checks.sampled import Sample
from nbmlops.checks.seen import ColumnSeen

__all__ = ["dependencies"]

_CANDIDATES = 8
_PER_GROUP = 3
_EXACT = 0.99
_BY_CHANCE = 0.3
_IDS = frozenset({"id", "code", "key", "no", "number", "zip", "sku"})
_MOSTLY = 0.98


def dependencies(
    sample: Sample, columns: Mapping[str, ColumnSeen], explained: Iterable[str] = ()
) -> Iterator[tuple[str, Depends]]:
    """Guess which one or two texts or ids decide a column of `sample`; the fewest groups win.

    Parameters
    ----------
    sample : Sample
        Rows to try on. Groups must have three rows each on average, and in rows mixed up at random three
        groups in ten must have several values, or one value each would be no wonder.
    columns : mapping of str to ColumnSeen
        What is known of the columns.
    explained : iterable of str
        Columns that need no further explanation.

    Yields
    ------
    tuple of str and Depends
        The column that is decided, and the check.
    """
    import numpy as np

    varied = [name for name, codes in sample.codes.items() if _varies(sample, codes)]
    keys = [name for name in varied if _is_key(columns[name])][:_CANDIDATES]
    mixed = np.random.default_rng(0).permutation(len(sample.part))
    done = set(explained)
    for name in varied:
        # Groups of three rows each cannot have more values than a third of the rows.
        if name in done or _PER_GROUP * (int(sample.codes[name].max()) + 1) > len(sample.part):
            continue
        found = _decided_by(sample, name, keys, mixed)
        if found:
            yield name, Depends(columns=found, mostly=_MOSTLY)


def _varies(sample: Sample, codes: Any) -> bool:
    import numpy as np

    # What is the same all over a table is decided by anything.
    return all(len(np.unique(codes[(sample.part == part) & (codes >= 0)])) > 1 for part in np.unique(sample.part))


def _is_key(column: ColumnSeen) -> bool:
    return column.type in ("string", "category") or (column.whole and last_word(column.name) in _IDS)


def _decided_by(sample: Sample, name: str, keys: list[str], mixed: Any) -> tuple[str, ...] | None:
    import numpy as np

    codes = sample.codes
    rest = [key for key in keys if key != name]
    for size in (1, 2):
        best: tuple[int, tuple[str, ...]] | None = None
        for chosen in itertools.combinations(rest, size):
            whole = codes[name] >= 0
            for key in chosen:
                whole &= codes[key] >= 0
            # Each table by itself: a value may be corrected from one version to the next.
            group = _joined([sample.part[whole], *(codes[key][whole] for key in chosen)])
            value = codes[name][whole]
            groups = len(np.unique(group))
            if groups < 2 or len(group) < _PER_GROUP * groups:
                continue
            if _several(group, value) > (1 - _EXACT) * groups:
                continue
            shuffled = codes[name][mixed][whole]
            if _several(group, shuffled) < _BY_CHANCE * groups:
                continue
            best = min(best or (groups + 1, ()), (groups, chosen))
        if best and best[1]:
            return best[1]
    return None


def _joined(codes: list[Any]) -> Any:
    joined = codes[0]
    for each in codes[1:]:
        joined = joined * (int(each.max(initial=0)) + 1) + each
    return joined


def _several(group: Any, value: Any) -> int:
    """How many values there are beyond one for each group."""
    import numpy as np

    pairs = group * (int(value.max(initial=0)) + 2) + value + 1
    return len(np.unique(pairs)) - len(np.unique(group))
