"""What makes a schedule due: a cron line in its zone, a span of time, or an event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Literal, TypeAlias

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.core.refs import Ref, check_name
from nbmlops.core.spans import parse_span
from nbmlops.pipelines.cron import Cron
from nbmlops.render.units import duration

__all__ = ["EVENTS", "Every", "On", "Trigger", "Wish", "from_json", "shown", "to_json", "trigger", "zone_of"]

Kind = Literal["data", "model", "report", "drift", "stale", "commit"]
EVENTS: dict[str, str] = {
    "data": "a new version of data",
    "model": "a new version of a model, or a change of what is said of it, such as an alias that moved",
    "report": "a report of a suite that failed",
    "drift": "a report of drift that warned or failed",
    "monitor": "a monitor that failed",
    "stale": "a model that is older than --older",
    "commit": "a new commit of the project's repository",
}
"""Kinds of events, and what each is."""
_SHORTEST = timedelta(seconds=1)
_HINT = '"0 6 * * *", --every 6h, --on data:flights, or --on commit'


@dataclass(frozen=True, slots=True)
class Every:
    """Due again and again, a span of time after the last; counted from `anchor`, when it was added."""

    span: timedelta
    anchor: datetime

    def after(self, at: datetime) -> Iterator[datetime]:
        """The times when it is due, later than `at`, in order and without an end."""
        first = (at - self.anchor) // self.span + 1
        return (self.anchor + number * self.span for number in count(first))

    def last(self, at: datetime) -> datetime | None:
        """The last time not later than `at`."""
        return self.anchor + (at - self.anchor) // self.span * self.span


@dataclass(frozen=True, slots=True)
class On:
    """Due after an event: its kind, what it happens to, and of a model the age at which it is stale."""

    kind: Kind
    name: str = ""
    older: timedelta = timedelta(0)


Trigger: TypeAlias = Cron | Every | On


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person says of when something is to start: a cron line and its zone, a span, or an event."""

    cron: str | None = None
    tz: str | None = None
    every: str | None = None
    on: str | None = None
    older: str | None = None


def trigger(wish: Wish, now: datetime) -> Trigger:
    """The trigger that a person means.

    Raises
    ------
    InvalidError
        When nothing or more than one thing is said, or what is said is none.
    """
    said = [name for name in ("cron", "every", "on") if getattr(wish, name) is not None]
    if len(said) != 1:
        what = "nothing says" if not said else f"{' and '.join(said)} both say"
        raise InvalidError(f"{what} when it is due", hint=f"one of: {_HINT}")
    if wish.tz is not None and wish.cron is None:
        raise InvalidError("only a cron line has a time zone", hint="leave --tz out")
    if wish.cron is not None:
        return Cron(" ".join(wish.cron.split()), wish.tz or "UTC")
    if wish.every is not None:
        span = parse_span(wish.every)
        if span < _SHORTEST:
            raise InvalidError(f"--every {wish.every} is no span of time to wait", hint="--every 6h")
        return Every(span, now.replace(microsecond=0))
    assert wish.on is not None
    return _event(wish.on, wish.older)


def _event(text: str, older: str | None) -> On:
    kind, _, name = text.partition(":")
    if kind not in EVENTS:
        hint = nearest(kind, EVENTS) or f"one of {', '.join(EVENTS)}, such as --on data:flights"
        raise InvalidError(f"there is no event named {kind!r}", hint=hint)
    if (kind == "stale") != (older is not None):
        raise InvalidError(
            "--older goes with --on stale:MODEL, and with nothing else", hint="--on stale:delay --older 30d"
        )
    if kind == "commit":
        if name:
            raise InvalidError("a commit has no name here: every new commit counts", hint="--on commit")
        return On("commit")
    if kind == "model":
        return On("model", check_name(name) if name else "")
    if not name:
        raise InvalidError(f"--on {kind} does not say of what: {EVENTS[kind]}", hint=f"--on {kind}:NAME")
    if kind == "monitor":
        # Its reports are those of a suite that is called by it.
        return On("report", f"monitor:{check_name(name)}")
    if kind == "stale":
        span = parse_span(older or "")
        if span < _SHORTEST:
            raise InvalidError(f"--older {older} is no age", hint="--older 30d")
        return On("stale", str(Ref.parse(name)), span)
    # A suite may be called by any text; data by a name alone.
    return On("data" if kind == "data" else "report" if kind == "report" else "drift", _named(kind, name))


def _named(kind: str, name: str) -> str:
    return name if kind == "report" else check_name(name)


def zone_of(trigger: Trigger) -> str:
    """The zone in which its times are shown."""
    return trigger.zone if isinstance(trigger, Cron) else "UTC"


def shown(trigger: Trigger) -> str:
    """A trigger as a person reads it.

    Examples
    --------
    >>> shown(Cron("0 6 * * *", "Europe/Berlin")), shown(On("data", "flights"))
    ('0 6 * * * Europe/Berlin', 'on data:flights')
    """
    match trigger:
        case Cron(text, zone):
            return f"{text} {zone}"
        case Every(span, _):
            return f"every {duration(span.total_seconds())}"
        case On(kind, name, older):
            told = f"on {kind}:{name}" if name else f"on {kind}"
            return f"{told} older than {duration(older.total_seconds())}" if older else told


def to_json(trigger: Trigger) -> dict[str, Any]:
    """A trigger as the catalog keeps it."""
    match trigger:
        case Cron(text, zone):
            return {"cron": text, "zone": zone}
        case Every(span, anchor):
            return {"every": span.total_seconds(), "anchor": anchor.isoformat()}
        case On(kind, name, older):
            return {"on": kind, "name": name, "older": older.total_seconds()}


def from_json(kept: Mapping[str, Any]) -> Trigger:
    """A trigger from what the catalog keeps.

    Examples
    --------
    >>> from_json(to_json(On("data", "flights")))
    On(kind='data', name='flights', older=datetime.timedelta(0))
    """
    if "cron" in kept:
        return Cron(kept["cron"], kept["zone"])
    if "every" in kept:
        return Every(timedelta(seconds=kept["every"]), datetime.fromisoformat(kept["anchor"]))
    return On(kept["on"], kept["name"], timedelta(seconds=kept["older"]))
