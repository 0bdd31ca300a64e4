"""The verb ``stop``: end a run that goes on in another process, wherever that is.

Whoever asks writes a tag on the run; whoever runs it looks for that about once a second. So it works for a process in
the background, for a scheduler's run, and for one on another machine, and nobody has to guess a process by its number.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError, StoppedError
from nbmlops.pipelines.beating import beating
from nbmlops.store.audit import actor
from nbmlops.tracking.queries.values import add_tags, values

if TYPE_CHECKING:
    from nbmlops.pipelines.stores import Stores
    from nbmlops.store.catalog import Catalog, Connection
    from nbmlops.tracking.records import Run

__all__ = ["STOP", "Hearing", "Stopping"]

STOP = "stop"
"""The tag that asks for the end of a run, and says who does."""
_BEAT = 1.0


class Stopping:
    """The verb that stops."""

    _stores: Stores

    def stop(self, run: str) -> Run:
        """Ask whoever runs a pipeline to stop; within seconds its kernels are interrupted and its notebooks saved.

        Parameters
        ----------
        run : str
            The run of the pipeline, or of one of its steps.

        Returns
        -------
        Run
            The run as it is now; `resume` goes on with it once it has ended.

        Raises
        ------
        InvalidError
            When it is no run of a pipeline, or has ended.
        NotFoundError
            When there is no such run.
        """
        runs = self._stores.runs
        found = runs.show(run)
        if found.kind == "step" and found.parent_id:
            found = runs.show(found.parent_id)
        if found.kind not in {"pipeline", "proof"}:
            raise InvalidError(f"{found.name} is no run of a pipeline", hint="interrupt the kernel that it runs in")
        if found.status != "running":
            raise InvalidError(f"{found.name} has ended: it is {found.status}", hint=f"`ml run show {found.name}`")
        runs.catalog.transact(lambda c: add_tags(c, found.id, {STOP: actor()}))
        return runs.show(found.id)


class Hearing:
    """Hears when somebody asks for the end of a run.

    Parameters
    ----------
    catalog : Catalog
        Where runs are recorded.
    run_id, name : str
        The run, and what it is called.
    """

    def __init__(self, catalog: Catalog, run_id: str, name: str) -> None:
        self._catalog = catalog
        self._run_id = run_id
        self._name = name
        self._who = ""
        self._over = threading.Event()

    @contextmanager
    def open(self, cancel: Callable[[], object]) -> Iterator[None]:
        """Call `cancel` as soon as somebody asks, while the body runs; a store that is away is asked again."""

        def look() -> None:
            tags = self._catalog.read(self._tags)
            if STOP in tags and not self._over.is_set():
                self._who = tags[STOP]
                self._over.set()
                cancel()

        with beating(look, _BEAT, lambda _: None):
            yield

    def _tags(self, connection: Connection) -> dict[str, str]:
        return values(connection, "tag", [self._run_id])[self._run_id]

    def raise_if_asked(self) -> None:
        """Raise when somebody has asked.

        Raises
        ------
        StoppedError
            Which says who.
        """
        if self._over.is_set():
            hint = f"`ml pipeline resume {self._name}` goes on with it"
            raise StoppedError(f"{self._name} was stopped by {self._who}", hint=hint)
