"""Conditions that users write, read into Polars expressions by a closed list; nothing is ever run.

A condition is Python's syntax for a small part of it, and ``is null``. SQL's ``=``, ``<>`` and capital words do too::

    arr_time is null or arr_time > 0
    0 <= hour < 24 and carrier in ("UA", "AA")
    abs(arr_delay - dep_delay) < 600
    date("2013-01-01") <= time_hour
    col("dep delay") > 0
    month = 2 AND carrier <> 'UA'
"""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.data.condition_text import ConditionText, MisreadError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["column_names", "compiled_expression", "instant", "parsed"]

_DEEPEST = 60

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "abs": lambda value: value.abs(),
    "length": lambda value: value.str.len_chars(),
    "lower": lambda value: value.str.to_lowercase(),
    "upper": lambda value: value.str.to_uppercase(),
    "year": lambda value: value.dt.year(),
    "month": lambda value: value.dt.month(),
    "day": lambda value: value.dt.day(),
    "hour": lambda value: value.dt.hour(),
}


@functools.lru_cache(maxsize=4096)
def column_names(text: str) -> tuple[str, ...]:
    """Give the columns that the condition `text` names, sorted.

    Raises
    ------
    MisreadError
        When it does not parse, is too long or too deep, or has anything outside the closed list.
    """
    reader = _Reader(text, None)
    reader.read()
    return tuple(sorted(reader.names))


def parsed(text: str) -> ast.expr:
    """Give the condition `text` as Python's own tree.

    Raises
    ------
    MisreadError
        When it does not parse.
    """
    return ConditionText(text).tree()


def compiled_expression(text: str, columns: Mapping[str, str | pl.Expr]) -> pl.Expr:
    """Read the condition `text` as a Polars expression; `columns` gives each named column, or its name in the frame.

    Raises
    ------
    MisreadError
        As `column_names` does.
    """
    return _Reader(text, columns).read()


def instant(text: str) -> datetime:
    """Read an ISO 8601 date or time; one without an offset is in UTC.

    Raises
    ------
    InvalidError
        When `text` is none.
    """
    try:
        read = datetime.fromisoformat(text)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidError(
            f"{text!r} is no date", hint='write dates as in between("2013-01-01", "2013-12-31")'
        ) from None


class _Reader(ConditionText):
    def __init__(self, text: str, columns: Mapping[str, str | pl.Expr] | None) -> None:
        super().__init__(text)
        self.columns = columns
        self.names: set[str] = set()

    def column(self, name: str) -> pl.Expr:
        import polars as pl

        self.names.add(name)
        found = name if self.columns is None else self.columns[name]
        return pl.col(found) if isinstance(found, str) else found

    def read(self) -> pl.Expr:
        import polars as pl

        built = self.node(self.tree(), 0)
        if not self.names:
            hint = 'a column is written bare, or as col("its name")'
            raise MisreadError("the expression names no column", self.text, 0, hint=hint)
        if not isinstance(built, pl.Expr):
            raise MisreadError("the expression is no condition", self.text, 0)
        return built

    def node(self, node: ast.expr, depth: int) -> Any:
        if depth > _DEEPEST:
            raise self.refuse(node, f"the expression nests deeper than {_DEEPEST}", "split it into two checks")
        builder = _BUILDERS.get(type(node))
        if builder is None:
            raise self.refuse(node, f"an expression cannot hold: {type(node).__name__.lower()}")
        return builder(self, node, depth + 1)


def _constant(reader: _Reader, node: ast.Constant, _depth: int) -> Any:
    import polars as pl

    value = node.value
    if value is None or isinstance(value, bool | float | str):
        return pl.lit(value)
    if isinstance(value, int) and abs(value) < 2**63:
        return pl.lit(value)
    raise reader.refuse(node, f"an expression cannot hold the value {str(value)[:40]}")


def _name(reader: _Reader, node: ast.Name, _depth: int) -> Any:
    import polars as pl

    if node.id in _CONSTANTS:
        return pl.lit(_CONSTANTS[node.id])
    return reader.column(node.id)


def _both(reader: _Reader, node: ast.BoolOp, depth: int) -> Any:
    join = operator.and_ if isinstance(node.op, ast.And) else operator.or_
    return functools.reduce(join, [reader.node(value, depth) for value in node.values])


def _unary(reader: _Reader, node: ast.UnaryOp, depth: int) -> Any:
    value = reader.node(node.operand, depth)
    if isinstance(node.op, ast.Not):
        return ~value
    return -value if isinstance(node.op, ast.USub) else value


def _arithmetic(reader: _Reader, node: ast.BinOp, depth: int) -> Any:
    operation = _ARITHMETIC.get(type(node.op))
    if operation is None:
        raise reader.refuse(node, f"an expression cannot hold the operator {type(node.op).__name__.lower()}")
    return operation(reader.node(node.left, depth), reader.node(node.right, depth))


def _compare(reader: _Reader, node: ast.Compare, depth: int) -> Any:
    left, parts = node.left, []
    for operation, right in zip(node.ops, node.comparators, strict=True):
        parts.append(_pair(reader, left, operation, right, depth))
        left = right
    return functools.reduce(operator.and_, parts)


def _pair(reader: _Reader, left: ast.expr, operation: ast.cmpop, right: ast.expr, depth: int) -> Any:
    value = reader.node(left, depth)
    if _is_null(right):
        if isinstance(operation, ast.Is):
            return value.is_null()
        if isinstance(operation, ast.IsNot):
            return value.is_not_null()
        raise reader.refuse(right, "nothing compares with null", "write: is null, or: is not null")
    if isinstance(operation, ast.In | ast.NotIn):
        if not isinstance(right, ast.Tuple | ast.List) or not right.elts:
            raise reader.refuse(right, "after in stands a list of values", 'as in carrier in ("UA", "AA")')
        found = functools.reduce(operator.or_, [value == reader.node(each, depth) for each in right.elts])
        return found if isinstance(operation, ast.In) else ~found
    if type(operation) not in _COMPARE:
        raise reader.refuse(right, "is only stands before null", "write == for equality")
    return _COMPARE[type(operation)](value, reader.node(right, depth))


def _is_null(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id == "null") or (isinstance(node, ast.Constant) and node.value is None)


def _call(reader: _Reader, node: ast.Call, depth: int) -> Any:
    import polars as pl

    name = node.func.id if isinstance(node.func, ast.Name) else ""
    known = [*_FUNCTIONS, "col", "date"]
    if name not in known:
        raise reader.refuse(node, f"{name or 'this'} is no function of expressions", f"there are {', '.join(known)}")
    if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
        raise reader.refuse(node, f"{name} takes one argument", f"as in {name}(…)")
    argument = node.args[0]
    if name in _FUNCTIONS:
        return _FUNCTIONS[name](reader.node(argument, depth))
    if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
        raise reader.refuse(argument, f"{name} takes a string", f'as in {name}("…")')
    if name == "col":
        return reader.column(argument.value)
    moment = instant(argument.value)
    return pl.lit(moment.replace(tzinfo=None))


_CONSTANTS = {"true": True, "false": False, "null": None}
_BUILDERS: dict[type[ast.expr], Callable[[_Reader, Any, int], Any]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.BoolOp: _both,
    ast.UnaryOp: _unary,
    ast.BinOp: _arithmetic,
    ast.Compare: _compare,
    ast.Call: _call,
}
