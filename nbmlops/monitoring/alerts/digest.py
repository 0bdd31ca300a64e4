"""The digest: once a day, what was worth no message of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbmlops.monitoring.alerts.records import Alert, Digest, DigestLine
from nbmlops.pipelines.schedules.queries import add_notice
from nbmlops.render.units import count

if TYPE_CHECKING:
    from nbmlops.monitoring.records import Monitor
    from nbmlops.store.catalog import Connection

__all__ = ["digested", "note"]


def digested(rows: Sequence[Any], monitors: Sequence[Monitor], since: datetime, until: datetime) -> Digest:
    """Make a digest of the alerts of a span of time, given as rows, and of monitors as they stand."""
    silent = frozenset(one.name for one in monitors if one.silent_until is not None and one.silent_until > until)
    alerts = [Alert.of(row, silent) for row in rows]
    quiet = [alert for alert in alerts if alert.told_at is None]
    failing = {name for alert in alerts for name in alert.monitors if alert.closed_at is None}
    lines = [*(_line(alert) for alert in quiet), *_warned(monitors, failing)]
    told = sum(1 for alert in alerts if alert.told_at is not None and alert.told_at >= since)
    return Digest(since, until, tuple(sorted(lines, key=lambda line: line.deployment)), told)


def _line(alert: Alert) -> DigestLine:
    words = f"{alert.title.partition(': ')[2]} ({', '.join(alert.monitors)}): {alert.why}"
    return DigestLine(alert.deployment, alert.state, words, alert.command)


def _warned(monitors: Sequence[Monitor], failing: set[str]) -> Iterator[DigestLine]:
    for one in monitors:
        if one.status == "warned" and one.name not in failing and one.paused_at is None:
            yield DigestLine(one.deployment, "warned", f"{one.name} ({one.kind})", f"ml check show {one.report}")


def note(connection: Connection, digest: Digest, now: datetime) -> None:
    """Note a digest for those who are told; one without lines is noted too, so that silence never means a fault."""
    lines = [f"{line.deployment} {line.state}: {line.words}; look: {line.command}" for line in digest.lines]
    title = f"digest: {count(len(lines), 'matter')} of no hurry, {digest.told} told before"
    add_notice(connection, "digest", title, "\n".join(lines) or "nothing", now)
