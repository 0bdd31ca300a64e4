"""The text of a condition as Python's own tree, and where in the text a part of the tree stands."""

from __future__ import annotations

import ast
import re
import warnings

from nbmlops.core.errors import InvalidError
from nbmlops.core.syntax import parsed

__all__ = ["ConditionText", "MisreadError"]

_LONGEST = 2_000
# What SQL writes otherwise; strings are left as they are.
_SQL = re.compile(
    r"""(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<two>[<>!=]=|<>)|(?P<equal>=)"""
    r"""|(?P<word>(?<![.\w])(?:AND|OR|NOT|IN|IS|NULL|TRUE|FALSE)\b)"""
)


class MisreadError(InvalidError):
    """A pattern or an expression does not parse; `what` is the complaint, `offset` its place, if known."""

    def __init__(self, what: str, text: str, offset: int | None, *, hint: str | None = None) -> None:
        self.what = what
        self.offset = offset
        super().__init__(what if offset is None else f"{what}\n{_caret(text, offset)}", hint=hint)


def _caret(text: str, offset: int) -> str:
    left = max(0, offset - 40)
    shown = "".join(character if character.isprintable() else " " for character in text[left : left + 80])
    return f"  {shown}\n  {' ' * (offset - left)}^"


class ConditionText:
    """A condition as somebody wrote it.

    Parameters
    ----------
    text : str
        Python's syntax for an expression, or SQL's for comparisons.

    Raises
    ------
    MisreadError
        When it is empty or too long.
    InvalidError
        When it is no text.
    """

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise InvalidError(f"a condition is a text, not {text!r}"[:200])
        if not text.strip():
            raise MisreadError("the expression is empty", text, None)
        if len(text) > _LONGEST:
            complaint = f"the expression has {len(text):,} characters; at most {_LONGEST:,} are read"
            raise MisreadError(complaint, text, None)
        self.text = text
        # Python takes what begins with a space for an indented block.
        self._lead = len(text) - len(text.lstrip())
        self.python, self._grown = _in_python(text.lstrip())

    def tree(self) -> ast.expr:
        """The expression.

        Raises
        ------
        MisreadError
            When it does not parse.
        """
        try:
            with warnings.catch_warnings():
                # "\d" in a string is a warning of the language; a suite's author did not write Python.
                warnings.simplefilter("ignore")
                return parsed(self.python, "eval").body
        except SyntaxError as error:
            # What misses its end is said to be wrong at 0.
            found = error.offset - 1 if error.offset else len(self.python)
            offset = self.place(found) if error.lineno in (None, 1) else None
            raise MisreadError(f"the expression does not parse: {error.msg}", self.text, offset) from None
        except (ValueError, RecursionError, MemoryError):
            raise MisreadError("the expression does not parse", self.text, None) from None

    def place(self, offset: int) -> int:
        """The place in the user's text of a place in its Python."""
        return self._lead + offset - sum(1 for grown in self._grown if grown < offset)

    def refuse(self, node: ast.expr, what: str, hint: str | None = None) -> MisreadError:
        """The error that says what is wrong with a part, with a caret under it."""
        # ast counts columns in UTF-8 bytes.
        before = self.python.encode()[: node.col_offset].decode(errors="ignore")
        offset = self.place(len(before)) if node.lineno == 1 else None
        return MisreadError(what, self.text, offset, hint=hint or "columns, values, comparisons, and, or, not, + - * /")


def _in_python(text: str) -> tuple[str, list[int]]:
    """A condition as Python writes it, and the places in that where it grew by a character."""
    written: list[str] = []
    grown: list[int] = []
    done = length = 0
    for found in _SQL.finditer(text):
        before, mark = text[done : found.start()], found.group()
        if found["equal"]:
            grown.append(length + len(before))
            mark = "=="
        elif mark == "<>":
            mark = "!="
        elif found["word"]:
            mark = mark.lower()
        written += [before, mark]
        length += len(before) + len(mark)
        done = found.end()
    return "".join([*written, text[done:]]), grown
