"""Patterns that users write, and the shape that strings have in common, as one that says more than the values seen.

Digits are never taken literally: 2013 becomes four digits, so that the next year fits. Letters are
taken literally only where all values agree. Where lengths vary, one more and one less may come.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby, pairwise

from nbmlops.data.condition_text import MisreadError

__all__ = ["common_pattern", "compiled_pattern", "escaped"]

_MOST = 0.995
_PIECES = 14
_LITERALS = 6
_LONGEST = 60
_CLASSES = {"d": "0-9", "u": "A-Z", "l": "a-z", "o": r"\p{L}\p{M}"}


def common_pattern(values: Sequence[str]) -> str | None:
    r"""Give a pattern that nearly all of the distinct `values` match; None for free text.

    Examples
    --------
    >>> common_pattern(["2013-01-01", "2013-02-17"])
    '[0-9]{4}-[0-9]{2}-[0-9]{2}'
    >>> common_pattern(["hello, world", "it was 3 p.m. (or 4?)"]) is None
    True
    """
    shapes = {value: _shape(value) for value in values if value and len(value) <= _LONGEST}
    if len(shapes) < _MOST * len(values):
        return None
    kinds = Counter(tuple(kind for kind, _ in shape) for shape in shapes.values())
    [(kind, count)] = kinds.most_common(1)
    if count >= _MOST * len(values) and len(kind) <= _PIECES:
        same = [shape for shape in shapes.values() if tuple(each for each, _ in shape) == kind]
        return "".join(_piece([shape[place] for shape in same]) for place in range(len(kind)))
    return _mixed(list(shapes))


def _class(character: str) -> str:
    if character.isascii():
        if character.isdigit():
            return "d"
        return "u" if character.isupper() else "l" if character.islower() else character
    return "o" if character.isalpha() else character


def _shape(value: str) -> tuple[tuple[str, str], ...]:
    return tuple((kind, "".join(run)) for kind, run in groupby(value, key=_class))


def _piece(runs: Sequence[tuple[str, str]]) -> str:
    kind = runs[0][0]
    texts = {text for _, text in runs}
    if len(texts) == 1 and kind != "d" and len(runs) > 1:
        return escaped(runs[0][1])
    return f"{_set(kind)}{_times([len(text) for text in texts])}"


def _mixed(values: Sequence[str]) -> str | None:
    """One set of characters for all, after a first letter that nearly all begin with."""
    characters = {character for value in values for character in value}
    literals = sorted(character for character in characters if _class(character) not in _CLASSES)
    if len(literals) > _LITERALS or any(character.isspace() for character in literals):
        return None
    [(first, count)] = Counter(value[0] for value in values).most_common(1)
    led = count >= _MOST * len(values) and not first.isdigit() and len(values) >= 20
    rest = [value[1:] for value in values if value[0] == first] if led else list(values)
    kinds = sorted({_class(character) for value in rest for character in value})
    if not kinds:
        return None
    members = "".join(_CLASSES.get(kind) or escaped(kind) for kind in kinds)
    return f"{escaped(first) if led else ''}[{members}]{_times([len(value) for value in rest])}"


def _set(kind: str) -> str:
    return f"[{_CLASSES[kind]}]" if kind in _CLASSES else escaped(kind)


def _times(lengths: Sequence[int]) -> str:
    low, high = min(lengths), max(lengths)
    if low == high:
        return "" if low == 1 else f"{{{low}}}"
    return f"{{{max(low - 1, 0)},{high + 1}}}"


def escaped(text: str) -> str:
    """Write `text` so that a pattern matches it and nothing else."""
    # Inside and outside of brackets Rust's crate takes a backslash before any ASCII punctuation.
    return re.sub(r"([\\.+*?()|\[\]{}^$#&\-~])", r"\\\1", text) if len(text) > 1 or text not in "-#&~" else text


@functools.lru_cache(maxsize=4096)
def compiled_pattern(pattern: str) -> str:
    """Anchor `pattern` at both ends of a value.

    Raises
    ------
    MisreadError
        When it is no regular expression of Rust's regex crate.
    """
    import polars as pl

    anchored = f"^(?:{pattern})$"
    for each in (pattern, anchored):
        try:
            pl.Series([""]).str.contains(each)
        except pl.exceptions.PolarsError as error:
            what, offset = _reason(str(error), pattern)
            hint = "look-around and back-references do not exist here: they can take for ever"
            raise MisreadError(
                f"the pattern does not parse: {what}", pattern, offset, hint=hint if "?" in pattern else None
            ) from None
    return anchored


def _reason(message: str, pattern: str) -> tuple[str, int | None]:
    # The crate writes the pattern, a caret under the place, and "error: …", each on its line.
    lines = message.splitlines()
    what = next((line.removeprefix("error: ") for line in lines if line.startswith("error: ")), lines[0])
    for line, under in pairwise(lines):
        if line.strip() == pattern.strip() and under.strip().strip("^") == "":
            return what, max(0, under.index("^") - line.index(pattern)) if pattern in line else None
    return what, None
