"""How the arguments of each kind of check are read: one function per kind, over the tokens of the parser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, cast

from nbmlops.checks.aggregates import AGGREGATES, Depends
from nbmlops.checks.custom import Tested
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
from nbmlops.checks.references import InReference, Like, References, read_reference
from nbmlops.checks.sequence import Fresh, Length, Ordered, Way
from nbmlops.core.errors import InvalidError
from nbmlops.core.refs import Ref
from nbmlops.data.condition_text import MisreadError
from nbmlops.data.conditions import column_names

if TYPE_CHECKING:
    from nbmlops.checks.parser import Parser
    from nbmlops.checks.tokens import Token

__all__ = ["KINDS"]


def _between(parser: Parser) -> Check:
    low, high = parser.ends("between")
    return Between(low=cast("float | str | None", low), high=cast("float | str | None", high))


def _one_of(parser: Parser) -> Check:
    if parser.tokens[parser.at + 1].kind == "ref":
        ref, column = _against(parser, "in")
        return InReference(ref=ref, column=column)
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


def _like(parser: Parser) -> Check:
    ref, column = _against(parser, "like")
    return Like(ref=ref, column=column)


def _against(parser: Parser, what: str) -> tuple[str, str | None]:
    """Read one reference in parentheses; `what` stands before them."""
    parser.needs("(", what)
    token = parser.next()
    if token.kind != "ref":
        raise parser.error(token, f"expected a version such as @flights@v1, found {token}", f"{what}(@flights@v1)")
    found = _reference(parser, token)
    parser.needs(")", f"the reference {token}")
    return found


def _test(parser: Parser) -> Check:
    start = parser.token
    names = parser.names("test")
    if len(names) != 1:
        raise parser.error(start, "test takes the name of one function", "test(late_enough)")
    return Tested(name=names[0])


def _references(parser: Parser) -> Check:
    parser.needs("(", "references")
    names: list[str] = []
    while parser.token.kind in ("word", "string"):
        names.append(str(parser.next().value))
        parser.needs(",", "a column")
    token = parser.token
    if token.kind != "ref":
        raise parser.error(token, f"expected a version such as @routes, found {token}", _ROWS)
    ref, column = _reference(parser, parser.next())
    if column is not None:
        raise parser.error(token, "references takes the version alone: its columns have the same names", _ROWS)
    parser.needs(")", f"the reference {token}")
    return References(columns=tuple(names), ref=ref)


def _reference(parser: Parser, token: Token) -> tuple[str, str | None]:
    """Take apart what a token refers to; what names no version has a caret under it."""
    ref, column = read_reference(token.text)
    try:
        Ref.parse(ref)
    except InvalidError as error:
        raise parser.error(token, error.message, error.hint) from None
    return ref, column


def _columns(parser: Parser) -> Check:
    start = parser.token
    mode, *names = parser.names("columns") or ("",)
    if mode not in ("exact", "at_least"):
        raise parser.error(start, "columns takes exact or at_least first", "columns(exact, year, month)")
    return Columns(mode=cast('Literal["exact", "at_least"]', mode), names=tuple(names))


_ROWS = "references(carrier, origin, @routes)"

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
    "references": _references,
    "like": _like,
    "test": _test,
    "depends": lambda parser: Depends(columns=parser.names("depends")),
}
"""A word that begins a check, and what reads the rest of it."""
