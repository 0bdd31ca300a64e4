"""A condition that nobody may see again: it comes by a hidden prompt or from a file, and no error repeats any of it.

What a person types as the condition of an erasure is often the very thing to be erased. So it is never an argument,
which shells and notebooks keep, and whatever is wrong with it is said by its place, not by its words.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError, UnavailableError
from nbmlops.data.condition_text import MisreadError
from nbmlops.data.conditions import column_names
from nbmlops.data.where import Condition

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["SecretCondition", "agreed", "asked", "from_file"]

_PROMPT = "rows to erase, as in tailnum = 'N14228' (hidden, kept nowhere): "
_HINT = "put it in a file that you delete afterwards: --where-file FILE"
_LARGEST = 64 * 1024


def from_file(path: str | Path) -> SecretCondition:
    """Read a condition from a file.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InvalidError
        When it holds no condition.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST)
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path}", hint="check the path") from None
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read: {error.strerror}", hint="check its permissions") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text, offset = "", error.start
        misread = f"{path} is no text in UTF-8: see its byte {offset}"
    else:
        misread = ""
    if misread:
        raise InvalidError(misread, hint="save it as UTF-8")
    return SecretCondition(text)


def asked() -> SecretCondition:
    """Ask for a condition without showing what is typed: at the terminal, or by the notebook's frontend.

    Raises
    ------
    RefusedError
        When there is nobody to ask.
    """
    return SecretCondition(_answered(lambda: getpass.getpass(_PROMPT), "the condition is asked for", _HINT))


def agreed(question: str, why: str = "this cannot be undone", hint: str = "look at --dry-run, then add --yes") -> bool:
    """Ask for a yes; `why` and `hint` are told where nobody can answer.

    Raises
    ------
    RefusedError
        When there is nobody to ask.
    """
    said = _answered(lambda: input(f"{question} [y/N] "), why, hint)
    return said.strip().lower() in {"y", "yes"}


def _answered(ask: Callable[[], str], why: str, hint: str) -> str:
    # A kernel puts a function of its own in the place of getpass, which asks the frontend; see ipykernel.
    if getpass.getpass.__module__ != "getpass" or sys.stdin.isatty():
        with suppress(EOFError, NotImplementedError):  # the latter is what kernels raise that no one can type into
            return ask()
    raise RefusedError(f"{why}, and there is nobody to ask", hint=hint)


class SecretCondition:
    """A condition on the rows of tables.

    Parameters
    ----------
    text : str
        What the person wrote.

    Raises
    ------
    InvalidError
        When it is empty or does not parse; says where, not what.
    """

    __slots__ = ("_text", "columns")

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        if not self._text:
            raise InvalidError("the condition is empty", hint="as in tailnum = 'N14228'")
        wrong: str | None = None
        try:
            self.columns = column_names(self._text)
        except MisreadError as error:
            place = "" if error.offset is None else f" at its character {error.offset + 1}"
            wrong = f"the condition does not parse{place}"
        except InvalidError:
            wrong = "the condition names a date that is none"
        if wrong:
            # Raised here and not above, so that what it was about does not hang on to this as its context.
            raise InvalidError(wrong, hint="columns, values in quotes, comparisons, and, or, not")

    def __repr__(self) -> str:
        return "<condition>"

    def reveal(self) -> str:
        """The condition itself."""
        return self._text

    def missing(self, columns: Any) -> int:
        """How many columns of the condition a table with these columns lacks."""
        return sum(1 for name in self.columns if name not in columns)

    def on(self, schema: pa.Schema) -> Condition:
        """The condition on the columns of a table that has them all."""
        return Condition(self._text, schema)

    def holds(self, condition: Condition, table: pa.Table, ref: str) -> np.ndarray:
        """For each row whether it holds.

        Raises
        ------
        InvalidError
            When the values of the columns do not compare so; names their types.
        """
        try:
            return condition.holds(table)
        except InvalidError:
            pass
        kinds = ", ".join(f"{name} is {table.column(name).type}" for name in condition.columns)
        raise InvalidError(f"the condition cannot be tested on {ref}", hint=kinds)
