"""The record of a schedule from its row and its fires."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbmlops.pipelines.schedules import queries
from nbmlops.pipelines.schedules.filing import as_fire
from nbmlops.pipelines.schedules.records import Schedule
from nbmlops.pipelines.schedules.triggers import On, from_json, shown, zone_of

if TYPE_CHECKING:
    from nbmlops.pipelines.schedules.triggers import Trigger
    from nbmlops.store.catalog import Connection

__all__ = ["described"]

_ENDED = ("completed", "failed", "replaced", "skipped")
_OWN = (
    "name",
    "action",
    "target",
    "parameters",
    "catchup",
    "overlap",
    "author",
    "created_at",
    "paused_at",
    "deleted_at",
)


def described(connection: Connection, row: Any, now: datetime) -> Schedule:
    """What is known of a schedule at a time."""
    when = from_json(row.trigger)
    ended = queries.fires(connection, row.name, 1, _ENDED)
    open_ = queries.unended(connection, row.name)
    is_off = row.paused_at is not None or row.deleted_at is not None
    due = [fire.due_at for fire in open_ if fire.state == "waiting"]
    due += [] if is_off or (first := _first(when, row.reached)) is None else [first]
    late = (now - min(due)).total_seconds() if due and not is_off else 0.0
    return Schedule(
        **{key: getattr(row, key) for key in _OWN},
        trigger=shown(when),
        zone=zone_of(when),
        patience=float(row.patience),
        next_at=None if is_off else _first(when, max(now, row.reached)),
        late=late if late > 0 else None,
        last=as_fire(ended[0]) if ended else None,
        running=sum(fire.state == "running" for fire in open_),
    )


def _first(when: Trigger, at: datetime) -> datetime | None:
    return None if isinstance(when, On) else next(when.after(at), None)
