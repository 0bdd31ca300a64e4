"""Call what belongs to a model, which may raise anything, warn, or never come back.

The call runs in a thread of its own, with the caller's context variables. When its time is up, the thread is told to
end, which reaches Python code at its next line; a call that waits in native code goes on without anybody waiting.
"""

from __future__ import annotations

import contextvars
import ctypes
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nbmlops.core.errors import NbmlopsError

__all__ = ["SECONDS", "Attempt", "attempt"]

SECONDS = 30.0
"""How long one call may take, in seconds."""
_CLEAR = (ValueError, TypeError, KeyError, NotImplementedError, NbmlopsError)
_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a call: its value, or the error that it raised, or that it was `late`."""

    value: Any = None
    error: BaseException | None = None
    late: bool = False

    @property
    def refused(self) -> bool:
        """Whether the call raised an error that says in words what is wrong with what it was given."""
        return isinstance(self.error, _CLEAR) and bool(str(self.error).strip())

    @property
    def ended(self) -> bool:
        """Whether the call gave a value."""
        return self.error is None and not self.late

    @property
    def words(self) -> str:
        """The error in one line, or that there was no answer in time."""
        if self.error is None:
            return "no answer in time" if self.late else ""
        said = f"{type(self.error).__name__}: {self.error}".strip().partition("\n")[0]
        return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"


def attempt(work: Callable[[], Any], seconds: float = SECONDS) -> Attempt:
    """Call `work`, and wait for so many seconds at most; its warnings are silent.

    Examples
    --------
    >>> attempt(lambda: 1 / 0).words
    'ZeroDivisionError: division by zero'
    """
    import numpy as np

    done: list[Attempt] = []

    def call() -> None:
        try:
            with np.errstate(all="ignore"):
                done.append(Attempt(work()))
        except BaseException as error:  # noqa: BLE001 - a model is anyone's code: what it raises is the finding
            done.append(Attempt(error=error))

    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: context.run(call), name="nbmlops-attempt", daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        thread.start()
        thread.join(seconds)
    if thread.is_alive():
        _end(thread)
        return Attempt(late=True)
    return done[0]


def _end(thread: threading.Thread) -> None:
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
    thread.join(0.5)
