"""What people are told of monitors: one message for each deployment, when something begins to fail or is well again.

It is put where schedules put what is to be told, and sent by whichever daemon can: `pipelines.schedules.alerts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from nbmlops.pipelines.schedules.queries import add_notice
from nbmlops.render.units import count

if TYPE_CHECKING:
    from nbmlops.checks.records import Report
    from nbmlops.monitoring.records import Monitor
    from nbmlops.store.catalog import Connection

__all__ = ["tell"]

_BAD = frozenset({"failed", "errored"})
_SHOWN = 5

Pair = tuple["Monitor", "Report"]


def tell(connection: Connection, monitors: Sequence[Monitor], reports: Sequence[Report], now: datetime) -> None:
    """Note what is to be told, given the monitors as they stood before, each with its new report."""
    pairs = [
        (monitor, report)
        for monitor, report in zip(monitors, reports, strict=True)
        if monitor.silent_until is None or monitor.silent_until <= now
    ]
    for deployment in dict.fromkeys(monitor.deployment for monitor, _ in pairs):
        own = [pair for pair in pairs if pair[0].deployment == deployment]
        began = [pair for pair in own if pair[1].status in _BAD and pair[0].status not in _BAD]
        ended = [pair for pair in own if pair[1].status not in _BAD and pair[0].status in _BAD]
        if began:
            title = f"{count(len(began), 'monitor')} of {deployment} failed"
            add_notice(connection, "failure", title, "\n".join(_evidence(began)), now)
        if ended:
            title = f"{count(len(ended), 'monitor')} of {deployment} {'is' if len(ended) == 1 else 'are'} well again"
            body = "\n".join(f"{monitor.name}: {report.status}" for monitor, report in ended)
            add_notice(connection, "recovery", title, body, now)


def _evidence(pairs: Iterable[Pair]) -> Iterable[str]:
    for monitor, report in pairs:
        yield f"{monitor.name} ({monitor.kind}, ask {monitor.owner})"
        yield from (f"  {outcome}" for outcome in report.failures[:_SHOWN])
        if more := len(report.failures) - _SHOWN:
            yield from [f"  and {more} more"] if more > 0 else []
        yield f"  look: ml check show {report.id}; quiet: ml monitor silence {monitor.name} 2h"
