"""How wide text is on a terminal, and how to make it safe, shorter or wider.

Widths follow Unicode Standard Annex 11: wide and full-width characters take two columns, combining
marks and joiners none. User text may hold anything, so what would move the cursor, recolour the
terminal or reverse the reading direction is shown escaped.
"""

from __future__ import annotations

import unicodedata

__all__ = ["clip", "escaped_bytes", "pad", "safe", "width"]

_JOINERS = frozenset("\u200c\u200d")
_BLANKS = frozenset("\t\u00a0\u2009\u202f\u3000")
_ELLIPSIS = "…"


def safe(text: str) -> str:
    r"""Give `text` on one line, without characters that act on a terminal or a page.

    Examples
    --------
    >>> safe("a\nb\x1b[31m")
    'a\\nb\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    return " " if character in _BLANKS else character.encode("unicode_escape").decode("ascii")


def width(text: str) -> int:
    """Columns that `text` takes.

    Examples
    --------
    >>> width("flights"), width("航班"), width("e\u0301")
    (7, 4, 1)
    """
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clip(text: str, columns: int) -> str:
    """Shorten `text` to at most `columns` columns, with an ellipsis where something is missing.

    Examples
    --------
    >>> clip("a long message", 8)
    'a long …'
    """
    if width(text) <= columns:
        return text
    left, kept = columns - 1, []
    for character in text:
        left -= _columns(character)
        if left < 0:
            break
        kept.append(character)
    return "".join(kept) + _ELLIPSIS if columns > 0 else ""


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Fill `text` with spaces up to `columns`, on its left when it is to stand `right`."""
    fill = " " * (columns - width(text))
    return fill + text if right else text + fill


def escaped_bytes(text: str) -> int:
    """Bytes that `text` takes in HTML at most: ``"`` is written as ``&#34;``.

    Examples
    --------
    >>> escaped_bytes("a<b"), escaped_bytes("航")
    (8, 3)
    """
    return len(text.encode("utf-8", "replace")) + 5 * sum(text.count(character) for character in "<>&\"'")
