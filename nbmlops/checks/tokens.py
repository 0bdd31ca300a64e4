r"""Words of a suite's text: cutting them out, writing them, and pointing at the wrong one.

::

    string  = '"' … '"' | "'" … "'"     escapes: backslash before a quote, a backslash, n, t, r, or uXXXX;
                                        before anything else it stands for itself, so "\d+" needs no doubling
    number  = [-+] digits [ "." digits ] [ e digits ]      "_" may group the digits
    ref     = "@" name [ "@" version ] [ "." ( column | string ) ], or "@" string for a name that holds points
    word    = letters of any script, digits, "_"; does not start with a digit
    comment = "#" to the end of the line
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from nbmlops.core.errors import InvalidError

__all__ = [
    "Scalar",
    "Token",
    "pointed",
    "tokenize",
    "unescaped",
    "write_name",
    "write_operand",
    "write_scalar",
    "write_string",
]

Scalar = bool | int | float | str
Kind = Literal["word", "number", "string", "ref", "mark", "comment", "newline", "end"]

_WORD = r"[^\W\d][^\s\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]*"
_TOKEN = re.compile(
    rf"""(?P<space>[^\S\n]+)
    |(?P<newline>\n)
    |(?P<comment>\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')
    |(?P<ref>@(?:"[^"\\\n]*"|[^\s,():"'\#@][^\s,():"'\#]*(?:"(?:[^"\\\n]|\\[^\n])*")?))
    |(?P<number>[-+]?(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
    |(?P<word>{_WORD})
    |(?P<mark><=|[():,<%])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"""\\(?:(["'\\ntr])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))""")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r"}
_LARGEST = 10**30
# What a condition takes for something else than a column, in any case of letters.
_MEANT = frozenset({"and", "or", "not", "in", "is", "null", "true", "false", "none"})
_SHOWN = 100
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the text: its kind, its source, where it begins, and the value it stands for."""

    kind: Kind
    text: str
    start: int
    value: Scalar = ""

    def __str__(self) -> str:
        ends = {"newline": "the end of the line", "end": "the end of the text", "comment": "a comment"}
        return ends.get(self.kind) or (self.text if len(self.text) <= 40 else f"{self.text[:40]}…")


def tokenize(text: str) -> list[Token]:
    """Cut `text` into tokens; newlines inside parentheses are dropped, and so are comments there.

    Raises
    ------
    InvalidError
        At the first place that is no token, with a caret under it.
    """
    if lone := _SURROGATE.search(text):
        raise pointed(text, lone.start(), "half a surrogate pair is no character")
    tokens: list[Token] = []
    depth = position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise pointed(text, position, _complaint(text[position]))
        kind, source = match.lastgroup, match.group()
        if kind == "mark":
            depth += (source == "(") - (source == ")")
            tokens.append(Token("mark", source, position))
        elif kind in ("newline", "comment"):
            if depth <= 0:
                tokens.append(Token("newline" if kind == "newline" else "comment", source, position))
        elif kind == "string":
            tokens.append(Token("string", source, position, unescaped(text, source, position)))
        elif kind == "number":
            tokens.append(Token("number", source, position, _number(text, source, position)))
        elif kind in ("word", "ref"):
            tokens.append(Token("word" if kind == "word" else "ref", source, position, source))
        position = match.end()
    tokens.append(Token("end", "", len(text)))
    return tokens


def _complaint(character: str) -> str:
    if character in "\"'":
        return "this string is not closed on its line"
    return f"{character!r} means nothing here; names with such characters go in quotes"


def unescaped(text: str, source: str, start: int) -> str:
    """What a string in quotes says; `start` is its place in `text`, for the caret of an error."""

    def one(match: re.Match[str]) -> str:
        letter, four, eight = match.groups()
        if letter is not None:
            return _LETTERS.get(letter, letter)
        code = int(four or eight, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise pointed(text, start + 1 + match.start(), f"{match.group()} is no character")
        return chr(code)

    return _ESCAPE.sub(one, source[1:-1])


def _number(text: str, source: str, start: int) -> int | float:
    digits = source.replace("_", "")
    whole = digits.lstrip("+-").isdigit()
    if len(digits) > 400:
        raise pointed(text, start, "this number is too long")
    value = int(digits) if whole else float(digits)
    if abs(value) == float("inf") or (whole and abs(value) > _LARGEST):
        raise pointed(text, start, "this number is too large", hint="leave the end open, as in between(0, )")
    return value


def pointed(text: str, position: int, message: str, *, hint: str | None = None) -> InvalidError:
    """Build the error `message` for a place in `text`, with its line and a caret under it."""
    if len(message) > _LONGEST:
        # What it says stands at its end; what is too long is the word or the check that it quotes.
        message = f"{message[: _LONGEST // 2]}…{message[-_LONGEST // 2 :]}"
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : end if end >= 0 else len(text)]
    column = position - start
    left = max(0, column - _SHOWN // 2)
    shown = "".join(c if c.isprintable() else " " for c in line[left : left + _SHOWN])
    under = " " * sum(_width(character) for character in shown[: column - left])
    number = text.count("\n", 0, position) + 1
    return InvalidError(f"line {number}: {message}\n  {shown}\n  {under}^", hint=hint)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def write_string(value: str) -> str:
    """Write `value` in quotes so that it reads back the same, with as few escapes as that allows."""
    written: list[str] = []
    for position, character in enumerate(value):
        following = value[position + 1 : position + 2]
        if character == '"':
            written.append('\\"')
        elif character == "\\":
            meant = not following or following in "\"'\\ntruU" or not following.isprintable()
            written.append("\\\\" if meant else "\\")
        elif character.isprintable():
            written.append(character)
        else:
            written.append(f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}")
    return f'"{"".join(written)}"'


def write_name(name: str, *, reserved: frozenset[str] = frozenset()) -> str:
    """Write a column's name, bare when the grammar allows it, else in quotes."""
    bare = name not in reserved and name.isprintable() and re.fullmatch(_WORD, name)
    return name if bare else write_string(name)


def write_operand(name: str) -> str:
    """Write a column's name as a condition reads it: bare, or as ``col("its name")``."""
    plain = name.isidentifier() and name.isascii() and not keyword.iskeyword(name) and name.lower() not in _MEANT
    return name if plain else f"col({write_string(name)})"


def write_scalar(value: Scalar) -> str:
    """Write a value of ``between`` or ``in`` as the grammar reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:_}" if abs(value) >= 10_000 else str(value)
    return repr(value) if isinstance(value, float) else write_string(value)
