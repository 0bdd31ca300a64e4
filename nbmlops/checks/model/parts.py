"""Columns cut into few parts, so that slices, groups and proxies can be told apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from nbmlops.profiling.personal.hiding import hidden_group

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

__all__ = ["Parts", "parts_of"]

_LEVELS = 20


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a column: the `codes` of shape ``(n,)`` say which of the `names` each row is in."""

    codes: npt.NDArray[np.intp]
    names: tuple[str, ...]


def parts_of(column: pd.Series[Any], bins: int = 5) -> Parts:
    """Cut a column: numbers and times at quantiles, others by value; rows without a value are a part of their own.

    Numbers of at most as many values as bins are cut by value. Beyond the 20 most frequent values the rest is one part.
    What is personal in a value by its form is masked in the names; a group such as a race keeps its name.
    """
    import numpy as np
    import pandas as pd

    name = str(column.name)
    empty = np.asarray(column.isna())
    ordered = pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)
    if ordered and not pd.api.types.is_bool_dtype(column) and column.nunique() > bins:
        values = column.astype("int64") if pd.api.types.is_datetime64_any_dtype(column) else column
        numbers = np.where(empty, np.nan, np.asarray(values.astype("float64")))
        edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, bins + 1)[1:-1]))
        codes = np.searchsorted(edges, numbers, side="left")
        ends = [None, *(_text(column, edge) for edge in edges), None]
        names = [_range(name, low, high) for low, high in pairwise(ends)]
    else:
        texts = column.astype(str).to_numpy()
        counts = pd.Series(texts[~empty]).value_counts()
        kept = list(counts.index[:_LEVELS])
        place = {level: code for code, level in enumerate(kept)}
        codes = np.array([place.get(text, len(kept)) for text in texts], dtype=np.intp)
        names = [f"{name} = {hidden_group(level, name)}" for level in kept]
        names += [f"{name} is any other"] if len(counts) > len(kept) else []
    if empty.any():
        codes = np.where(empty, len(names), codes)
        names.append(f"{name} is null")
    return Parts(codes.astype(np.intp), tuple(names))


def _text(column: pd.Series[Any], edge: float) -> str:
    import pandas as pd

    if not pd.api.types.is_datetime64_any_dtype(column):
        return f"{edge:.4g}"
    times = column.dropna().sort_values()
    return str(times.iloc[int((times.astype("int64") <= edge).sum()) - 1])


def _range(name: str, low: str | None, high: str | None) -> str:
    if low is None:
        return f"{name} ≤ {high}" if high is not None else name
    return f"{name} > {low}" if high is None else f"{low} < {name} ≤ {high}"
