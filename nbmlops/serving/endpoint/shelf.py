"""The versions that a worker has in memory, kept as the catalog says.

About once a second the catalog is asked who is to answer. When that has changed, what is new is opened beside what is
there, in a thread, and the whole takes its place in one assignment: a request that has begun ends with the version it
began with. What the alias is on and cannot be opened leaves the last good one where it is, and so does a catalog that
is away. A challenger that cannot be opened is missing, and the champion answers in its place.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from nbmlops.core.errors import NotFoundError
from nbmlops.serving.endpoint.fields import Unseen
from nbmlops.serving.endpoint.lineup import Lineup, Missing, Wanted
from nbmlops.serving.endpoint.served import Served

__all__ = ["Shelf", "Source"]

_log = logging.getLogger(__name__)


class Source(Protocol):
    """Where versions come from."""

    @property
    def name(self) -> str:
        """The model's name."""

    def wanted(self) -> Wanted:
        """Who is to answer now; raises when the catalog is away or the alias means nothing."""

    def number(self, version_id: int) -> int | None:
        """The number of a version."""

    def open(self, version_id: int) -> Served:
        """Open it after all checks of trust."""


class Shelf:
    """Holds who answers.

    Parameters
    ----------
    source : Source
        Where versions come from.
    every : float
        Seconds between two looks.
    told : callable
        Called after each look with whether the alias's version answers.
    before : callable
        Gets a lineup that is new before it answers.
    """

    def __init__(
        self,
        source: Source,
        every: float = 1.0,
        told: Callable[[bool], None] = lambda _: None,
        before: Callable[[Lineup], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._every = every
        self._told = told
        self._before = before
        self.failure: str | None = None
        """Why what the alias is on does not answer; None when it does."""
        self._refused: dict[int, str] = {}
        """Versions that are not to be opened, which are not tried each second, and why."""
        self._left: tuple[Served, ...] = ()
        """What the alias was on before: a rollback has it at once."""
        wanted = source.wanted()
        champion = source.open(wanted.ids[wanted.deployment.alias])
        self.lineup = Lineup(replace(wanted.deployment, split=(), shadow=()), champion)
        self._take(wanted)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="nbmlops-alias", daemon=True)

    @property
    def current(self) -> Served:
        """What the alias means, and answers whom no share takes."""
        return self.lineup.champion

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
        """Ask who is to answer, and follow."""
        try:
            self._take(self._source.wanted())
        except Exception as error:  # noqa: BLE001 - whatever it is, what answers now goes on
            self._fail(_first_line(error))
        self._told(self.failure is None)

    def _take(self, wanted: Wanted) -> None:
        alias = wanted.deployment.alias
        served: dict[str, Served] = {}
        missing = {ref: Missing(None, why) for ref, why in wanted.absent.items()}
        for ref, version_id in wanted.ids.items():
            try:
                served[ref] = self._opened(version_id, served, wanted.deployment.unseen)
            except Exception as error:  # noqa: BLE001 - whatever it is, the champion goes on
                # What was merely not reached is tried again.
                if not isinstance(error, OSError | NotFoundError):
                    self._refused[version_id] = _first_line(error)
                missing[ref] = Missing(self._source.number(version_id), _first_line(error))
        self._refused = {key: why for key, why in self._refused.items() if key in wanted.ids.values()}
        if alias in served:
            self.failure = None
        else:
            self._fail(missing.pop(alias).why)
        champion = served.get(alias) or _as_said(self.current, wanted.deployment.unseen)
        versions = {**served, alias: champion}
        if champion.id != self.current.id:
            self._left = (self.current,)
            _log.info("version %d answers", champion.version)
        self._tell(missing)
        lineup = Lineup(wanted.deployment, champion, versions, missing)
        if lineup != self.lineup:
            self._before(lineup)
            self.lineup = lineup

    def _opened(self, version_id: int, found: Mapping[str, Served], unseen: Unseen) -> Served:
        """A version as it is in memory, or else opened."""
        for known in (*found.values(), self.current, *self.lineup.versions.values(), *self._left):
            if known.id == version_id:
                return _as_said(known, unseen)
        if version_id in self._refused:
            raise _StillRefusedError(self._refused[version_id])
        began = time.monotonic()
        served = self._source.open(version_id)
        _log.info("version %d opened in %.2f s", served.version, time.monotonic() - began)
        return _as_said(served, unseen)

    def _fail(self, message: str) -> None:
        # Each reason is said once.
        if self.failure != message:
            _log.warning("version %d goes on: %s", self.current.version, message)
        self.failure = message

    def _tell(self, missing: Mapping[str, Missing]) -> None:
        for ref, one in missing.items():
            if self.lineup.missing.get(ref) != one:
                _log.warning("version %d answers for %s: %s", self.current.version, ref, one.why)


def _as_said(served: Served, unseen: Unseen) -> Served:
    return served if served.unseen == unseen else replace(served, unseen=unseen)


class _StillRefusedError(Exception):
    """Says again why a version was not opened."""


def _first_line(error: Exception) -> str:
    if isinstance(error, _StillRefusedError):
        return str(error)
    return f"{type(error).__name__}: {error}".splitlines()[0]
