"""Types of parameters as a notebook writes them: from annotations, else from comments, else from defaults."""

from __future__ import annotations

import ast
import re
from datetime import date, datetime
from typing import Any

from nbmlops.core.syntax import parsed
from nbmlops.pipelines.kinds import ANY, KindName, ParameterKind
from nbmlops.tracking.ipython_syntax import lines_of

__all__ = ["annotated", "commented", "evaluate", "inferred"]

_PLAIN: dict[str, KindName] = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "str": "str",
    "date": "date",
    "datetime": "datetime",
    "list": "list",
    "List": "list",
    "dict": "dict",
    "Dict": "dict",
    "None": "none",
    "DataRef": "DataRef",
    "ModelRef": "ModelRef",
}
# PEP 484, "Type comments"; papermill's own form goes on with a word of help.
_TYPE_COMMENT = re.compile(r"[ \t]*#[ \t]*type:(?![ \t]*ignore\b)[ \t]*([^#\r\n]+)")


def annotated(node: ast.expr) -> ParameterKind:
    """Read a kind from an annotation; one that is unknown accepts any literal."""
    match node:
        case ast.Constant(value=None):
            return ParameterKind("none")
        case ast.Constant(value=str(text)):
            try:
                return annotated(parsed(text, "eval").body)
            except SyntaxError:
                return ANY
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union(annotated(left), annotated(right))
        case ast.Subscript(value=outer, slice=inner):
            return _generic(_last(outer), inner)
    name = _PLAIN.get(_last(node), "any")
    return ParameterKind(name, constructor=ast.unparse(node) if name in {"date", "datetime"} else "")


def commented(source: str, statement: ast.stmt) -> ParameterKind | None:
    """Read a kind from the comment behind a statement, as ``rate = 1  # type: float``; None where there is none."""
    line = lines_of(source)[(statement.end_lineno or statement.lineno) - 1].encode()
    found = _TYPE_COMMENT.match(line[statement.end_col_offset or 0 :].decode())
    if found is None:
        return None
    for text in (found[1].strip(), found[1].split()[0]):
        try:
            return annotated(parsed(text, "eval").body)
        except SyntaxError:
            continue
    return None


def _generic(name: str, inner: ast.expr) -> ParameterKind:
    arguments = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    match name, len(arguments):
        case "Optional", 1:
            return _union(annotated(inner), ParameterKind("none"))
        case "Union", _:
            return _union(*map(annotated, arguments))
        case "Annotated", _:
            return annotated(arguments[0])
        case ["list" | "List", 1]:
            return ParameterKind("list", of=(annotated(inner),))
        case ["dict" | "Dict", 2]:
            return ParameterKind("dict", of=(annotated(arguments[0]), annotated(arguments[1])))
        case "Literal", _:
            try:
                return ParameterKind("literal", choices=tuple(ast.literal_eval(argument) for argument in arguments))
            except ValueError:
                return ANY
    return ANY


def _union(*members: ParameterKind) -> ParameterKind:
    flat = [part for member in members for part in (member.of if member.name == "union" else (member,))]
    # Text is the most accepting, and None the least: "none" means None, "5" a number where one may be meant.
    return ParameterKind(
        "union", of=tuple(sorted(flat, key=lambda kind: (kind.name != "none", kind.name in {"str", "any"})))
    )


def _last(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def evaluate(node: ast.expr, constructors: frozenset[str] = frozenset()) -> Any:
    """Give the value of a literal, or of a date built by one of `constructors` from integer constants.

    Raises
    ------
    ValueError
        For any other expression.
    """
    match node:
        case ast.Call(func=func, args=arguments, keywords=[]) if ast.unparse(func) in constructors:
            numbers = [ast.literal_eval(argument) for argument in arguments]
            if not all(type(number) is int for number in numbers):
                raise ValueError("a date is built from integers")
            return (datetime if _last(func) == "datetime" else date)(*numbers)
        case ast.List(elts=items):
            return [evaluate(item, constructors) for item in items]
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = zip(keys, values, strict=True)
            return {evaluate(key, constructors): evaluate(item, constructors) for key, item in pairs if key is not None}
    return ast.literal_eval(node)


def inferred(node: ast.expr) -> ParameterKind:
    """Read a kind from a default; one that is computed, or None, accepts any literal."""
    match node:
        case ast.Call(func=func) if _last(func) in {"date", "datetime"}:
            return ParameterKind("datetime" if _last(func) == "datetime" else "date", constructor=ast.unparse(func))
        case ast.List():
            return ParameterKind("list")
        case ast.Dict():
            return ParameterKind("dict")
    try:
        name = type(ast.literal_eval(node)).__name__
    except (ValueError, TypeError, RecursionError):
        return ANY
    return ParameterKind(_PLAIN[name]) if name in {"bool", "int", "float", "str"} else ANY
