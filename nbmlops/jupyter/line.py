"""The text after ``%ml``: split into words as a person at IPython expects, and what is said of a result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbmlops.core.errors import InvalidError
from nbmlops.tracking.ml_line import words

__all__ = ["split", "told"]

_MARK = "\x00"


def split(line: str) -> tuple[list[str], bool]:
    """Split a line; also says whether it ends in ``;``, which keeps its result from being shown.

    Quotes group, a comment goes, ``data save?`` asks for help.

    Raises
    ------
    InvalidError
        When a quote is not closed.

    Examples
    --------
    >>> split('data save flights -m "two words";  # done')
    (['data', 'save', 'flights', '-m', 'two words'], True)
    >>> split("data save?")
    (['data', 'save', '--help'], False)
    """
    # In an open quote the mark is swallowed by a word; after a comment or on its own it is not.
    if any(_MARK in word and word != _MARK for word in words(f"{line} {_MARK}")):
        raise InvalidError("a quote is not closed", hint='quote the whole text: -m "it\'s done"')
    found = list(words(line))
    if found and found[-1].endswith("?"):
        found[-1:] = [found[-1].rstrip("?"), "--help"] if found[-1].rstrip("?") else ["--help"]
    # The splitter drops a last `;`, with a comment after it or not: with another word there it stays.
    return found, len(words(f"{line.rstrip()} x")) > len(found) + 1 or _ends_in_semicolon(line, found)


def _ends_in_semicolon(line: str, found: list[str]) -> bool:
    bare = line.rstrip()
    return bare.endswith(";") and list(words(bare[:-1])) == [*found]


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
    from nbmlops.render.dispatch import Document, has_look, load_views

    load_views(type(result))
    if result is None or has_look(type(result)) or isinstance(result, Document):
        return None
    shape = getattr(result, "shape", None)
    if isinstance(result, Path):
        what = str(result)
    elif isinstance(shape, tuple) and len(shape) == 2:
        what = f"{shape[0]:,} rows × {shape[1]:,}"
    else:
        what = type(result).__name__
    return "   ".join(part for part in (f"{name} = {source}" if source else name, what) if part)
