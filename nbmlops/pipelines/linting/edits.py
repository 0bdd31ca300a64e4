"""Changes of the text of one cell at places of its syntax tree; everything else of the text stays as it was."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nbmlops.core.syntax import parsed
from nbmlops.tracking.source import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Edits", "statement_of"]

_NEWLINE = re.compile(r"\r\n|\r|\n")
_COMMENT = re.compile(r"#[^\r\n]*")


class Edits:
    """Changes of a source, collected first and made together.

    Parameters
    ----------
    source : str
        The cell as it is written. Its tree must be of this text: IPython's syntax is read line for line, so that places
        outside of it are the same in both.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._starts = [0, *(found.end() for found in _NEWLINE.finditer(source))]
        self._newline = next((found[0] for found in _NEWLINE.finditer(source)), "\n")
        self._changes: dict[tuple[int, int], str] = {}

    def replace(self, literal: ast.Constant, text: str) -> None:
        """Write `text` where a literal stands."""
        start, end = self._span(literal)
        # In a line of IPython's own syntax the literal of the tree is not what is written.
        if _is_literal(self._source[start:end], literal.value):
            self._changes[start, end] = text

    def replace_call(self, call: ast.Call, text: str) -> None:
        """Write `text` where a call stands."""
        if self._is_written(call):
            self._changes[self._span(call)] = text

    def argument(self, call: ast.Call, text: str) -> None:
        """Give a call one more argument, behind the others."""
        if not self._is_written(call):
            return
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        last = max((self._span(value)[1] for value in given), default=None)
        close = self._span(call)[1] - 1
        if last is None:
            self._changes[close, close] = text
            return
        tail = self._source[last:close]
        behind_comma = "," in _COMMENT.sub("", tail)
        at = close if "#" in tail else last + len(tail.rstrip())
        # `f(x,)` goes on behind its comma, and keeps one at the end.
        added = f" {text}," if behind_comma and at < close else f" {text}" if behind_comma else f", {text}"
        self._changes[at, at] = added

    def line_above(self, tree: ast.Module, statement: ast.stmt, text: str) -> None:
        """Write a line above a statement of the cell, and above what stands in front of it on its line."""
        line = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", []))])
        for other in reversed(tree.body):
            if other.lineno < line <= (other.end_lineno or other.lineno):
                line = other.lineno
        if line > 1 or not self._source.startswith("%%"):
            at = self._starts[line - 1]
            self._changes[at, at] = f"{text}{self._newline}" + self._changes.get((at, at), "")

    def result(self) -> str:
        """The changed source; a change after which the cell would not be Python is left out."""
        source = self._source
        for (start, end), text in sorted(self._changes.items(), reverse=True):
            changed = source[:start] + text + source[end:]
            if parse(changed).error is None:
                source = changed
        return source

    def _is_written(self, call: ast.Call) -> bool:
        """Whether a call of the tree is written as one: IPython's syntax becomes calls that are not."""
        start, end = self._span(call)
        try:
            written = parsed(self._source[start:end].strip(), "eval").body
        except (SyntaxError, ValueError):
            return False
        return ast.dump(written) == ast.dump(call)

    def _span(self, node: ast.expr) -> tuple[int, int]:
        end = self._offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
        return self._offset(node.lineno, node.col_offset), end

    def _offset(self, line: int, column: int) -> int:
        """Places in trees count bytes of UTF-8."""
        start = self._starts[line - 1]
        stop = self._starts[line] if line < len(self._starts) else len(self._source)
        text = self._source[start:stop]
        return start + len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace"))


def _is_literal(text: str, value: object) -> bool:
    try:
        return bool(ast.literal_eval(text.strip()) == value)
    except (ValueError, SyntaxError):
        return False


def statement_of(tree: ast.Module, wanted: ast.AST) -> ast.stmt | None:
    """The statement of a cell that holds a node."""
    holders: Iterator[ast.stmt] = (each for each in tree.body if any(node is wanted for node in ast.walk(each)))
    return next(holders, None)
