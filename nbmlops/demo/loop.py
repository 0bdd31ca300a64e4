"""The second act: the winter model answers real flights month by month, and the loop closes with nobody there.

Time is that of the flights: the clock of all processes is set to each day of 2013 in turn (`rehearsing`). On each day
flights are asked for over HTTP; what came of them is known three days later. What is due is done as a line of cron
would do it, by ``schedule run --once``: monitors look at the first of each month, one that finds decay lets a
challenger be trained, and that is tested in shadow, and promoted or dropped. Nothing here calls any of that by itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.clock import CLOCK, RehearsalClock
from nbmlops.demo.callers import Answers, Callers
from nbmlops.demo.flights import later_flights
from nbmlops.demo.telling import Made, hold
from nbmlops.pipelines.schedules.records import Fire
from nbmlops.serving.endpoint.records import Endpoint

if TYPE_CHECKING:
    import pandas as pd

    from nbmlops.checks.records import Report
    from nbmlops.demo.telling import Teller
    from nbmlops.pipelines.schedules.records import Remark
    from nbmlops.workspace import Workspace

__all__ = ["Replay", "rehearsing", "second_act"]

FIRST, LAST = 4, 8
PER_DAY = 200
"""Flights that are asked for on each day, of about 930 that fly."""
_LATE = timedelta(days=3)
_EVENING, _MORNING = 18, 6
_AFTER = timedelta(minutes=15)
"""How much later than on a first of the month it is looked on Mondays: what began then is due a few minutes later."""
_SHOWN = 3
_MODEL, _SERVED = "delay", "delay@production"


@contextmanager
def rehearsing(path: Path, at: datetime) -> Iterator[RehearsalClock]:
    """Let this process and all that it starts have another time, as long as the body of a ``with`` runs."""
    clock, before = RehearsalClock(path), os.environ.get(CLOCK)
    clock.set(at)
    os.environ[CLOCK] = str(path)
    try:
        yield clock
    finally:
        if before is None:
            del os.environ[CLOCK]
        else:
            os.environ[CLOCK] = before


def second_act(workspace: Workspace, folder: Path, teller: Teller, clock: RehearsalClock) -> Iterator[Made]:
    """Serve, replay April to August, and let the loop run; what is made comes as it is made."""
    teller.chapter("April to August: features of the flights to come, in a workspace apart")
    flights = later_flights(folder, folder / "flights-to-come", FIRST, LAST, PER_DAY, teller.step)
    teller.say(f"{len(flights):,} flights that flew, {PER_DAY} of each day; each is a request of its own")
    clock.set(datetime(2013, FIRST, 1, _MORNING, tzinfo=UTC))
    teller.chapter("Serve the winter model, watch it, and say what is to follow when it decays")
    started = time.monotonic()
    endpoint = workspace.serve(_SERVED)
    assert isinstance(endpoint, Endpoint)
    try:
        teller.say(f"{endpoint.ref} answers at {endpoint.address}, in a process of its own, with a token")
        for line in watch(workspace):
            teller.say(line)
        with Callers(endpoint) as callers:
            replay = Replay(workspace, clock, callers, flights, teller)
            for month in range(FIRST, LAST + 1):
                yield from replay.month(month)
            yield from replay.end(folder / "story.html", time.monotonic() - started)
    finally:
        workspace.serve(_SERVED, stop=True)


def watch(workspace: Workspace, pipeline: str = "delays") -> Iterator[str]:
    """Add the monitors, their schedule, and what follows from decay, which `pipeline` trains; a line for each."""
    add = workspace.monitor.add
    add("moved", _MODEL, "drift", window="30d")
    yield "monitor moved: inputs against the data that the served version was trained on"
    add("ranks", _MODEL, "quality", metric="roc_auc", bound=0.7, window="30d")
    yield "monitor ranks: ROC AUC by labels, at least 0.7"
    add("good", _MODEL, "quality", window="30d")
    yield "monitor good: accuracy by labels, no worse than it was before"
    add("sound", _MODEL, "stability", window="30d")
    yield "monitor sound: no NaN, no infinite and no saturated answers"
    workspace.schedule.add("all", f"0 {_MORNING} 1 * *", name="monitors", action="monitor")
    yield "schedule monitors: all of them, on the first of each month"
    # The last whole month is held out, and everything before it is learnt from.
    params = {"month": "due-1d:%m", "holdout": "due-1d:%m", "until": "due-5w:%m"}
    rules = {"measure": "brier", "least": "4w", "within": "9w", "every": "1w"}
    waits = workspace.deployment.challenge(_MODEL, pipeline, params, on="monitor:good", **rules)
    yield f"schedule {waits.name}: {waits.trigger}, train by {pipeline}, test in shadow, promote or drop"


@dataclass(slots=True)
class Replay:
    """Flights as callers ask for them, day by day, and what is due meanwhile.

    Attributes
    ----------
    workspace : Workspace
        The project.
    clock : RehearsalClock
        The time of all processes.
    callers : Callers
        Who asks.
    flights : pandas.DataFrame
        As `later_flights` gives them.
    teller : Teller
        Who shows it.
    """

    workspace: Workspace
    clock: RehearsalClock
    callers: Callers
    flights: pd.DataFrame
    teller: Teller
    known: date = date.min
    done: Answers | None = None

    def month(self, month: int) -> Iterator[Made]:
        """Ask for a month's flights and do what comes due, the morning after its last day included."""
        began, answers = time.monotonic(), Answers()
        self.teller.chapter(f"{date(2013, month, 1):%B}")
        days = [day for day in sorted(set(self.flights["day"])) if day.month == month]
        for day in days:
            answers.add(self._ask(day))
            morning = day + timedelta(days=1)
            if morning.day == 1 or morning.weekday() == 0:
                self.told(answers, day)
                for fire in self.morning(morning):
                    yield from self._fired(fire)
        self.teller.say(self._summed(answers, time.monotonic() - began))
        hold(answers.refused == 0, "no request is refused or fails")

    def told(self, answers: Answers, day: date) -> None:
        """Wait until what was answered on a day is captured: it is written off the path of the requests."""
        since = _at(day, 0)
        until = time.monotonic() + 30
        wanted = len(self.flights[self.flights["day"] == day])
        while time.monotonic() < until:
            found = self.workspace.deployment.captured.rows(_MODEL, since, columns=["_role"]).collect()
            if (found["_role"] == "served").sum() >= wanted:
                return
            time.sleep(0.1)
        hold(condition=False, claim=f"each of the {answers.given:,} answers is captured")

    def morning(self, day: date) -> list[Fire]:
        """Take in labels that have come, and do what is due; the fires that ended."""
        self.clock.set(_at(day, _MORNING) + (timedelta(0) if day.day == 1 else _AFTER))
        self._label(day - _LATE)
        ended: list[Fire] = []

        def tell(said: Fire | Remark) -> None:
            if isinstance(said, Fire):
                ended.append(said)

        while self.workspace.schedule.run(once=True, tell=tell).ended:
            continue
        if ended:
            deployment = self.workspace.deployment.show(_MODEL)
            numbers = [
                self.workspace.deployment.resolve(deployment, ref).number or 0
                for ref in (deployment.alias, *deployment.shadow)
            ]
            self.callers.await_versions(numbers[0], numbers[1:])
        return ended

    def end(self, page: Path, seconds: float) -> Iterator[Made]:
        """Look back at what came of it, and write the page that tells it."""
        workspace = self.workspace
        held = workspace.deployment.history(_MODEL, limit=100)
        hold(any(change.verb == "challenge" for change in held), "decay lets a challenger be trained")
        hold(any(change.verb in {"promote", "drop"} for change in held), "a challenger is promoted or dropped")
        served = workspace.model.show(_SERVED).ref
        asked = f"{len(self.flights):,} flights asked"
        yield Made("loop", asked, "", seconds, f"nbmlops deployment history {_MODEL}")
        yield Made("served now", served, "", None, f"nbmlops model history {_MODEL}")
        story = workspace.story(_MODEL, html=str(page))
        self.teller.say(f"all of it on one page, {len(story.moments)} moments: {page.absolute()}")
        yield Made("story", f"{len(story.moments)} moments", "", None, str(page))

    def _ask(self, day: date) -> Answers:
        self.clock.set(_at(day, _EVENING))
        rows = self.flights[self.flights["day"] == day]
        return self.callers.ask(rows.drop(columns=["day", "late"]))

    def _label(self, until: date) -> None:
        days = self.flights["day"]
        new = self.flights[(days > self.known) & (days <= until)]
        if len(new):
            labels = new[["late"]].rename(columns={"late": "label"}).rename_axis("_id").reset_index()
            self.workspace.monitor.labels(_MODEL, labels)
            self.known = until

    def _fired(self, fire: Fire) -> Iterator[Made]:
        hold(fire.state == "completed", f"{fire.schedule} runs: {fire.note}")
        at = f"{fire.due_at:%-d %B}"
        if fire.schedule == "monitors":
            for monitor in self.workspace.monitor.list(_MODEL):
                (report,) = self.workspace.monitor.history(monitor.name, limit=1)
                self._say_report(at, monitor.name, report)
                if not report.passed:
                    told = f"{at}: {len(report.failures)} of {len(report.outcomes)}"
                    yield Made(f"{monitor.name} failed", told, "", None, f"nbmlops check show {report.id}")
        else:
            self.teller.say(f"{at}: {fire.schedule}: {fire.note}")
            if fire.run is not None or "undecided" not in str(fire.note):
                look = f"nbmlops run show {fire.run}" if fire.run else f"nbmlops schedule history {fire.schedule}"
                yield Made(fire.schedule, f"{at}: {str(fire.note).partition(':')[0]}", "", None, look)

    def _say_report(self, at: str, name: str, report: Report) -> None:
        if report.passed:
            told = "; ".join(f"{one.check} {one.figure}" for one in report.outcomes[:1])
            self.teller.say(f"{at}: ✓ {name}: {told}")
            return
        more = len(report.failures) - _SHOWN
        told = "; ".join(
            f"{one.column or one.check} {one.figure}{'' if one.column else f', bound {one.bound}'}"
            for one in report.failures[:_SHOWN]
        )
        self.teller.say(f"{at}: ✗ {name}: {told}{f'; and {more} more' if more > 0 else ''}")

    def _summed(self, answers: Answers, seconds: float) -> str:
        who = ", ".join(f"{count:,} by {version}" for version, count in sorted(answers.by_version.items()))
        return f"{answers.given:,} flights answered, {who}; none refused; {seconds:.0f} s"


def _at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
