"""Find values in what was recorded as text, and put a mark in their place.

A text is found wherever it stands, inside longer words too, as it is and as JSON, HTML, Python and URLs write it: a
record that is marked once too often does less harm than a value that stays. A number is found as a word of its own,
with or without commas between its thousands. Bytes that are no text are only searched, for the same forms in UTF-8,
UTF-16 and UTF-32, the last of which is how numpy keeps text.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, BinaryIO, Final
from urllib.parse import quote

__all__ = ["MARK", "Redaction"]

MARK: Final = "[erased]"
_BLOCK = 1 << 20
_ENCODINGS = ("utf-8", "utf-16-le", "utf-32-le")
# Where a number begins: not within a word or a fraction, but behind an escape such as \n, and behind a colour's code.
_BEGINS = r"(?:(?<![^\W_])(?<!\d\.)|(?<=\\[abfnrtv0])|(?<=[0-9;\[]m))"
_ENDS = r"(?![^\W_])(?!\.\d)"


class Redaction:
    """Values to be found.

    Parameters
    ----------
    texts : iterable of str
        Texts, found in any place.
    numbers : iterable of int or float
        Numbers, found as words.
    ignore_case : bool
        Whether capital letters matter not.
    mark : str
        What stands in their place.

    Examples
    --------
    >>> Redaction(["N14228"], [1234567]).text("tail_N14228 flew 1,234,567 miles, N142 did not")
    'tail_[erased] flew [erased] miles, N142 did not'
    """

    def __init__(
        self, texts: Iterable[str] = (), numbers: Iterable[float] = (), *, ignore_case: bool = False, mark: str = MARK
    ) -> None:
        self._mark = mark
        self._numbers = frozenset(numbers)
        forms = {form for text in texts for form in _written(text)}
        self._longest = max((4 * len(form) for form in forms), default=0)
        patterns = [re.escape(form) for form in sorted(forms, key=len, reverse=True)]
        digits = [form for number in sorted(self._numbers, reverse=True) for form in _counted(number)]
        if digits:
            self._longest = max(self._longest, *(4 * len(form) for form in digits))
            found = "|".join(rf"-?{re.escape(form)}(?:\.0+)?" for form in digits)
            patterns.append(rf"{_BEGINS}(?:{found}){_ENDS}")
        flags = re.IGNORECASE if ignore_case else 0
        self._pattern = re.compile("|".join(patterns), flags) if patterns else None
        self._in_bytes = _in_bytes([*forms, *digits], flags)

    def __bool__(self) -> bool:
        return self._pattern is not None

    def text(self, value: str) -> str:
        """The text with the mark in the place of each value."""
        return value if self._pattern is None else self._pattern.sub(self._mark, value)

    def is_in(self, value: str) -> bool:
        """Whether a text holds one of the values."""
        return self._pattern is not None and self._pattern.search(value) is not None

    def json(self, value: Any, kept: Container[str] = (), fixed: Container[str] | None = None) -> Any:
        """What JSON reads, with the mark in the place of each value in texts and numbers.

        Parameters
        ----------
        value : object
            Mappings, lists, texts, numbers, truth values and None.
        kept : container of str
            Members of mappings that are no free text, and stay as they are.
        fixed : container of str, optional
            Names of members that belong to the format. Others change too where they hold a value; by default none does.
        """
        match value:
            case str():
                return self.text(value)
            case bool() | None:
                return value
            case int() | float():
                return self._mark if value in self._numbers else value
            case Mapping():
                return {
                    key if fixed is None or key in fixed else self.text(key): inner
                    if key in kept
                    else self.json(inner, kept, fixed)
                    for key, inner in value.items()
                }
            case list() | tuple():
                return [self.json(inner, kept, fixed) for inner in value]
            case _:
                return value

    def is_in_stream(self, stream: BinaryIO, progress: Callable[[int], None] | None = None) -> bool:
        """Whether bytes hold one of the values; read to the first of them, in bounded memory."""
        if self._in_bytes is None:
            return False
        before = b""
        while block := stream.read(_BLOCK):
            if progress is not None:
                progress(len(block))
            held = before + block
            if self._in_bytes.search(held):
                return True
            before = held[-self._longest :]
        return False


def _written(text: str) -> set[str]:
    """A text as it is, and as it is written inside others."""
    escaped = {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]}
    twice = {json.dumps(form)[1:-1] for form in escaped}
    in_pages = {html.escape(text), html.escape(text, quote=False), quote(text), quote(text, safe="")}
    return {text, *escaped, *twice, *in_pages}


def _counted(number: float) -> set[str]:
    """The ways to write the digits of a number."""
    if number != int(number):
        return {repr(abs(number))}
    whole = abs(int(number))
    return {f"{whole}", f"{whole:,}", f"{whole:_}", f"{whole:,}".replace(",", "\u202f"), f"{whole:,}".replace(",", " ")}


def _in_bytes(forms: Iterable[str], flags: int) -> re.Pattern[bytes] | None:
    several = {form.encode(encoding, "surrogatepass") for form in forms for encoding in _ENCODINGS}
    patterns = [re.escape(form) for form in sorted(several, key=len, reverse=True)]
    return re.compile(b"|".join(patterns), flags) if patterns else None
