"""How old the model is that is served, and the data that it was trained on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nbmlops.checks.records import Outcome

if TYPE_CHECKING:
    from nbmlops.monitoring.watching import Watched

__all__ = ["OLDEST", "judge"]

OLDEST = 30.0
"""Days after which a model is stale."""
_DAY = timedelta(days=1)


def judge(watched: Watched) -> list[Outcome]:
    """An outcome for the model, and one for its data where that is known; the bound is in days."""
    bound = OLDEST if watched.monitor.bound is None else watched.monitor.bound
    model = watched.served()
    found = [_aged("age of the model", model.ref, model.created_at, watched.until, bound)]
    source = watched.trained_on()
    if source is None:
        told = "its run, if it had one, says of no data that it read"
        return [*found, Outcome("age of the data", None, "warned", "not known", f"at most {bound:g} days", told)]
    version = watched.data.show(source)
    return [*found, _aged("age of the data", version.ref, version.created_at, watched.until, bound)]


def _aged(check: str, ref: str, made: datetime, now: datetime, bound: float) -> Outcome:
    days = max(0.0, (now - made) / _DAY)
    figure, asked = f"{days:.1f} days", f"at most {bound:g} days"
    return Outcome(
        check, None, "failed" if days > bound else "passed", figure, asked, ref, number=days, band=(None, bound)
    )
