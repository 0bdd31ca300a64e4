"""How the arguments of each kind of check are read: one function per kind, over the tokens of the parser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, cast

from nbmlops.checks.aggregates import AGGREGATES, Depends
from nbmlops.checks.kinds import (
    Between,
    Check,
    Columns,
    Expression,
    Key,
    Matches,
    Nulls,
    OneOf,
    Rows,
    Unique,
    is_number,
)
from nbmlops.checks.patterns import compiled_pattern
from nbmlops.checks.sequence import Fresh, Length, Ordered, Way
from nbmlops.data.condition_text import MisreadError
from nbmlops.data.conditions import column_names

if TYPE_CHECKING:
    from nbmlops.checks.parser import Parser

__all__ = ["KINDS"]


def _between(parser: Parser) -> Check:
    low, high = parser.ends("between")
    return Between(low=cast("float | str | None", low), high=cast("float | str | None", high))


def _one_of(parser: Parser) -> Check:
    return OneOf(values=tuple(value for _, value in parser.values("in")))


def _matches(parser: Parser) -> Check:
    token, pattern = parser.only_string("matches")
    try:
        compiled_pattern(pattern)
    except MisreadError as error:
        raise parser.misread(token, error) from None
    return Matches(pattern=pattern)


def _expression(parser: Parser) -> Check:
    token, text = parser.only_string("expr")
    try:
        column_names(text)
    except MisreadError as error:
        raise parser.misread(token, error) from None
    return Expression(text=text)


def _nulls(parser: Parser) -> Check:
    inclusive = parser.takes("<=")
    if not inclusive:
        parser.needs("<", "nulls")
    return Nulls(limit=parser.share(), inclusive=inclusive)


def _no_nulls(parser: Parser) -> Check:
    parser.needs("nulls", "no")
    return Nulls(limit=0.0, inclusive=True)


def _rows(parser: Parser) -> Check:
    parser.needs("between", "rows")
    start = parser.token
    low, high = parser.ends("rows between")
    for end in (low, high):
        if end is not None and not is_number(end):
            raise parser.error(start, f"rows between takes whole numbers, not {end!r}")
    return Rows(low=cast("int | None", low), high=cast("int | None", high))


def _aggregate(kind: str) -> Callable[[Parser], Check]:
    def read(parser: Parser) -> Check:
        parser.needs("between", kind)
        low, high = parser.ends(f"{kind} between")
        return AGGREGATES[kind](low=cast("float | str | None", low), high=cast("float | str | None", high))

    return read


def _length(parser: Parser) -> Check:
    parser.needs("between", "length")
    low, high = parser.ends("length between")
    return Length(low=cast("int | None", low), high=cast("int | None", high))


def _ordered(way: Way) -> Callable[[Parser], Check]:
    def read(parser: Parser) -> Check:
        strict = parser.takes("(")
        if strict:
            parser.needs("strict", f"{way}(")
            parser.needs(")", "strict")
        return Ordered(way=way, strict=strict)

    return read


def _fresh(parser: Parser) -> Check:
    parser.needs("(", "fresh")
    age, unit = parser.next(), parser.next()
    if age.kind != "number" or unit.kind != "word":
        raise parser.error(age, f"expected an age such as 7 days, found {age}")
    parser.needs(")", "the age")
    return Fresh(age=cast("float", age.value), unit=unit.text)


def _columns(parser: Parser) -> Check:
    start = parser.token
    mode, *names = parser.names("columns") or ("",)
    if mode not in ("exact", "at_least"):
        raise parser.error(start, "columns takes exact or at_least first", "columns(exact, year, month)")
    return Columns(mode=cast('Literal["exact", "at_least"]', mode), names=tuple(names))


KINDS: dict[str, Callable[[Parser], Check]] = {
    "between": _between,
    "in": _one_of,
    "matches": _matches,
    "unique": lambda _: Unique(),
    "nulls": _nulls,
    "no": _no_nulls,
    "expr": _expression,
    "rows": _rows,
    "key": lambda parser: Key(columns=parser.names("key")),
    "columns": _columns,
    **{kind: _aggregate(kind) for kind in AGGREGATES},
    "increasing": _ordered("increasing"),
    "decreasing": _ordered("decreasing"),
    "length": _length,
    "fresh": _fresh,
    "depends": lambda parser: Depends(columns=parser.names("depends")),
}
"""A word that begins a check, and what reads the rest of it."""
