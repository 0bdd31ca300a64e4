"""Lines of the grammar as a panel shows them, and the words that they are made of."""

from __future__ import annotations

import shlex

from nbmlops.core.errors import program
from nbmlops.jupyter.panels.panel import Line
from nbmlops.tracking.ml_line import quoted

__all__ = ["in_cell", "pushing", "renaming", "typed", "verb", "words"]


def words(*said: str, beyond: tuple[str, ...] = ()) -> list[str]:
    """The words of a line, and beyond them what people wrote, where what begins with a dash is no option."""
    return [*said, *(["--"] if any(word.startswith("-") for word in beyond) else []), *beyond]


def verb(noun: str, name: str) -> Line:
    """The line of a verb that takes a version and no more."""

    def line(ref: str) -> list[str]:
        return words(noun, name, beyond=(ref,))

    return line


def renaming(noun: str) -> Line:
    """The line that gives what has versions another name."""

    def line(old: str, new: str) -> list[str]:
        return words(noun, "rename", beyond=(old, new))

    return line


def pushing(noun: str) -> Line:
    """The line that pushes a version to a remote; to the only one by default."""

    def line(ref: str, to: str = "") -> list[str]:
        return words(noun, "push", *([f"--to={to}"] if to else []), beyond=(ref,))

    return line


def in_cell(line: list[str]) -> str:
    """A line as a cell has it.

    Raises
    ------
    InvalidError
        When a word has a line break in it, which a line has not.
    """
    return f"%ml {quoted(line)}"


def typed(line: list[str]) -> str:
    """A line as it is typed where the panel is shown: in a cell, or in a shell where nothing is known of cells.

    Raises
    ------
    InvalidError
        When a word has a line break in it, which a line has not.
    """
    said = in_cell(line)
    return said if program() == "%ml" else shlex.join(["nbmlops", *line])
