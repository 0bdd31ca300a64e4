"""Errors that a user can cause or can act on, as one tree.

::

    NbmlopsError
    ├── InvalidError        an argument, a name, a table or a notebook is not acceptable
    │   └── RefSyntaxError  a reference does not parse
    ├── NotFoundError       a name, version, alias, run or file does not exist
    ├── AmbiguousError      a digest prefix or a run id fits several things
    ├── ConflictError       the world has moved on since the caller looked
    ├── CorruptError        stored bytes are not what was stored
    ├── UntrustedError      a workspace, key, type or signature is not trusted
    ├── RefusedError        a gate, a strict check or a guard said no
    ├── UnavailableError    the disk, the catalog or a remote cannot be used now
    ├── UnsupportedError    a format or a platform this version cannot handle
    ├── DependencyError     an optional package is not installed
    ├── StepFailedError     a notebook step ended other than completed
    └── StoppedError        somebody stopped it

Every error says what is wrong, which thing, and why; its hint is the next thing to type.
A hint writes a command as `` `ml data list` ``; `spoken` says it in the words of the face that people are at.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

__all__ = [
    "AmbiguousError",
    "ConflictError",
    "CorruptError",
    "DependencyError",
    "InvalidError",
    "NbmlopsError",
    "NotFoundError",
    "RefSyntaxError",
    "RefusedError",
    "StepFailedError",
    "StoppedError",
    "UnavailableError",
    "UnsupportedError",
    "UntrustedError",
    "nearest",
    "program",
    "speak",
    "spoken",
]

_TYPED = re.compile(r"`ml(?= |`)")
_dialect = {"program": "nbmlops"}


def speak(program: str) -> None:
    """Say from now on how commands are typed here: ``nbmlops`` in a shell, ``%ml`` where the extension is loaded."""
    _dialect["program"] = program


def program() -> str:
    """How commands are typed here: what `speak` was told last."""
    return _dialect["program"]


def spoken(text: str) -> str:
    """Say commands as they are typed here.

    Examples
    --------
    >>> spoken("see `ml data list`")
    'see `nbmlops data list`'
    """
    return _TYPED.sub(f"`{_dialect['program']}", text)


class NbmlopsError(Exception):
    """Base of all errors that nbmlops raises on purpose.

    Parameters
    ----------
    message : str
        What is wrong, which thing, and why; one or two sentences.
    hint : str, optional
        What to type or do next; a command in it is written as `` `ml data list` ``.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message = message
        self._hint = hint

    @property
    def hint(self) -> str | None:
        """What to type or do next, in the words of the face."""
        return None if self._hint is None else spoken(self._hint)

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nhint: {self.hint}"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self._hint)

    def _render_traceback_(self) -> list[str]:
        # IPython calls this instead of formatting a traceback. The cell still ends in a real
        # error output, so papermill and nbconvert fail with the same text.
        return str(self).splitlines()


def _rebuild(cls: type[NbmlopsError], message: str, hint: str | None) -> NbmlopsError:
    return cls(message, hint=hint)


class InvalidError(NbmlopsError):
    """An argument, a name, a table or a notebook is not acceptable."""


class RefSyntaxError(InvalidError):
    """A reference such as ``flights@v3`` does not parse."""


class NotFoundError(NbmlopsError):
    """A name, version, alias, run or file does not exist."""


class AmbiguousError(NbmlopsError):
    """A digest prefix or a run id fits several things."""


class ConflictError(NbmlopsError):
    """The world has moved on since the caller looked; nothing was changed."""


class CorruptError(NbmlopsError):
    """Stored bytes are not what was stored; they are never handed out."""


class UntrustedError(NbmlopsError):
    """A workspace, key, type or signature is not trusted by this user."""


class RefusedError(NbmlopsError):
    """A gate, a strict check or a guard said no; nothing was changed."""


class UnavailableError(NbmlopsError):
    """The disk, the catalog or a remote cannot be used now."""


class UnsupportedError(NbmlopsError):
    """A format, a platform or a file system that this version cannot handle."""


class DependencyError(NbmlopsError):
    """An optional package is not installed; the hint names the extra."""


class StepFailedError(NbmlopsError):
    """A notebook step ended other than completed; `notebook` is where the executed one lies, if it came to that."""

    def __init__(self, message: str, *, hint: str | None = None, notebook: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.notebook = notebook


class StoppedError(NbmlopsError):
    """Somebody stopped it."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Give a sentence that names the known words nearest to `word`.

    Examples
    --------
    >>> nearest("flihgts", ["flights", "weather"])
    'did you mean flights?'
    >>> nearest("xyz", ["flights"]) is None
    True
    """
    found = difflib.get_close_matches(word, list(known), n=3, cutoff=0.5)
    return f"did you mean {', '.join(found)}?" if found else None
