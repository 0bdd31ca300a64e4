"""Patience with a place on a network: what failed is asked for again, so often and so long, and no longer."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Callable
from typing import TypeVar

from nbmlops.core.errors import InvalidError, NbmlopsError
from nbmlops.store.url_errors import explained, is_final, lacks_bucket

__all__ = ["SLOWEST", "Patience", "SpoiltError"]

T = TypeVar("T")
_TRIES, _LONGEST, _SILENT = 8, 75.0, 30.0
"""How often a request is sent, the seconds after which it is not sent again, and those while nothing ever answered."""
_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
SLOWEST = 64 * 1024
"""Bytes a second below which a transfer counts as stalled."""


class SpoiltError(OSError):
    """What came or went is not whole."""


class Patience:
    """How long one place is waited for.

    Parameters
    ----------
    where : str
        The place, as people may see it.

    Attributes
    ----------
    timeout : float
        Seconds that it may be silent: ``NBMLOPS_REMOTE_TIMEOUT``, 20 by default.

    Raises
    ------
    InvalidError
        When that variable is no number.
    """

    def __init__(self, where: str) -> None:
        self.timeout = _timeout()
        self._where = where
        self._answered = False

    def tried(self, work: Callable[[], T]) -> T:
        """Do what may fail and may be done again, until it succeeds or is not worth another try.

        Raises
        ------
        FileNotFoundError, FileExistsError
            As `work` does, for they are answers.
        NbmlopsError
            As `work` does; or of the kind UnavailableError, that says how it ended.
        """
        began = time.monotonic()
        for turn in itertools.count(1):
            try:
                result = work()
            except NbmlopsError:
                raise
            # Each file system has its own family of errors, so all of them are taken, and none is dropped.
            except Exception as error:
                if isinstance(error, FileNotFoundError | FileExistsError) and not lacks_bucket(error):
                    self._answered = True
                    raise
                late = turn == _TRIES or time.monotonic() - began > (_LONGEST if self._answered else _SILENT)
                if late or is_final(error) or lacks_bucket(error):
                    raise explained(self._where, error, turn) from error
            else:
                self._answered = True
                return result
            pause = min(_PAUSE * 2 ** (turn - 1), _LONGEST_PAUSE)
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads the tries, guards nothing
        raise AssertionError("the loop has no end")


def _timeout() -> float:
    text = os.environ.get("NBMLOPS_REMOTE_TIMEOUT", "20")
    try:
        return max(0.1, float(text))
    except ValueError:
        raise InvalidError(f"NBMLOPS_REMOTE_TIMEOUT must be a number of seconds, not {text!r}") from None
