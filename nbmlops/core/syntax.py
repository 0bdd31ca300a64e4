"""Python's own parser, which several threads may ask at once."""

from __future__ import annotations

import ast
import gc
import threading
from typing import Literal, overload

__all__ = ["parsed"]

# Python 3.11 counts the depth of trees for all threads together, and ends a parse by a SystemError when another thread
# takes its turn in the midst of it: https://github.com/python/cpython/issues/106905. No Python is executed there but
# what the garbage collector calls, so it waits. Libraries parse, too, as `traceback` does: a lock alone is not enough.
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
        collects = gc.isenabled()
        gc.disable()
        try:
            return ast.parse(text, name) if mode == "exec" else ast.parse(text, name, mode)
        finally:
            if collects:
                gc.enable()
