"""Conditions on runs, read by a closed list into a tree that SQL is built from; nothing is ever run.

Written as conditions on data are (`nbmlops.data.condition_text`)::

    metrics.auc > 0.8 and params.depth = 4 and tags.owner = 'me'
    status in ("failed", "killed") and started > "2026-11-01"
    params["learning rate"] <= 0.1 or metrics.auc is null
    "holdout" in notebook

A comparison with something that a run does not have does not hold; ``is null`` asks for that.
"""

from __future__ import annotations

import ast
import json
import keyword
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.data.condition_text import ConditionText
from nbmlops.data.conditions import instant

__all__ = [
    "FIELDS",
    "All",
    "AnyOf",
    "Compare",
    "Condition",
    "Missing",
    "Not",
    "RunField",
    "condition_of",
    "read_condition",
    "read_field",
]

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "contains"]
Group = Literal["metrics", "params", "tags", "run"]

FIELDS = {
    "branch": "text",
    "commit": "text",
    "ended": "time",
    "experiment": "text",
    "id": "text",
    "kind": "text",
    "notebook": "text",
    "number": "number",
    "parent": "text",
    "seconds": "number",
    "started": "time",
    "status": "text",
}
"""What every run has, and what kind of value it is."""
_GROUPS = ("metrics", "params", "tags")
_KNOWN = "metrics.NAME, params.NAME, tags.NAME, " + ", ".join(FIELDS)
_OPERATORS: dict[type[ast.cmpop], tuple[Operator, Operator]] = {
    ast.Eq: ("=", "="),
    ast.NotEq: ("!=", "!="),
    ast.Lt: ("<", ">"),
    ast.LtE: ("<=", ">="),
    ast.Gt: (">", "<"),
    ast.GtE: (">=", "<="),
}
"""Each operator, and the one that says the same with its sides exchanged."""
_DEEPEST = 60


@dataclass(frozen=True, slots=True)
class RunField:
    """What is asked for: a metric, param or tag by its name, or one of `FIELDS`."""

    group: Group
    name: str

    def __str__(self) -> str:
        if self.group == "run":
            return self.name
        parts = self.name.split(".")
        # Python takes some letters for others in a name, and none in a text.
        plain = self.name.isascii() and all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)
        return f"{self.group}.{self.name}" if plain else f"{self.group}[{json.dumps(self.name, ensure_ascii=False)}]"


@dataclass(frozen=True, slots=True)
class Compare:
    """A field has a value that compares so."""

    field: RunField
    operator: Operator
    value: float | int | bool | str | datetime


@dataclass(frozen=True, slots=True)
class Missing:
    """A run has no such field."""

    field: RunField


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Condition = Compare | Missing | All | AnyOf | Not


def read_condition(text: str) -> Condition:
    """Read a condition on runs.

    Raises
    ------
    MisreadError
        When it does not parse, or asks for what runs do not have; a caret stands under the place.

    Examples
    --------
    >>> read_condition("0.8 < metrics.auc")
    Compare(field=RunField(group='metrics', name='auc'), operator='>', value=0.8)
    """
    reader = _Reader(text)
    return reader.condition(reader.tree(), 0)


def read_field(text: str) -> RunField:
    """Read one field, such as ``metrics.auc`` or ``started``.

    Raises
    ------
    MisreadError
        When it is none.
    """
    reader = _Reader(text)
    return reader.field(reader.tree())


def condition_of(where: str | None, *, measured: RunField | None = None, **equal: str | None) -> Condition | None:
    """What holds when a condition does, some fields of runs are so, and a metric is a number; None for every run.

    Raises
    ------
    MisreadError
        When the condition cannot be read.
    """
    parts: list[Condition] = [Compare(RunField("run", name), "=", value) for name, value in equal.items() if value]
    if measured is not None:
        parts.append(Compare(measured, ">=", -math.inf))  # NaN compares with nothing
    if where is not None:
        parts.append(read_condition(where))
    return All(tuple(parts)) if parts else None


class _Reader(ConditionText):
    def condition(self, node: ast.expr, depth: int) -> Condition:
        if depth > _DEEPEST:
            raise self.refuse(node, f"the condition nests deeper than {_DEEPEST}", "ask for less at once")
        match node:
            case ast.BoolOp(op=ast.And()):
                return All(tuple(self.condition(value, depth + 1) for value in node.values))
            case ast.BoolOp():
                return AnyOf(tuple(self.condition(value, depth + 1) for value in node.values))
            case ast.UnaryOp(op=ast.Not()):
                return Not(self.condition(node.operand, depth + 1))
            case ast.Compare():
                return self._compared(node)
        raise self.refuse(node, "this is no condition", 'as in metrics.auc > 0.8 and tags.owner = "me"')

    def _compared(self, node: ast.Compare) -> Condition:
        sides = [node.left, *node.comparators]
        parts = [
            self._pair(left, operation, right)
            for left, operation, right in zip(sides, node.ops, sides[1:], strict=False)
        ]
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _pair(self, left: ast.expr, operation: ast.cmpop, right: ast.expr) -> Condition:
        match operation:
            case ast.Is() | ast.IsNot():
                if not _is_null(right):
                    raise self.refuse(right, "is only stands before null", "write = for equality")
                missing = Missing(self.field(left))
                return missing if isinstance(operation, ast.Is) else Not(missing)
            case ast.In() | ast.NotIn():
                found = self._within(left, right)
                return found if isinstance(operation, ast.In) else Not(found)
        if _is_value(left):
            return self._compare(right, _OPERATORS[type(operation)][1], left)
        return self._compare(left, _OPERATORS[type(operation)][0], right)

    def _within(self, left: ast.expr, right: ast.expr) -> Condition:
        if isinstance(right, ast.Tuple | ast.List):
            if not right.elts:
                raise self.refuse(right, "after in stands a list of values", 'as in status in ("failed", "killed")')
            return AnyOf(tuple(self._compare(left, "=", each) for each in right.elts))
        if _is_value(right):
            raise self.refuse(right, "after in stands a list of values, or a field", "for one value write =")
        return self._compare(right, "contains", left)

    def _compare(self, left: ast.expr, operator: Operator, right: ast.expr) -> Compare:
        field, value = self.field(left), self._value(right)
        kind = "any" if field.group == "params" else _KINDS.get(field.group) or FIELDS[field.name]
        if kind == "time" and isinstance(value, str):
            try:
                value = instant(value)
            except InvalidError as error:
                raise self.refuse(right, str(error.message), 'write times as in started > "2026-11-26"') from None
        if operator == "contains" and not isinstance(value, str):
            raise self.refuse(right, "before in stands a text", 'as in "holdout" in notebook')
        if not _fits(kind, value) or (operator == "contains" and kind == "number"):
            raise self.refuse(right, f"{field} is a {kind}, and this is none", f"compare {field} with a {kind}")
        if isinstance(value, bool) and operator not in {"=", "!="}:
            raise self.refuse(right, "true and false are neither less nor more", f"write {field} = true")
        return Compare(field, operator, value)

    def field(self, node: ast.expr) -> RunField:
        """The field that a part of the tree names."""
        match node:
            case ast.Name(id=name) if name in FIELDS:
                return RunField("run", name)
            case ast.Subscript(value=ast.Name(id=group), slice=ast.Constant(value=str(name))) if group in _GROUPS:
                return RunField(group, name)  # type: ignore[arg-type]
            case ast.Attribute():
                group, _, name = ast.unparse(node).partition(".")
                if group in _GROUPS and name.replace(".", "").replace("_", "").isalnum():
                    return RunField(group, name)  # type: ignore[arg-type]
        said = ast.unparse(node)
        raise self.refuse(node, f"runs have no {said[:60]!r}", _meant(said))

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=bool() | float() | str() as value):
                return value
            case ast.Constant(value=int(value)) if abs(value) < 1 << 63:
                return value
            case ast.Name(id="true" | "false" as word):
                return word == "true"
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
        hint = "write null as: is null" if _is_null(node) else "a number, a text in quotes, true or false"
        raise self.refuse(node, "a field is compared with a value", hint)


def _meant(said: str) -> str:
    """What somebody may have meant who wrote what is no field."""
    group, dot, name = said.partition(".")
    if dot:
        near = [f"{each}.{name[:60]}" for each in _GROUPS if nearest(group, [each])]
        return f"did you mean {' or '.join(near)}?" if near else _KNOWN
    return nearest(said, FIELDS) or " or ".join(f"{group}.{said}" for group in _GROUPS)


_KINDS = {"metrics": "number", "tags": "text"}
_TYPES: dict[str, Callable[[Any], bool]] = {
    "any": lambda value: True,  # noqa: ARG005 - as the others
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "text": lambda value: isinstance(value, str),
    "time": lambda value: isinstance(value, datetime),
}


def _fits(kind: str, value: Any) -> bool:
    return _TYPES[kind](value)


def _is_null(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id == "null") or (isinstance(node, ast.Constant) and node.value is None)


def _is_value(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant | ast.UnaryOp) or (isinstance(node, ast.Name) and node.id in {"true", "false"})
