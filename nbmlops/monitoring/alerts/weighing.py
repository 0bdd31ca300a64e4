"""How much an incident matters, from 0 to 1: who is told of it at once, and what the digest is for.

A figure that people care about themselves (quality, errors, latency, fairness, invariants) matters by failing. Drift
and skew matter as far as they reach the answers: size of the change x how much the model leans on that input x whether
quality, measured or estimated, is known to be as it was. What is not known counts as if it were bad.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbmlops.core.errors import NbmlopsError

if TYPE_CHECKING:
    from nbmlops.monitoring.alerts.causes import Incident
    from nbmlops.monitoring.records import Monitor

__all__ = ["ENOUGH", "Weight", "weighed"]

ENOUGH = 0.1
"""From which weight people are told at once."""
_LARGE = 0.5
"""A change of half a standard deviation, or of half of the rows, counts whole."""
_SOFT = frozenset({"drift", "skew"})


@dataclass(frozen=True, slots=True)
class Weight:
    """How much it matters, and what that rests on."""

    value: float
    why: str

    @property
    def matters(self) -> bool:
        """Whether people are told at once."""
        return self.value >= ENOUGH


def weighed(incident: Incident, monitors: Sequence[Monitor], lean: Callable[[], Mapping[str, float]]) -> Weight:
    """Weigh an incident; `monitors` are all those of the deployment, and `lean` gives what its model leans on."""
    if incident.cause == "judging":
        if all(one.lacks_data for one in incident.failing):
            return Weight(0.0, "there is nothing to judge")
        return Weight(1.0, "until it can be judged, nobody knows how it stands")
    hard = [one.monitor.name for one in incident.failing if one.monitor.kind not in _SOFT]
    if hard:
        return Weight(1.0, f"{', '.join(hard)} failed")
    known = [one for one in monitors if one.kind == "quality" and one.paused_at is None]
    well = [one.name for one in known if one.status == "passed"]
    if well and len(well) == len(known):
        return Weight(0.0, f"quality is as it was, by {', '.join(well)}")
    quality = "quality is not known" if not known else "quality is not known to be well"
    size, words = _reach(incident, lean)
    return Weight(size, f"{words}; {quality}")


def _reach(incident: Incident, lean: Callable[[], Mapping[str, float]]) -> tuple[float, str]:
    """The largest of size x importance among the columns that failed."""
    try:
        leans, told = lean(), ""
    except NbmlopsError as error:
        leans, told = {}, f", since {error.message}"
    best, words = 0.0, "nothing that has a size"
    for outcome in (outcome for one in incident.failing for outcome in one.failed):
        size = 1.0 if outcome.number is None else min(1.0, abs(outcome.number) / _LARGE)
        importance = leans.get(outcome.column or "") if leans else None
        weight = size * (1.0 if importance is None else importance)
        if weight > best:
            known = "is not known" if importance is None else f"is {importance:.2f}"
            best, words = weight, f"{outcome.label} of size {size:.2f}, its importance {known}{told}"
    return best, words
