"""A user's table as an Arrow table, and back; what cannot make the journey is refused by name."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, nearest

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "is_table",
    "kind_of",
    "names_of",
    "pandas_index",
    "pandas_labels",
    "pandas_types",
    "pick",
    "refuse_names",
    "to_arrow",
]


_NO_PLACE = (TypeError, ValueError, NotImplementedError, OverflowError)
"""What conversions raise besides Arrow's own errors."""


def kind_of(value: Any) -> str:
    """Name of a value's type for messages, such as ``list`` or ``sklearn.svm.SVC``."""
    cls = type(value)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__.split('.')[0]}.{cls.__qualname__}"


def is_table(value: Any) -> bool:
    """Whether `value` is a pandas, pyarrow or polars table; imports none of them."""
    cls = type(value)
    package = cls.__module__.partition(".")[0]
    return (package, cls.__name__) in {("pandas", "DataFrame"), ("pyarrow", "Table"), ("polars", "DataFrame")} or (
        any((base.__module__.partition(".")[0], base.__name__) == ("pandas", "DataFrame") for base in cls.__mro__)
    )


def to_arrow(value: Any, *, allow_empty: bool = False) -> pa.Table:
    """Turn a pandas, polars or pyarrow table into an Arrow table, with what pandas needs to rebuild it.

    Raises
    ------
    InvalidError
        When it has no rows or columns, duplicate column names, or a column of Python objects.
    """
    import pyarrow as pa

    if not is_table(value):
        raise InvalidError(
            f"{kind_of(value)} is not a table, an array, a file or a folder",
            hint="save a pandas, polars or pyarrow table, a numpy array, or the path of a file",
        )
    refuse_names([str(name) for name in (value.column_names if isinstance(value, pa.Table) else value.columns)])
    if len(value) == 0 and not allow_empty:
        raise InvalidError("the table has no rows", hint="if it is meant to be empty, save it with --allow-empty")
    if isinstance(value, pa.Table):
        return value
    if type(value).__module__.startswith("polars"):
        for name, kind in value.schema.items():
            if str(kind) == "Object":
                raise _no_plain_type(name, value[name].to_list())
        return value.to_arrow()
    return _from_pandas(value)


def refuse_names(names: Sequence[str], what: str = "the table") -> None:
    """Refuse a table without columns, or with two of one name; `what` says in messages what it is.

    Raises
    ------
    InvalidError
        When it is one.
    """
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        several = f"{Counter(names)[twice[0]]} columns named {twice[0]!r}"
        more = f", and {len(twice) - 1} more names are there several times" if twice[1:] else ""
        raise InvalidError(f"{what} has {several}{more}", hint="give each column a name of its own, then save")
    if not names:
        raise InvalidError(f"{what} has no columns", hint="nothing was saved")


def _from_pandas(frame: pd.DataFrame) -> pa.Table:
    import pandas as pd
    import pyarrow as pa

    if isinstance(frame.columns, pd.MultiIndex):
        raise InvalidError(
            f"the columns have {frame.columns.nlevels} levels of names, and a table keeps one",
            hint="join the levels to one name, as in df.columns = df.columns.map('_'.join), then save",
        )
    for name, dtype in frame.dtypes.items():
        if dtype.kind == "O" and dtype.name == "object":
            _refuse_objects(str(name), frame[name])
    try:
        with warnings.catch_warnings():
            # It warns of labels that are not text, of which more is said below.
            warnings.simplefilter("ignore", UserWarning)
            table = pa.Table.from_pandas(frame)
    except (*_NO_PLACE, pa.ArrowException) as error:
        raise _misfit(frame, error) from None
    back = table.slice(0, 0).to_pandas().columns
    if not back.equals(frame.columns) or back.names != frame.columns.names:
        found = Counter(kind_of(name) for name in frame.columns)
        shown = ", ".join(f"{count} {kind}" for kind, count in found.most_common(3))
        raise InvalidError(
            f"the column names ({shown}) would not come back as they are",
            hint="make them text, as in df.columns = df.columns.map(str), then save",
        )
    return table


def _misfit(frame: pd.DataFrame, error: Exception) -> InvalidError:
    """What to say of a table that Arrow does not take: the column that it stumbles over, and a way out."""
    import pyarrow as pa

    for name, dtype in frame.dtypes.items():
        try:
            pa.Table.from_pandas(frame[[name]].head(1_000), preserve_index=False)
        except (*_NO_PLACE, pa.ArrowException):
            ways = {
                "Sparse": f"df[{name!r}] = df[{name!r}].sparse.to_dense()",
                "complex": "split it into real and imag",
            }
            way = next((way for start, way in ways.items() if str(dtype).startswith(start)), None)
            return InvalidError(
                f"the column {name!r} has the type {dtype}, which a table cannot keep",
                hint=way or "change its type, or drop it, then save",
            )
    return InvalidError(f"the table cannot be saved: {str(error).splitlines()[0]}", hint="change that column's type")


def _refuse_objects(name: str, series: pd.Series[Any]) -> None:
    """Refuse a column of Python objects that Arrow has no plain type for."""
    import pyarrow as pa

    try:
        kind = pa.array(series, from_pandas=True).type
    except (*_NO_PLACE, pa.ArrowException):
        kind = None
    values = series.dropna().head(10_000).tolist()
    # Arrow would take a set for a list, and give a list back.
    if kind is None or pa.types.is_struct(kind) or any(isinstance(value, set | frozenset) for value in values):
        raise _no_plain_type(name, values)


def _no_plain_type(name: str, values: Sequence[Any]) -> InvalidError:
    found = Counter(kind_of(value) for value in values[:10_000])
    shown = ", ".join(f"{count} {kind}" for kind, count in found.most_common(3))
    return InvalidError(
        f"the column {name!r} holds Python objects ({shown} among its first values), which a table cannot keep",
        hint=f"turn {name!r} into numbers, text, dates or lists of one type, or drop it",
    )


def names_of(columns: str | Sequence[str]) -> tuple[str, ...]:
    """Names of columns; a text alone is one of them, not its letters."""
    return (columns,) if isinstance(columns, str) else tuple(columns)


def pick(path_or_names: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return the asked-for column names when all are known.

    Raises
    ------
    InvalidError
        For an unknown column, with the nearest names.
    """
    for name in path_or_names:
        if name not in known:
            raise InvalidError(
                f"there is no column {name!r}", hint=nearest(name, known) or f"the columns are {', '.join(known[:20])}"
            )
    return list(path_or_names)


def pandas_index(schema: pa.Schema) -> list[Any]:
    """The index as pandas described it in the schema's metadata; empty for the default one."""
    described = (schema.metadata or {}).get(b"pandas")
    if not described:
        return []
    index: list[Any] = json.loads(described)["index_columns"]
    default = [
        item
        for item in index
        if isinstance(item, dict) and item["start"] == 0 and item["step"] == 1 and not item["name"]
    ]
    return [] if default == index else index


def pandas_types(schema: pa.Schema) -> dict[str, str]:
    """Columns whose pandas type is an extension type, such as ``Int64``, which Arrow's type alone does not tell."""
    described = (schema.metadata or {}).get(b"pandas")
    columns = json.loads(described)["columns"] if described else []
    return {
        column["field_name"]: column["numpy_type"]
        for column in columns
        if column["field_name"] and (column["numpy_type"][:1].isupper() or column["numpy_type"] == "boolean")
    }


def pandas_labels(schema: pa.Schema) -> list[Any]:
    """The name and type of a table's column labels, when they are not plain text without a name."""
    described = (schema.metadata or {}).get(b"pandas")
    labels = json.loads(described).get("column_indexes", []) if described else []
    found = [[label["name"], label["pandas_type"]] for label in labels]
    return [] if all(name is None and kind in {"unicode", "string", "empty"} for name, kind in found) else found
