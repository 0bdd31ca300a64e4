"""The versions that a worker has in memory, kept where the alias is.

About once a second the catalog is asked where the alias stands. When it has moved, the new version is opened beside
the old one, in a thread, and takes its place in one assignment: a request that has begun ends with the version it
began with. What cannot be opened leaves the last good one where it is, and so does a catalog that is away.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from nbmlops.core.errors import NotFoundError
from nbmlops.serving.endpoint.served import Served

__all__ = ["Shelf", "Source"]

_log = logging.getLogger(__name__)


class Source(Protocol):
    """Where versions come from."""

    @property
    def name(self) -> str:
        """The model's name."""

    def where(self) -> int:
        """The id of the version that the reference means now; raises when the catalog is away."""

    def open(self, version_id: int) -> Served:
        """Open it after all checks of trust."""


@dataclass(frozen=True, slots=True)
class _Failure:
    version_id: int | None
    message: str


class Shelf:
    """Holds what answers.

    Parameters
    ----------
    source : Source
        Where versions come from.
    every : float
        Seconds between two looks.
    told : callable
        Called after each look with whether it went well.
    """

    def __init__(self, source: Source, every: float = 1.0, told: Callable[[bool], None] = lambda _: None) -> None:
        self._source = source
        self._every = every
        self._told = told
        self.current: Served = source.open(source.where())
        self.failure: str | None = None
        """Why what the alias is on does not answer; None when it does."""
        self._refused: _Failure | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="nbmlops-alias", daemon=True)

    def watch(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._ending.set()

    def _watch(self) -> None:
        while not self._ending.wait(self._every):
            self.look()

    def look(self) -> None:
        """Ask where the alias stands, and follow it."""
        version_id: int | None = None
        try:
            version_id = self._source.where()
            if version_id == self.current.id:
                self.failure, self._refused = None, None
            elif self._refused is None or self._refused.version_id != version_id:
                began = time.monotonic()
                served = self._source.open(version_id)
                self.current, self.failure, self._refused = served, None, None
                _log.info("version %d answers, opened in %.2f s", served.version, time.monotonic() - began)
            self._told(self.failure is None)
        except Exception as error:  # noqa: BLE001 - whatever it is, what answers now goes on
            # Each reason is said once.
            message = f"{type(error).__name__}: {error}".splitlines()[0]
            if self.failure != message:
                _log.warning("version %d goes on: %s", self.current.version, message)
            self.failure = message
            # What was not to be opened is not tried each second; what was merely not reached is.
            unreachable = version_id is None or isinstance(error, OSError | NotFoundError)
            self._refused = None if unreachable else _Failure(version_id, message)
            self._told(False)
