"""Steps on the workers of a Dask cluster."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbmlops.core.errors import DependencyError, UnavailableError
from nbmlops.pipelines.executors.assignment import Assignment, Submit
from nbmlops.pipelines.executors.dispatch import Dispatch

if TYPE_CHECKING:
    from distributed import Client

    from nbmlops.pipelines.executors.site import Opener, Site

__all__ = ["Dask", "connected"]

_CONNECT, _CLOSE = 10.0, 5.0
"""Seconds that the scheduler has to answer, and to let go."""
_BEACON = b"By this object a worker of a cluster knows that it sees the store of the run.\n"


class Dask:
    """Runs steps on the workers of a Dask cluster.

    Parameters
    ----------
    scheduler : str
        Its address, such as ``tcp://10.0.0.5:8786``.
    site : Site
        The project here.
    opener : callable
        Opens the project on a worker.
    """

    def __init__(self, scheduler: str, site: Site, opener: Opener) -> None:
        self._scheduler = scheduler
        self._site = site
        self._opener = opener

    @contextmanager
    def open(self, assignment: Assignment) -> Iterator[Submit]:
        """Make ready for the steps of a run.

        Raises
        ------
        DependencyError
            When dask.distributed is not installed.
        UnavailableError
            When no scheduler answers there.
        """
        beacon = self._site.stores.objects.put(_BEACON).digest
        with (
            connected(self._scheduler) as client,
            Dispatch(client, assignment, self._site, self._opener, beacon) as dispatch,
        ):
            yield dispatch.submit


@contextmanager
def connected(scheduler: str) -> Iterator[Client]:
    """A client of the scheduler at an address, for the body."""
    try:
        from distributed import Client
    except ImportError as error:
        raise DependencyError(
            "steps on a cluster need dask.distributed, which is not installed", hint='pip install "nbmlops[dask]"'
        ) from error
    try:
        with warnings.catch_warnings():
            # Versions that matter are compared by the workers; Dask would warn of any.
            warnings.simplefilter("ignore")
            client = Client(scheduler, timeout=_CONNECT, set_as_default=False, name="nbmlops")
    except (OSError, ValueError) as error:  # a time-out is an OSError; an address that is none, a ValueError
        raise UnavailableError(
            f"no Dask scheduler answers at {scheduler}: {error}",
            hint="look at the address, and whether `dask scheduler` runs there",
        ) from error
    try:
        yield client
    finally:
        client.close(timeout=_CLOSE)
