"""The health of the pipeline that trains the model: whether it runs, when it last succeeded, how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from nbmlops.checks.records import Outcome, Status
from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.render.units import duration

if TYPE_CHECKING:
    from nbmlops.monitoring.watching import Watched
    from nbmlops.tracking.records import Run

__all__ = ["OLDEST", "PIPELINES", "SLOWER", "judge"]

OLDEST = 30.0
"""Days after the last success from which on it fails."""
SLOWER = 2.0
"""How many times as long as the longest of the runs before a run may take."""
_RUNS, _FEWEST = 50, 5
_DAY = timedelta(days=1)
PIPELINES = "kind = 'pipeline'"
"""The condition that runs of pipelines keep."""


def judge(watched: Watched) -> list[Outcome]:
    """Outcomes of the last run, of the failures in the window, of the age of the last success, and of the duration."""
    name = watched.monitor.reference or _trained_by(watched)
    listed = watched.known.runs.list(_RUNS, where=PIPELINES, experiment=name)
    runs = [run for run in listed if run.started_at <= watched.until]
    if not runs:
        raise NotFoundError(f"the pipeline {name} has not run yet", hint=f"`ml pipeline run {name}`")
    ended = [run for run in runs if run.status != "running"]
    good = [run for run in ended if run.status == "finished"]
    found = [_last(ended, runs[0]), _failures(watched, ended), _age(watched, good, name)]
    return [*found, _taken(good)]


def _trained_by(watched: Watched) -> str:
    model = watched.served()
    if model.run_id is not None:
        run = watched.known.runs.show(model.run_id)
        if run.kind != "pipeline" and run.parent_id is not None:
            run = watched.known.runs.show(run.parent_id)
        if run.kind == "pipeline":
            return run.experiment
    raise InvalidError(
        f"{model.ref} was trained by no pipeline", hint="name the one that will: `ml monitor add … --reference NAME`"
    )


def _last(ended: Sequence[Run], newest: Run) -> Outcome:
    if not ended:
        return Outcome("last run", None, "passed", f"{newest.name} is running", "finished")
    run = ended[0]
    if run.status == "finished":
        return Outcome("last run", None, "passed", f"{run.name} finished", "finished")
    error = run.error or {}
    told = ": ".join(filter(None, (error.get("name"), error.get("value"))))
    return Outcome(
        "last run", None, "failed", f"{run.name} {run.status}", "finished", told or f"`ml run show {run.name}`"
    )


def _failures(watched: Watched, ended: Sequence[Run]) -> Outcome:
    within = [run for run in ended if run.started_at >= watched.since]
    bad = [run for run in within if run.status != "finished"]
    figure = f"{len(bad)} of {len(within)} in the window"
    names = ", ".join(run.name for run in bad[:5])
    # One that failed and was followed by a success is worth a word, and no alarm: `last run` fails when it is the last.
    return Outcome("failed runs", None, "warned" if bad else "passed", figure, "none", names, number=float(len(bad)))


def _age(watched: Watched, good: Sequence[Run], name: str) -> Outcome:
    bound = OLDEST if watched.monitor.bound is None else watched.monitor.bound
    asked = f"at most {bound:g} days"
    if not good:
        return Outcome("age of the last success", None, "failed", "none", asked, f"{name} has not succeeded yet")
    days = max(0.0, (watched.until - (good[0].ended_at or good[0].started_at)) / _DAY)
    status: Status = "failed" if days > bound else "passed"
    figure, band = f"{days:.1f} days", (None, bound)
    return Outcome("age of the last success", None, status, figure, asked, good[0].name, number=days, band=band)


def _taken(good: Sequence[Run]) -> Outcome:
    if len(good) <= _FEWEST:
        words = f"{len(good)} successes, more than {_FEWEST} are needed"
        return Outcome("duration", None, "passed", "not judged", f"at most {SLOWER:g} times as long", words)
    last, before = good[0].seconds or 0.0, max(run.seconds or 0.0 for run in good[1:])
    status = "warned" if last > SLOWER * before else "passed"
    told = f"the longest of {len(good) - 1} before took {duration(before)}"
    bound = f"at most {duration(SLOWER * before)}"
    return Outcome("duration", None, status, duration(last), bound, told, number=last)  # type: ignore[arg-type]
