"""The text after ``%ml``: split into words as a person at IPython expects, and what is said of a result."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from typing import Any

from nbmlops.core.errors import InvalidError
from nbmlops.tracking.ml_line import words

__all__ = ["in_quotes", "is_assigned", "split", "told"]

_MARK = "\x00"
_RUNNERS = frozenset({"run_cell_magic", "run_line_magic"})


def split(line: str) -> tuple[list[str], bool]:
    """Split a line; also says whether it ends in ``;``, which keeps its result from being shown.

    Quotes group, and a comment at the end goes.

    Raises
    ------
    InvalidError
        When a quote is not closed.

    Examples
    --------
    >>> split('data save flights -m "two words";  # done')
    (['data', 'save', 'flights', '-m', 'two words'], True)
    """
    if in_quotes(line):
        raise InvalidError("a quote is not closed", hint='quote the whole text: -m "it\'s done"')
    found = list(words(line))
    # The splitter drops a `;` only where nothing follows, and so it does not drop it before the mark.
    bare = line.rstrip() if _MARK in words(f"{line} {_MARK}") else line.rpartition("#")[0].rstrip()
    return found, bare.endswith(";")


def in_quotes(line: str) -> bool:
    """Whether a quote is open at the end of a line.

    Examples
    --------
    >>> in_quotes('data save flights -m "two'), in_quotes('data save flights -m "two"')
    (True, False)
    """
    # In an open quote the mark is swallowed by a word; after a comment it is gone, and else it is a word.
    return any(_MARK in word and word != _MARK for word in words(f"{line} {_MARK}"))


def told(name: str, result: Any, source: str | None) -> str | None:
    """One line on what a variable now holds; None for a record, which shows itself.

    Parameters
    ----------
    name : str
        The variable.
    result : object
        What it holds.
    source : str or None
        The version it was loaded from.
    """
    from nbmlops.render import units
    from nbmlops.render.dispatch import Document, has_look, load_views

    load_views(type(result))
    if result is None or has_look(type(result)) or isinstance(result, Document):
        return None
    shape = getattr(result, "shape", None)
    if isinstance(result, Path):
        what = str(result)
    elif isinstance(shape, tuple) and len(shape) == 2:
        what = units.shape(*shape)
    else:
        what = type(result).__name__
    return "   ".join(part for part in (f"{name} = {source}" if source else name, what) if part)


def is_assigned(depth: int) -> bool:
    """Whether the value of the magic that is running goes to a name, as in ``v = %ml data save flights;``.

    Parameters
    ----------
    depth : int
        How many frames up IPython called the magic.
    """
    frame = sys._getframe(depth)  # noqa: SLF001 - as IPython does to find a caller's variables
    while frame.f_back is not None and frame.f_code.co_name not in _RUNNERS:
        frame = frame.f_back
    caller = frame.f_back
    if caller is None:
        return False
    source = linecache.getline(caller.f_code.co_filename, caller.f_lineno).strip()
    return bool(source) and not source.startswith("get_ipython()")
