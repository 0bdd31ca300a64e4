"""Evidence for the seven tests of monitoring: reports of monitors, by their kinds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from nbmlops.monitoring.score.awarding import Found, ScoreTest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbmlops.monitoring.score.facts import Facts, Kept
    from nbmlops.monitoring.score.records import Evidence

__all__ = ["TESTS", "monitored"]

_SHORTEST = timedelta(days=2)
"""A monitor has looked lately when it did so within two of its windows, and at least so long."""
_NOT_JUDGED = "not judged"


_ALSO = {"quality": ("calibration",)}
"""Kinds that tell of the same as another one."""


def monitored(facts: Facts, *kinds: str) -> Iterator[tuple[Evidence, Kept]]:
    """Reports of the monitors of some kinds in which something was judged, and what they are worth."""
    by_suite = {f"monitor:{one.name}": one for one in facts.monitors if one.kind in kinds}
    for report in facts.reports:
        monitor = by_suite.get(report.suite)
        if monitor is None:
            continue
        outcomes = [one for one in facts.outcomes(report) if one.figure != _NOT_JUDGED]
        if not outcomes:
            continue
        worst = max(outcomes, key=lambda one: one.status not in {"passed", "warned"})
        what = f"{monitor.name}: {worst.label} {worst.figure}".strip()
        within = max(_SHORTEST, 2 * monitor.window)
        found = facts.evidence(report, what, covers=facts.thing in report.judged, within=within)
        # While it is paused nobody looks, whatever the schedule says.
        yield replace(found, automatic=found.automatic and monitor.paused_at is None), report


def _of_kind(facts: Facts, kind: str) -> Found:
    kinds = (kind, *_ALSO.get(kind, ()))
    known = [one for one in facts.monitors if one.kind in kinds]
    note = f"no monitor of {kind}" if not known else f"{known[0].name} has judged nothing yet"
    return Found.of((one for one, _ in monitored(facts, *kinds)), note)


_ASKED = {"skew": " --code FILE.py:FUNCTION"}
"""What a kind cannot do without."""
_TITLES = {
    "dependencies": "Changes of what it depends on are told",
    "invariants": "What holds of the training data holds of live inputs",
    "skew": "Features are the same in training and in serving",
    "staleness": "The model that is served is not too old",
    "stability": "Answers are numbers, and not saturated",
    "performance": "Latency, throughput, memory and errors have not become worse",
    "quality": "The quality of live answers has not fallen, and their probabilities hold",
}

TESTS = tuple(
    ScoreTest(
        *(f"Monitoring {place}", "monitoring", title, partial(_of_kind, kind=kind)),
        f"`ml monitor add {{name}}_{kind} {{name}} {kind}{_ASKED.get(kind, '')}`, "
        f"then `ml monitor run {{name}}_{kind}`",
        "`ml schedule add all --action monitor --every 1h --name monitors`, and `ml schedule run`",
    )
    for place, (kind, title) in enumerate(_TITLES.items(), start=1)
)
