"""Markdown for viewers that take no HTML: GitHub's, a PDF by LaTeX, a wiki; under 100 kB, as the HTML is.

It is the dialect of GitHub (https://github.github.com/gfm/): tables with pipes, code in fences. All text of people is
escaped, so that it shows as it was written; what is a drawing in HTML is the drawing of the plain text here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nbmlops.render.look import Drawing, Facts, Heading, Lines, Look, Part
from nbmlops.render.page import fitted, shortened
from nbmlops.render.table import Column, Table
from nbmlops.render.width import safe

if TYPE_CHECKING:
    from nbmlops.render.look import Block

__all__ = ["escaped", "fenced", "written"]

_MARKS = re.compile(r"([\\`*_\[\]#|~$])")
_REFERENCES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# What would begin a list, and is none.
_LISTED = re.compile(r"^(\s*\d*)([-+.)])(?=\s)")
_FENCE = re.compile(r"^ *(`{3,})", re.MULTILINE)
_BYTES, _LIMIT = 90_000, 100_000


def written(look: Look, *, detail: bool = False) -> str:
    """Write a look as Markdown.

    Parameters
    ----------
    look : Look
        What to show.
    detail : bool
        Whether to write what is there on demand.
    """
    blocks = (*look.body, *(look.more if detail else ()))
    head = [_line(shortened(look.headline))] if look.headline else []
    page = ""
    # What takes more than in HTML are backslashes, which double it at most.
    for budget in (_BYTES, _BYTES // 2):
        page = "\n\n".join([*head, *filter(None, map(_block, fitted(blocks, budget)))]) + "\n"
        if len(page.encode()) < _LIMIT:
            break
    return page


def escaped(text: str) -> str:
    r"""Text that Markdown shows as it is.

    Examples
    --------
    >>> escaped("a_b <img> | $x$")
    'a\\_b &lt;img&gt; \\| \\$x\\$'
    """
    plain = _MARKS.sub(r"\\\1", safe(text).translate(_REFERENCES))
    return _LISTED.sub(r"\1\\\2", plain)


def fenced(text: str) -> str:
    """Text whose line breaks and spaces matter, in a fence that nothing in it closes."""
    longest = max((len(run) for run in _FENCE.findall(text)), default=2)
    fence = "`" * max(3, longest + 1)
    shown = text.encode()[:_BYTES].decode(errors="ignore")
    return f"{fence}text\n{shown}{chr(10) + '…' if len(shown) < len(text) else ''}\n{fence}"


def _line(parts: Sequence[Part]) -> str:
    return " &ensp; ".join(f"**{escaped(part.text)}**" if part.tone == "name" else escaped(part.text) for part in parts)


def _block(block: Block) -> str:
    match block:
        case Lines(lines=lines):
            return "\n".join(f"- {_line(parts)}" for parts in lines)
        case Heading():
            return f"## {escaped(block.title)}"
        case Facts(pairs=pairs):
            return "\n".join(_rows((Column(""), Column("")), pairs)) if pairs else ""
        case Table():
            title = [f"{escaped(block.title)}\n"] if block.title else []
            rest = [f"\n… and {block.omitted:,} more"] if block.omitted else []
            return "\n".join([*title, *_rows(block.columns, block.rows), *rest]) if block.columns else ""
        case Drawing(content=content):
            return fenced("\n".join(safe(line) for line in content.rstrip("\n").split("\n")))
        case _:
            return fenced(block.text())


def _rows(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield _row([column.header for column in columns])
    yield _row(["--:" if column.right else ":--" for column in columns], made=True)
    yield from map(_row, rows)


def _row(cells: Sequence[str], *, made: bool = False) -> str:
    return f"| {' | '.join(cells if made else map(escaped, cells))} |"
