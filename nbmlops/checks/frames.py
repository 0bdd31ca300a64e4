"""Tables of any kind (pandas, Arrow, Polars, a file's path) as one lazy Polars frame.

In the frame columns are called ``c0``, ``c1``, … by position, since Polars reads a name such as ``*``
or ``^x$`` as a pattern. Only the columns that are asked for are handed over; numeric columns of
pandas without a copy. Times with a zone become times in UTC.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from nbmlops.core.errors import InvalidError, NotFoundError, UnsupportedError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

__all__ = ["SUFFIXES", "CheckedTable", "HandOver", "is_text", "table_of", "without_index"]

SUFFIXES = (".parquet", ".csv", ".arrow", ".feather", ".ipc")
_TRIED = 20_000
"""The first values by which it is guessed whether texts are few; fewer are taken as they are."""
_REPEATED = 20
_UNNAMED = re.compile(r"__index_level_\d+__")
_KINDS = "a pandas, Polars or Arrow table, or a path that ends in " + ", ".join(SUFFIXES)


class HandOver(Protocol):
    """Gives the named columns of a table as a lazy frame."""

    def __call__(self, names: Sequence[str], /, coded: Collection[str] = ()) -> pl.LazyFrame:
        """Columns called ``c0``, ``c1``, … in the order asked for; texts of those in `coded` may be numbered."""


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """A table that is about to be judged.

    Parameters
    ----------
    names : tuple of str
        Its column names, each once.
    lazy : callable
        Gives a lazy frame of the named columns; see `HandOver`.
    height : callable
        Gives the number of rows.
    streaming : bool
        Whether it is read from a file, piece by piece.
    """

    names: tuple[str, ...]
    lazy: HandOver
    height: Callable[[], int]
    streaming: bool = False

    def frame(self, names: Sequence[str], coded: Collection[str] = ()) -> pl.LazyFrame:
        """Hand over the columns `names`, with times in UTC; texts of those in `coded` may be numbered.

        Raises
        ------
        InvalidError
            When a column holds Python objects.
        """
        import polars as pl

        lazy = self.lazy(names, coded=coded)
        zoned = [name for name, dtype in lazy.collect_schema().items() if getattr(dtype, "time_zone", None)]
        if not zoned:
            return lazy
        return lazy.with_columns(pl.col(zoned).dt.convert_time_zone("UTC").dt.replace_time_zone(None))


def is_text(dtype: pl.DataType) -> bool:
    """Whether values of the type are texts."""
    import polars as pl

    return dtype == pl.String or dtype in (pl.Categorical, pl.Enum)


def table_of(value: Any) -> CheckedTable:
    """Make a `CheckedTable` of `value` without reading or copying it yet.

    Raises
    ------
    InvalidError
        When `value` is no table, has two columns of one name, or has no column.
    NotFoundError
        When it is a path that does not exist.
    UnsupportedError
        When it is a path to a file of another format.
    """
    if isinstance(value, os.PathLike):
        table = _from_path(Path(value))
    else:
        makers = {"pandas": _from_pandas, "pyarrow": _from_arrow, "polars": _from_polars}
        # Told by the package's name, so that nothing is imported that the value does not come from.
        homes = [each.__module__.partition(".")[0] for each in type(value).__mro__]
        maker = next((makers[home] for home in homes if home in makers), None)
        made = maker(value) if maker else None
        if made is None:
            raise InvalidError(f"a {type(value).__qualname__} is no table", hint=f"give {_KINDS}")
        table = made
    table = without_index(table)
    _refuse_bad_names(table.names)
    return table


def without_index(table: CheckedTable) -> CheckedTable:
    """Leave out what pandas writes of an index without a name, which only counts the rows."""
    return replace(table, names=tuple(name for name in table.names if not _UNNAMED.fullmatch(name)))


def _refuse_bad_names(names: tuple[str, ...]) -> None:
    if not names:
        raise InvalidError("the table has no column")
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidError(f"the table has two columns called {name!r}", hint="rename one of them")
        seen.add(name)


def _from_path(path: Path) -> CheckedTable:
    import polars as pl

    if not path.exists():
        raise NotFoundError(f"there is no file {path}")
    try:
        if path.suffix == ".parquet":
            lazy = pl.scan_parquet(path)
        elif path.suffix == ".csv":
            lazy = pl.scan_csv(path, try_parse_dates=True)
        elif path.suffix in SUFFIXES:
            lazy = pl.scan_ipc(path)
        else:
            raise UnsupportedError(f"{path} is no table that checks can read", hint=f"give {_KINDS}")
        names = tuple(lazy.collect_schema().names())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InvalidError(f"{path} cannot be read as a table: {_first_line(error)}") from None

    def columns(wanted: Sequence[str], coded: Collection[str] = ()) -> pl.LazyFrame:  # noqa: ARG001 - read as it is
        # rename takes names as they are, where select would read some as patterns; all of them are
        # renamed, so that no column that was called c0 before is in the way.
        places = {name: f"c{place}" for place, name in enumerate(wanted)}
        renamed = lazy.rename({name: places.get(name, f"other{place}") for place, name in enumerate(names)})
        return renamed.select(list(places.values()))

    return CheckedTable(
        names, columns, lambda: int(lazy.select(pl.len()).collect(engine="streaming").item()), streaming=True
    )


def _from_polars(value: Any) -> CheckedTable | None:
    import polars as pl

    if isinstance(value, pl.LazyFrame):
        value = value.collect()
    if not isinstance(value, pl.DataFrame):
        return None
    frame = value

    def columns(wanted: Sequence[str], coded: Collection[str] = ()) -> pl.LazyFrame:  # noqa: ARG001 - its own are quick
        series = [frame.get_column(name) for name in wanted]
        for name, each in zip(wanted, series, strict=True):
            if each.dtype == pl.Object:
                raise _objects(name, "Python objects")
        return _assembled(series)

    return CheckedTable(tuple(frame.columns), columns, lambda: frame.height)


def _from_arrow(value: Any) -> CheckedTable | None:
    import pyarrow as pa

    if isinstance(value, pa.RecordBatch):
        value = pa.Table.from_batches([value])
    if not isinstance(value, pa.Table):
        return None
    table = value

    def columns(wanted: Sequence[str], coded: Collection[str] = ()) -> pl.LazyFrame:
        return _assembled(_made(lambda name: _series(name, table.column(name), name in coded), wanted, coded))

    return CheckedTable(tuple(table.column_names), columns, lambda: table.num_rows)


def _from_pandas(value: Any) -> CheckedTable | None:
    import pandas as pd

    if not isinstance(value, pd.DataFrame):
        return None
    if value.columns.nlevels > 1:
        raise InvalidError("the table has columns of several levels", hint="flatten df.columns to plain names")
    names = tuple(str(name) for name in value.columns)
    places = {name: place for place, name in enumerate(names)}
    # A named index is data, and is saved as columns; one without a name only counts the rows.
    levels = {str(name): level for level, name in enumerate(value.index.names) if name is not None}
    levels = {name: level for name, level in levels.items() if name not in places}
    frame = value

    def column(name: str, *, coded: bool) -> pl.Series:
        found = frame.index.get_level_values(levels[name]) if name in levels else frame.iloc[:, places[name]]
        return _pandas_series(name, found, coded=coded)

    def columns(wanted: Sequence[str], coded: Collection[str] = ()) -> pl.LazyFrame:
        return _assembled(_made(lambda name: column(name, coded=name in coded), wanted, coded))

    return CheckedTable((*names, *levels), columns, lambda: len(frame))


def _pandas_series(name: str, column: pd.Series[Any] | pd.Index[Any], *, coded: bool) -> pl.Series:
    import numpy as np
    import polars as pl
    import pyarrow as pa

    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
        values = column.to_numpy()
        if values.dtype.kind == "f" and len(values) and np.isnan(values[0]) and np.isnan(values).all():
            # pandas has no other way to write a column of nothing; its type says nothing.
            return pl.Series("", [None] * len(values), dtype=pl.Null)
        return pl.Series("", values, nan_to_null=False)
    try:
        _refuse_mixed_times(column)
        return _series(name, pa.array(column, from_pandas=True), coded)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        held = sorted({type(each).__name__ for each in column[:10_000].dropna()})
        raise _objects(name, f"Python objects ({', '.join(held[:4])})") from None


def _refuse_mixed_times(column: pd.Series[Any] | pd.Index[Any]) -> None:
    """Raise TypeError when numpy's times stand beside numpy's other scalars, at which Arrow would end the process."""
    import numpy as np
    import pandas as pd

    if column.dtype != object or pd.api.types.infer_dtype(column, skipna=False) == "string":
        return
    held = {each for each in set(map(type, column)) if issubclass(each, np.generic)}
    if len(held) > 1 and held & {np.datetime64, np.timedelta64}:
        raise TypeError("times of numpy beside other scalars")


def _series(name: str, column: pa.Array[Any] | pa.ChunkedArray[Any], coded: bool = False) -> pl.Series:
    import polars as pl

    try:
        column = _numbered(column) if coded else column
        made = pl.from_arrow(column, rechunk=False)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise _objects(name, f"values of type {column.type}, which checks cannot read ({_first_line(error)})") from None
    if not isinstance(made, pl.Series) or made.dtype == pl.Object:
        raise _objects(name, f"values of type {column.type}")
    return made


def _numbered(column: pa.Array[Any] | pa.ChunkedArray[Any]) -> pa.Array[Any] | pa.ChunkedArray[Any]:
    """The column with its texts numbered, when there are few: Arrow does that as fast as Polars takes them over."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)) or len(column) < _TRIED:
        return column
    if len(pc.unique(column[:_TRIED])) > _TRIED // _REPEATED:
        return column
    numbered = pc.dictionary_encode(column)
    return numbered.unify_dictionaries() if isinstance(numbered, pa.ChunkedArray) else numbered


def _made(make: Callable[[str], pl.Series], names: Sequence[str], coded: Collection[str]) -> list[pl.Series]:
    """Make the series of all columns; while Arrow numbers one's texts, another processor can do the next."""
    from concurrent.futures import ThreadPoolExecutor

    if len(coded) < 2:
        return list(map(make, names))
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(make, names))


def _assembled(series: list[pl.Series]) -> pl.LazyFrame:
    import polars as pl

    return pl.DataFrame([each.alias(f"c{place}") for place, each in enumerate(series)]).lazy()


def _objects(name: str, what: str) -> InvalidError:
    return InvalidError(
        f"the column {name!r} holds {what}, and no one type of value",
        hint=f"turn it into one, as in df[{name!r}].astype(str), or leave the column out",
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
