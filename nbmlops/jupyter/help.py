"""Help on a line of ours: ``%ml data save?`` and the inspection of a front end (Shift-Tab) tell the verb's own.

IPython looks for a variable by the word at the cursor, and no verb is one. So a line that ends in ``?`` becomes the
same line with ``--help`` before IPython reads it, and a kernel is asked about a line of ours through this first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Help", "help_on"]

_ASKED = re.compile(r"\s*%{1,2}ml\s+(?P<words>[^\n?]+?)\s*\?{1,2}\s*")
_LINE = re.compile(r"\s*(?:[^\W\d][^=%]*=\s*)?%{1,2}ml(?:\s+(?P<words>.*))?")


class Help:
    """The help of one shell, and of its kernel if it has one."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._kernel: Any = getattr(shell, "kernel", None)
        self._inspect: Any = getattr(self._kernel, "do_inspect", None)

    def add(self) -> None:
        """Answer from now on."""
        self._shell.input_transformers_cleanup.append(_as_help)
        if self._kernel is not None:
            self._kernel.do_inspect = self._answer

    def remove(self) -> None:
        """Let IPython answer alone again."""
        if _as_help in self._shell.input_transformers_cleanup:
            self._shell.input_transformers_cleanup.remove(_as_help)
        if self._kernel is not None and self._kernel.__dict__.get("do_inspect") == self._answer:
            del self._kernel.do_inspect

    def _answer(self, code: str, cursor_pos: int, *given: Any, **more: Any) -> Any:
        """Answer as a kernel does."""
        told = help_on(_line_at(code, cursor_pos))
        if told is None:
            return self._inspect(code, cursor_pos, *given, **more)
        return {"status": "ok", "found": True, "data": {"text/plain": told}, "metadata": {}}


def help_on(line: str) -> str | None:
    """Help on the verb that a line of ours names, on its noun, or on the whole; None for another line.

    Parameters
    ----------
    line : str
        A line of a cell.
    """
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    from nbmlops.commands.answer import help_of
    from nbmlops.tracking.ml_line import words

    return help_of(words(found["words"] or ""), "%ml")


def _line_at(code: str, position: int) -> str:
    start = code.rfind("\n", 0, position) + 1
    return code[start:].split("\n", 1)[0]


def _as_help(lines: list[str]) -> list[str]:
    """A cell of one line of ours that ends in ``?``, as a line that prints help."""
    asked = _ASKED.fullmatch("".join(lines))
    if asked is None:
        return lines
    from nbmlops.commands.answer import verb_of
    from nbmlops.tracking.ml_line import words

    return [f"%ml {' '.join((*verb_of(words(asked['words'])), '--help'))}\n"]
