"""What the lines of ``check`` and their Python twins read and judge, verb by verb.

A verb that is strict makes a gate of what it judges; what it only compares with is read, and no more.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from nbmlops.tracking.ml_line import MlLine

__all__ = ["CHECKED", "Operand", "argument", "in_call", "in_line"]


@dataclass(frozen=True, slots=True)
class Operand:
    """One thing that a verb of ``check`` is given.

    Parameters
    ----------
    kind : {"data", "model"}
        What a reference means there.
    keywords : tuple of str
        What the argument is called in Python.
    position : int or None
        Its place among the arguments in Python, from 0; in a line too, where it has no option.
    option : str
        What a line calls it; empty when it stands by its place.
    is_judged : bool
        Whether the verdict is on it, so that a strict one is a gate of it.
    is_last : bool
        Whether all that follows is of the same kind.
    is_either : bool
        Whether a reference may mean a model as well.
    """

    kind: Literal["data", "model"]
    keywords: tuple[str, ...]
    position: int | None = None
    option: str = ""
    is_judged: bool = False
    is_last: bool = False
    is_either: bool = False


def _judged(kind: Literal["data", "model"], *keywords: str, position: int = 0) -> Operand:
    return Operand(kind, keywords, position, is_judged=True)


_VALUE = ("value_or_ref", "value")
_TABLE = Operand("data", ("table",), 1)
_CHAMPION = Operand("model", ("champion",), option="--champion")
_TRAIN = Operand("data", ("train",), option="--train")
_CURRENT, _AGAINST = _judged("data", "current"), Operand("data", ("against",), 1, "--against")

CHECKED: Mapping[str, tuple[Operand, ...]] = MappingProxyType(
    {
        "data": (_judged("data", *_VALUE),),
        "drift": (_CURRENT, _AGAINST, Operand("model", ("model",), option="--model")),
        "importance": (_judged("model", "model"), _TABLE, _TRAIN),
        "infer": (Operand("data", _VALUE, 0, is_last=True),),
        "leakage": (_judged("data", "table"), Operand("data", ("test",), option="--test")),
        "model": (_judged("model", "model"), _TABLE, _CHAMPION, _TRAIN),
        "policy": (Operand("data", ("value",), 0, is_judged=True, is_either=True),),
    }
)
"""The verbs of ``check`` that take data or models, with what they take."""


def in_line(line: MlLine) -> Iterator[tuple[Operand, str]]:
    """What a line gives each operand of its verb, as it is written."""
    kind = line.option("--kind")
    for operand in CHECKED.get(line.verb, ()):
        if operand.option:
            given = [line.option(operand.option)]
        else:
            start = operand.position or 0
            given = [*line.arguments[start : None if operand.is_last else start + 1]]
        for word in given:
            if word:
                yield _of_kind(operand, kind), word


def in_call(verb: str, call: ast.Call) -> Iterator[tuple[Operand, ast.expr]]:
    """What a call gives each operand of its verb."""
    named = argument(call, None, ("kind",))
    kind = named.value if isinstance(named, ast.Constant) else None
    for operand in CHECKED.get(verb, ()):
        given = [argument(call, operand.position, operand.keywords)]
        if operand.is_last and operand.position is not None:
            given += call.args[operand.position + 1 :]
        for value in given:
            if value is not None and not isinstance(value, ast.Starred):
                yield _of_kind(operand, kind), value


def argument(call: ast.Call, position: int | None, keywords: tuple[str, ...]) -> ast.expr | None:
    """What a call gives by place or by keyword; None when it gives nothing, or a star hides it."""
    if (
        position is not None
        and len(call.args) > position
        and not any(isinstance(one, ast.Starred) for one in call.args[: position + 1])
    ):
        return call.args[position]
    return next((keyword.value for keyword in call.keywords if keyword.arg in keywords), None)


def _of_kind(operand: Operand, kind: object) -> Operand:
    """The operand, where its kind is named in so many words."""
    if not operand.is_either or kind not in ("data", "model"):
        return operand
    return replace(operand, kind="model" if kind == "model" else "data", is_either=False)
