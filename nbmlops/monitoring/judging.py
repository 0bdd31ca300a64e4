"""One look of a monitor becomes a report; what cannot be judged is said in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from nbmlops.checks.records import Outcome, Report
from nbmlops.core.errors import NbmlopsError
from nbmlops.monitoring.records import suite_name
from nbmlops.monitoring.watching import NO_DATA, NoDataError, Watched

if TYPE_CHECKING:
    from nbmlops.monitoring.records import Monitor

__all__ = ["judged"]


def judged(watched: Watched) -> Report:
    """The report of a look; it is not kept."""
    monitor = watched.monitor
    judge: Callable[[Watched], Sequence[Outcome]] = import_module(f"nbmlops.monitoring.kinds.{monitor.kind}").judge
    versions: tuple[int, ...] = ()
    try:
        outcomes = tuple(judge(watched))
        versions = watched.versions()
    except NbmlopsError as error:
        # What cannot be judged is said in the report: an erased reference, an empty window.
        told = error.message if error.hint is None else f"{error.message}; {error.hint}"
        figure = NO_DATA if isinstance(error, NoDataError) else ""
        outcomes = (Outcome(monitor.kind, None, "errored", figure, "", told),)
    weighed = tuple(_weighed(outcome, monitor) for outcome in outcomes)
    things = tuple(f"model:{version}" for version in versions)
    return Report(
        None, suite_name(monitor.name), "production", monitor.deployment, weighed, watched.until, None, things
    )


def _weighed(outcome: Outcome, monitor: Monitor) -> Outcome:
    """The outcome with the owner of the monitor, and of its severity."""
    status = "warned" if outcome.status == "failed" and monitor.severity == "warn" else outcome.status
    return replace(outcome, status=status, owner=outcome.owner or monitor.owner)
