"""Rows that meet a condition: which ones do, and which parts of a file cannot hold any."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.data.conditions import column_names, compiled_expression, instant, parsed

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import pyarrow as pa

__all__ = ["Bound", "Condition"]


@dataclass(frozen=True, slots=True)
class Bound:
    """A comparison of a column with a value that has to hold wherever the whole condition does."""

    column: str
    operator: type[ast.cmpop]
    value: Any

    def fits(self, low: Any, high: Any) -> bool:
        """Whether a value from `low` to `high` can meet it; true too when they do not compare."""
        value = self.value
        if isinstance(value, datetime) and isinstance(low, datetime) and low.tzinfo is None:
            value = value.replace(tzinfo=None)
        elif type(low) is date and isinstance(value, datetime):
            low, high = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (low, high))
        try:
            if self.operator is ast.Eq:
                return bool(low <= value <= high)
            if self.operator in {ast.Lt, ast.LtE}:
                return bool(low <= value)
            # Not a number is more than any number, to Polars, and the figures of a file leave it out.
            return isinstance(high, float) or bool(high >= value)
        except TypeError:
            return True


class Condition:
    """A condition on the columns of a table.

    Parameters
    ----------
    text : str
        What the user wrote.
    schema : pyarrow.Schema
        The table's columns.

    Raises
    ------
    InvalidError
        When it does not parse, or names a column that is not there.
    """

    def __init__(self, text: str, schema: pa.Schema) -> None:
        self.text = text
        self.columns = column_names(text)
        for name in self.columns:
            if name not in schema.names:
                known = nearest(name, schema.names) or f"the columns are {', '.join(schema.names[:20])}"
                raise InvalidError(f"there is no column {name!r}", hint=known)
        self.bounds = _bounds(parsed(text))

    def holds(self, table: pa.Table) -> np.ndarray:
        """For each row whether it holds; what is unknown for lack of a value does not.

        Raises
        ------
        InvalidError
            When values of the columns do not compare as the condition has it.
        """
        import polars as pl

        frame = pl.DataFrame({f"c{n}": _comparable(table.column(name)) for n, name in enumerate(self.columns)})
        places = {name: f"c{n}" for n, name in enumerate(self.columns)}
        try:
            found = frame.select(compiled_expression(self.text, places).alias("holds"))["holds"]
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            what = str(error).splitlines()[0]
            kinds = ", ".join(f"{name} is {table.column(name).type}" for name in self.columns)
            raise InvalidError(f"the condition {self.text!r} cannot be tested: {what}", hint=kinds) from None
        if found.dtype != pl.Boolean:
            raise InvalidError(f"{self.text!r} is no condition: it gives {found.dtype}", hint="compare it with a value")
        holds: np.ndarray = found.fill_null(False).to_numpy()
        return holds


def _comparable(column: pa.ChunkedArray) -> pl.Series:
    """A column with times in UTC and categories as text, as conditions compare them."""
    import polars as pl
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = column.cast(pa.timestamp(column.type.unit))
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return pl.Series(pl.from_arrow(column))


def _bounds(node: ast.expr) -> tuple[Bound, ...]:
    """The comparisons of a column with a value that are joined by ``and`` at the top of a condition."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        return tuple(bound for value in node.values for bound in _bounds(value))
    if not isinstance(node, ast.Compare):
        return ()
    found, left = [], node.left
    for operation, right in zip(node.ops, node.comparators, strict=True):
        for one, other, comparison in ((left, right, type(operation)), (right, left, _TURNED.get(type(operation)))):
            column, value = _column_of(one), _value_of(other)
            if column is not None and value is not None and comparison is not None and comparison in _TURNED:
                found.append(Bound(column, comparison, value))
        left = right
    return tuple(found)


_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
}


def _column_of(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name) and node.id not in {"true", "false", "null"}:
        return node.id
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "col" and node.args:
        named = node.args[0]
        return named.value if isinstance(named, ast.Constant) and isinstance(named.value, str) else None
    return None


def _value_of(node: ast.expr) -> Any:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _value_of(node.operand)
        return -value if isinstance(value, int | float) else None
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "date" and node.args:
        written = node.args[0]
        return instant(written.value) if isinstance(written, ast.Constant) and isinstance(written.value, str) else None
    return None
