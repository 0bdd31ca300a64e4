"""Verdicts on a model, approvals of others, and where its aliases went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbmlops.models.drill import DRILL
from nbmlops.monitoring.story import queries
from nbmlops.monitoring.story.records import Moment, Mood, Span
from nbmlops.store import asks

if TYPE_CHECKING:
    from nbmlops.store.asks import Ask
    from nbmlops.store.catalog import Connection

__all__ = ["approvals", "promotions", "verdicts"]

_MOODS: dict[str, Mood] = {"passed": "good", "warned": "warn", "failed": "bad", "errored": "bad"}


def verdicts(connection: Connection, name: str, limit: int) -> Iterator[Moment]:
    """What gates and checks said of versions of a model."""
    for row, version in reversed(queries.verdicts(connection, name, limit)):
        verb, _, alias = row.suite.partition(" ")
        subject = f"v{version}"
        match verb:
            case "promote" if alias:
                what = f"gate of {alias}: {subject} {row.status}"
            case "rollback" if alias and row.status == "passed" and alias != "drill":
                continue  # the rollback itself is told, and names this report
            case _:
                what = f"{row.suite}: {subject} {row.status}"
        look = f"`ml check show {row.id}`"
        yield Moment(row.created_at, "verdict", what, "", (), look, _MOODS[row.status], version=version, report=row.id)


def approvals(connection: Connection, name: str) -> Iterator[Moment]:
    """Who asked for a promotion, who approved, and who said no."""
    rejected = queries.rejections(connection)
    for ask in asks.told(connection, "model", name):
        said = _said(ask.message)
        needs = (f"{ask.grounds.needed} must approve", f"report {ask.grounds.report}", *said)
        yield _about(ask, ask.at, f"{ask.alias} asked for {_short(ask)}", ask.author, needs, "plain")
        for one in ask.approvals:
            told = (one.account, *_said(one.message))
            yield _about(ask, one.at, f"{_short(ask)} approved for {ask.alias}", one.by, told, "good")
        if (no := rejected.get(ask.number)) is not None:
            told = (no.detail["account"], *_said(no.detail["message"]))
            yield _about(ask, no.at, f"{_short(ask)} rejected for {ask.alias}", no.actor, told, "bad")


def promotions(connection: Connection, name: str, limit: int) -> tuple[list[Moment], list[Span]]:
    """Where the aliases of a model went, and how long each stayed; those of drills are left out."""
    rows = [row for row in queries.moves(connection, name, limit) if row.alias != DRILL]
    ids = {one for row in rows for one in (row.before_id, row.after_id) if one is not None}
    numbers = queries.numbers(connection, ids)
    return [_moved(row, name, numbers) for row in reversed(rows)], list(_stays(rows, numbers))


def _moved(row: Any, name: str, numbers: Mapping[int, int | None]) -> Moment:
    before, after = (None if one is None else f"v{numbers.get(one)}" for one in (row.before_id, row.after_id))
    mood: Mood = "plain"
    if after is None:
        what = f"{row.alias} taken off {before}"
    elif row.how == "rollback":
        what, mood = f"{row.alias} rolled back to {after}", "warn"
    else:
        what, mood = f"{after} promoted to {row.alias}", "good"
    told = ((f"before on {before}",) if before and after else ()) + (
        (f"report {row.report_id}",) if row.report_id else ()
    )
    look = f"`ml check show {row.report_id}`" if row.report_id else f"`ml model history {name}`"
    version = None if row.after_id is None else numbers.get(row.after_id)
    return Moment(row.at, "alias", what, row.actor, told, look, mood, version=version)


def _stays(rows: Sequence[Any], numbers: Mapping[int, int | None]) -> Iterator[Span]:
    ends: dict[str, datetime] = {}
    for row in rows:  # the newest first
        if row.after_id is not None:
            yield Span(row.alias, f"v{numbers.get(row.after_id)}", row.at, ends.get(row.alias))
        ends[row.alias] = row.at


def _about(ask: Ask, at: datetime, what: str, who: str, told: tuple[str, ...], mood: Mood) -> Moment:
    return Moment(at, "approval", what, who, told, f"`ml check show {ask.grounds.report}`", mood)


def _short(ask: Ask) -> str:
    return ask.ref.partition("@")[2]


def _said(message: str | None) -> tuple[str, ...]:
    return (message,) if message else ()
