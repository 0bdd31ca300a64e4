"""SQL of schedules: their rows, their fires, what people are to be told, and the events that they wait for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from nbmlops.store import schema

__all__ = [
    "add_fire",
    "add_notice",
    "beat",
    "change_fire",
    "change_notice",
    "change_schedule",
    "due_notices",
    "event",
    "fire",
    "fires",
    "last_change",
    "last_report",
    "last_version",
    "late_fires",
    "new_events",
    "new_reports",
    "new_versions",
    "put_schedule",
    "rename",
    "schedule",
    "schedules",
    "skip_waiting",
    "starting",
    "unended",
]

_OF_NO_MODEL = ("model.trust",)
UNENDED = ("waiting", "running", "stopping")


def schedule(connection: Connection, name: str) -> Any:
    """Row of a schedule, or None."""
    return connection.execute(select(schema.schedule).filter_by(name=name)).one_or_none()


def schedules(connection: Connection) -> Sequence[Any]:
    """Rows of the schedules that are not deleted, by name."""
    table = schema.schedule
    return connection.execute(select(table).where(table.c.deleted_at.is_(None)).order_by(table.c.name)).all()


def starting(connection: Connection, pipeline: str) -> Sequence[Any]:
    """Rows of the schedules that start a pipeline, whichever version of it."""
    table = schema.schedule
    of_it = table.c.target.startswith(f"{pipeline}@", autoescape=True)
    query = select(table).where(table.c.deleted_at.is_(None), table.c.action == "pipeline", of_it)
    return connection.execute(query.order_by(table.c.name)).all()


def put_schedule(connection: Connection, name: str, values: Mapping[str, Any]) -> None:
    """Add a schedule, in the place of a deleted one of its name."""
    if connection.execute(update(schema.schedule).filter_by(name=name).values(**values)).rowcount == 0:
        connection.execute(insert(schema.schedule).values(name=name, **values))


def change_schedule(connection: Connection, name: str, values: Mapping[str, Any], **was: Any) -> bool:
    """Change a schedule if some columns still are what they were; whether they were."""
    return connection.execute(update(schema.schedule).filter_by(name=name, **was).values(**values)).rowcount == 1


def rename(connection: Connection, old: str, new: str) -> None:
    """Give a schedule and its fires another name."""
    connection.execute(update(schema.schedule).filter_by(name=old).values(name=new))
    connection.execute(update(schema.fire).filter_by(schedule=old).values(schedule=new))


def add_fire(connection: Connection, schedule: str, logical_time: str, values: Mapping[str, Any]) -> bool:
    """Add a fire, unless there is one for this time; whether there was none."""
    table, key = schema.fire, {"schedule": schedule, "logical_time": logical_time}
    if connection.execute(select(table.c.id).filter_by(**key)).first() is not None:
        return False
    connection.execute(insert(table).values(**key, token=0, tries=0, told_late=0, **values))
    return True


def unended(connection: Connection, schedule: str | None = None) -> Sequence[Any]:
    """Rows of the fires that have not ended, in the order of their times; of one schedule, or of all not deleted.

    Each with the action, target, parameters, trigger and overlap of its schedule, and whether that is paused.
    """
    fire, owner = schema.fire, schema.schedule
    also = ("action", "target", "parameters", "trigger", "overlap", "patience", "paused_at")
    query = select(fire, *(owner.c[name] for name in also)).join(owner, owner.c.name == fire.c.schedule)
    query = query.where(fire.c.state.in_(UNENDED), owner.c.deleted_at.is_(None))
    if schedule is not None:
        query = query.where(fire.c.schedule == schedule)
    return connection.execute(query.order_by(fire.c.due_at, fire.c.id)).all()


def fire(connection: Connection, number: int) -> Any:
    """Row of a fire."""
    return connection.execute(select(schema.fire).filter_by(id=number)).one()


def fires(connection: Connection, schedule: str | None, limit: int, states: Collection[str] = ()) -> Sequence[Any]:
    """Newest fires, of one schedule or of all, of some states or of any."""
    table = schema.fire
    query = select(table).order_by(table.c.due_at.desc(), table.c.id.desc()).limit(limit)
    if schedule is not None:
        query = query.where(table.c.schedule == schedule)
    if states:
        query = query.where(table.c.state.in_(states))
    return connection.execute(query).all()


def change_fire(connection: Connection, fire: int, values: Mapping[str, Any], **was: Any) -> bool:
    """Change a fire if some columns still are what they were; whether they were."""
    return connection.execute(update(schema.fire).filter_by(id=fire, **was).values(**values)).rowcount == 1


def skip_waiting(connection: Connection, schedule: str, now: datetime) -> None:
    """Let what waits of a schedule end, as it is deleted."""
    ended = {"state": "skipped", "ended_at": now, "note": "the schedule was deleted"}
    connection.execute(update(schema.fire).filter_by(schedule=schedule, state="waiting").values(**ended))


def beat(connection: Connection, held: Mapping[int, int], now: datetime) -> list[int]:
    """Say of fires that are held, by id with their tokens, that their holder lives; those that are held no more."""
    table = schema.fire
    lost = []
    for fire, token in held.items():
        query = update(table).filter_by(id=fire, token=token, state="running").values(beat_at=now)
        if connection.execute(query).rowcount == 0:
            lost.append(fire)
    return lost


def late_fires(connection: Connection) -> Sequence[Any]:
    """Rows of fires that wait and of which nobody was told that they are late, with their schedule's patience."""
    return [
        row for row in unended(connection) if row.state == "waiting" and not row.told_late and row.paused_at is None
    ]


def add_notice(connection: Connection, kind: str, title: str, body: str, now: datetime) -> None:
    """Note what people are to be told."""
    told = {"kind": kind, "title": title, "body": body, "made_at": now, "not_before": now, "tries": 0}
    connection.execute(insert(schema.notice).values(**told))


def due_notices(connection: Connection, since: datetime, now: datetime, tries: int) -> Sequence[Any]:
    """Notices made since then that are to be sent now, oldest first."""
    table = schema.notice
    query = select(table).where(table.c.sent_at.is_(None), table.c.made_at >= since, table.c.tries < tries)
    return connection.execute(query.where(table.c.not_before <= now).order_by(table.c.id)).all()


def change_notice(connection: Connection, notice: int, values: Mapping[str, Any], **was: Any) -> bool:
    """Change a notice if some columns still are what they were; whether they were."""
    return connection.execute(update(schema.notice).filter_by(id=notice, **was).values(**values)).rowcount == 1


def last_version(connection: Connection) -> int:
    """Place of the version that was named last."""
    return connection.execute(select(func.max(schema.version.c.named))).scalar() or 0


def new_versions(connection: Connection, kind: str, name: str, since: int) -> Sequence[Any]:
    """Versions of a name, or of all without one, that were named after a place, in that order: it, id, number, when."""
    version, named = schema.version, schema.name
    query = select(version.c.named, version.c.id, version.c.number, version.c.created_at).join(named)
    query = query.where(named.c.kind == kind, version.c.named > since)
    if name:
        query = query.where(named.c.name == name)
    return connection.execute(query.order_by(version.c.named)).all()


def last_change(connection: Connection) -> tuple[int, int]:
    """Number of the newest Event, and place of the version that was named last."""
    return connection.execute(select(func.max(schema.event.c.sequence))).scalar() or 0, last_version(connection)


def new_events(connection: Connection, name: str, since: int) -> Sequence[Any]:
    """Events on a model, or on all without a name, after a number, in order."""
    table = schema.event
    query = select(table.c.sequence, table.c.at, table.c.action, table.c.detail).where(
        table.c.sequence > since, table.c.action.startswith("model."), table.c.action.not_in(_OF_NO_MODEL)
    )
    if name:
        its = table.c.subject.startswith(f"{name}@", autoescape=True)
        query = query.where(or_(table.c.subject == name, its))
    return connection.execute(query.order_by(table.c.sequence)).all()


def event(connection: Connection, sequence: int) -> Any:
    """Row of an Event, or None."""
    return connection.execute(select(schema.event).filter_by(sequence=sequence)).one_or_none()


def last_report(connection: Connection) -> int:
    """Number of the newest report."""
    return connection.execute(select(func.max(schema.report.c.id))).scalar() or 0


def new_reports(connection: Connection, since: int, name: str, *, drift: bool) -> Sequence[Any]:
    """Reports after a number that are not good: those of a suite that failed, or of drift of a name that warned too."""
    table = schema.report
    subject = or_(table.c.subject == name, table.c.subject.startswith(f"{name}@", autoescape=True))
    bad = ("failed", "errored")
    of_drift = and_(table.c.suite.startswith("drift"), subject, table.c.status.in_((*bad, "warned")))
    of_suite = and_(table.c.suite == name, table.c.status.in_(bad))
    query = select(table.c.id, table.c.created_at).where(table.c.id > since, of_drift if drift else of_suite)
    return connection.execute(query.order_by(table.c.id)).all()
