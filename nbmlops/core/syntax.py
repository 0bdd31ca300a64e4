"""Python's own parser, one thread at a time."""

from __future__ import annotations

import ast
import threading
from typing import Literal, overload

__all__ = ["parsed"]

# Python before 3.11.10 and 3.12.3 counts the depth of trees for all threads together, and ends a parse by a SystemError
# when two build one at once: https://github.com/python/cpython/issues/106905
_guard = threading.Lock()


@overload
def parsed(text: str | bytes, mode: Literal["exec"] = "exec", name: str = "<unknown>") -> ast.Module: ...
@overload
def parsed(text: str | bytes, mode: Literal["eval"], name: str = "<unknown>") -> ast.Expression: ...
def parsed(
    text: str | bytes, mode: Literal["exec", "eval"] = "exec", name: str = "<unknown>"
) -> ast.Module | ast.Expression:
    """The tree of a text, as `ast.parse` gives it, whatever other threads parse meanwhile.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError
        As `ast.parse` does, depending on the text.

    Examples
    --------
    >>> parsed("1 + x", "eval").body.left.value
    1
    """
    with _guard:
        return ast.parse(text, name) if mode == "exec" else ast.parse(text, name, mode)
