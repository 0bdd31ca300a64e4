"""What the lines of ``feature`` and their Python twins read and write, as far as they say it.

A definition reads its sources, which it is tried on; a training set is written, and its spine is read where that is a
reference. Which sources a view that is defined elsewhere has, no line says: what a run really read tells it afterwards.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from nbmlops.pipelines.checked import argument

if TYPE_CHECKING:
    from nbmlops.tracking.ml_line import MlLine

__all__ = ["in_call", "in_line"]

Told = tuple[Literal["reads", "writes"], str | None]
"""How data is accessed, and the reference; None where it is computed."""
_FILES = frozenset({".parquet", ".pq"})


def in_line(line: MlLine, variables: Collection[str]) -> Iterator[Told]:
    """What a line reads and writes, where `variables` are those of the notebook.

    Examples
    --------
    >>> from nbmlops.tracking.ml_line import MlLine
    >>> list(in_line(MlLine.parse("feature training spine delay_inputs:speed"), {"spine"}))
    [('writes', 'training.delay_inputs')]
    """
    if line.verb == "define":
        yield from (
            ("reads", each.strip()) for key, value in line.options if key == "--from" for each in value.split(",")
        )
    elif line.verb == "compute" and line.arguments:
        yield "writes", f"feature.{_plain(line.arguments[0])}"
    elif line.verb == "training" and len(line.arguments) > 1:
        spine, first, *_ = line.arguments
        if spine not in variables and PurePath(spine).suffix not in _FILES:
            yield "reads", spine
        yield "writes", line.option("--name") or f"training.{_plain(first)}"


def in_call(verb: str, call: ast.Call, evaluate: Callable[[ast.expr | None], str | None]) -> Iterator[Told]:
    """What a call reads and writes; `evaluate` gives the text that an expression is, or None."""

    def texts(value: ast.expr | None) -> list[str | None]:
        if value is None:
            return []
        every = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
        return [evaluate(each) for each in every]

    if verb == "define":
        yield from (("reads", each) for each in texts(argument(call, None, ("from_",))))
    elif verb in {"compute", "table"}:
        yield from (("writes", each and f"feature.{_plain(each)}") for each in texts(argument(call, 0, ("ref",))))
    elif verb == "training":
        spine = argument(call, 0, ("spine",))
        if isinstance(spine, ast.Constant) or (isinstance(spine, ast.Name) and evaluate(spine) is not None):
            yield "reads", evaluate(spine)
        name, features = argument(call, None, ("name",)), texts(argument(call, 1, ("features",)))
        first = features[0] if features else None
        yield "writes", evaluate(name) if name is not None else first and f"training.{_plain(first)}"


def _plain(ref: str) -> str:
    """The name in a reference of a feature."""
    return ref.partition(":")[0].partition("@")[0]
