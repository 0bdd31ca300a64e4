"""The values that a condition names, as far as they can be looked for in what was recorded.

Only what a column is compared with for equality is a value that rows hold; the bounds of a range are not. Of the
values only those are looked for that are long enough to mean one thing: texts of four characters or more, numbers of
five digits or more. What is left out is told by its length, never by itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nbmlops.data.conditions import parsed
from nbmlops.store.redaction import Redaction

__all__ = ["Literals"]

_CHARACTERS = 4
_DIGITS = 5
_FOLDING = {"lower", "upper"}


@dataclass(frozen=True, slots=True)
class Literals:
    """The values of one condition.

    `by_column` are the values that a column is compared with for equality; `left_out` says of each value that is not
    looked for why not.
    """

    by_column: dict[str, frozenset[Any]]
    texts: frozenset[str]
    numbers: frozenset[float]
    left_out: tuple[str, ...]
    ignore_case: bool

    @classmethod
    def of(cls, condition: str) -> Literals:
        """Read them off a condition.

        Raises
        ------
        MisreadError
            When it does not parse.

        Examples
        --------
        >>> found = Literals.of("tailnum = 'N14228' and carrier in ('UA', 'B6') and flight > 10000")
        >>> sorted(found.texts), found.left_out
        (['N14228'], ('a text of 2 characters', 'a text of 2 characters', 'a bound of a range'))
        """
        tree = parsed(condition)
        by_column: dict[str, set[Any]] = {}
        texts, numbers, left_out = set[str](), set[float](), list[str]()
        equal = list(_equalities(tree))
        asked = {id(node) for _, node in equal}
        for column, node in equal:
            value = _value(node)
            if column is not None:
                by_column.setdefault(column, set()).add(value)
            why = _too_common(value)
            if why is not None:
                left_out.append(why)
            elif isinstance(value, str):
                texts.add(value)
            else:
                numbers.add(value)
        left_out += ["a bound of a range"] * sum(1 for node in _others(tree) if id(node) not in asked)
        folding = any(isinstance(node, ast.Call) and _called(node) in _FOLDING for node in ast.walk(tree))
        kept = {name: frozenset(values) for name, values in by_column.items()}
        return cls(kept, frozenset(texts), frozenset(numbers), tuple(left_out), folding)

    def redaction(self) -> Redaction:
        """What finds them in text."""
        return Redaction(self.texts, self.numbers, ignore_case=self.ignore_case)


def _equalities(tree: ast.expr) -> Iterator[tuple[str | None, ast.expr]]:
    """Values that something is compared with for equality, each with the column when a column alone is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            left = node.left
            for operation, right in zip(node.ops, node.comparators, strict=True):
                if isinstance(operation, ast.In | ast.NotIn) and isinstance(right, ast.Tuple | ast.List):
                    yield from ((_column(left), each) for each in right.elts if _is_value(each))
                elif isinstance(operation, ast.Eq | ast.NotEq):
                    if _is_value(right):
                        yield _column(left), right
                    if _is_value(left):
                        yield _column(right), left
                left = right


def _others(tree: ast.expr) -> Iterator[ast.expr]:
    """All values of a condition but names of columns and truth values."""
    if _is_value(tree):
        yield tree
    elif not (isinstance(tree, ast.Call) and _called(tree) == "col"):
        for child in ast.iter_child_nodes(tree):
            if isinstance(child, ast.expr):
                yield from _others(child)


def _is_value(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    if isinstance(node, ast.Call) and _called(node) == "date":
        return True
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return False
    return isinstance(node.value, str | int | float)


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.UnaryOp):
        return -_value(node.operand)
    if isinstance(node, ast.Call):
        return _value(node.args[0])
    assert isinstance(node, ast.Constant)
    return node.value


def _too_common(value: Any) -> str | None:
    if isinstance(value, str):
        return None if len(value) >= _CHARACTERS else f"a text of {len(value)} characters"
    digits = sum(character.isdigit() for character in repr(value))
    return None if digits >= _DIGITS else f"a number of {digits} digits"


def _column(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Call) and _called(node) == "col" and node.args and isinstance(node.args[0], ast.Constant):
        return str(node.args[0].value)
    return None


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""
