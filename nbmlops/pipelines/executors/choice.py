"""Which executor runs the steps of a run: the one that is asked for, or else the one of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_one_of
from nbmlops.pipelines.executors.site import Opener, Site

if TYPE_CHECKING:
    from nbmlops.pipelines.executors.assignment import Executor

__all__ = ["EXECUTORS", "Places"]

EXECUTORS = ("threads", "dask")


@dataclass(frozen=True, slots=True)
class Places:
    """Where steps may run: the project here, what opens it elsewhere, and what the settings say."""

    site: Site
    opener: Opener
    executor: str | None = None
    scheduler: str | None = None

    def choose(self, executor: str | None = None, scheduler: str | None = None) -> Executor | None:
        """The executor, None for threads of this process.

        Parameters
        ----------
        executor : {"threads", "dask"}, optional
            What is asked for.
        scheduler : str, optional
            Address of the scheduler of Dask.

        Raises
        ------
        InvalidError
            When it is none of them, or one has no scheduler that needs it, or the other way round.
        """
        chosen, address = executor or self.executor or "threads", scheduler or self.scheduler
        check_one_of("executor", chosen, EXECUTORS)
        if chosen == "threads":
            if scheduler is not None:
                raise InvalidError(f"threads have no scheduler, and {scheduler} is given", hint="--executor dask")
            return None
        if address is None:
            raise InvalidError("which scheduler of Dask is not said", hint="--scheduler tcp://HOST:8786")
        from nbmlops.pipelines.executors.dask import Dask

        return Dask(address, self.site, self.opener)
