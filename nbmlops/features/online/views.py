"""How what is online looks."""

from __future__ import annotations

from datetime import datetime, timedelta

from nbmlops.features.online.records import Freshness, Materialized, OnlineRows
from nbmlops.render.dispatch import looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Look, Part, line, table
from nbmlops.render.units import count, duration, when

__all__: list[str] = []

_SHOWN = 50


def _span(span: timedelta) -> str:
    return duration(span.total_seconds())


@looks(OnlineRows)
def _(rows: OnlineRows) -> Look:
    names = [*rows.keys, *rows.values]
    said = []
    for row in range(min(len(rows), _SHOWN)):
        values = [str(column[row]) for column in rows.keys.values()]
        for name, column in rows.values.items():
            status = rows.statuses[name][row]
            values.append(_shown(column[row]) if status in {"present", "stale"} else status)
        said.append(tuple(values))
    more = len(rows) - len(said)
    return Look(
        line(
            count(len(rows), "key"),
            count(len(rows.values), "feature"),
            Part(", ".join(rows.views), "muted"),
            Part(f"{count(rows.unseen, 'value')} missing: the key was never seen", "warn") if rows.unseen else None,
            Part(f"the store is down: last known values, up to {_span(rows.age)} old", "warn") if rows.age else None,
            f"{more:,} more" if more else None,
        ),
        body=(table(names, said),),
    )


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return f"{value:.6g}"
    return when(value) if isinstance(value, datetime) and value.tzinfo else str(value)


lists(
    Materialized,
    Field("view", lambda one: one.ref),
    Field("from", lambda one: one.table),
    Field("written", lambda one: one.written, lambda n: f"{n:,}", right=True),
    Field("removed", lambda one: one.removed, lambda n: f"{n:,}", right=True),
    Field("keys", lambda one: one.keys, lambda n: f"{n:,}", right=True),
    Field("newest", lambda one: one.newest, when),
    Field("took", lambda one: one.seconds, duration, right=True),
    Field("", lambda one: one.note),
    nothing="there is no view to materialize; the first: `ml feature define FUNCTION --entity KEY --from DATA`",
)
lists(
    Freshness,
    Field("view", lambda one: one.ref),
    Field("newest", lambda one: one.newest, when),
    Field("age", lambda one: one.age, _span, right=True),
    Field("behind", lambda one: one.behind, _span, right=True),
    Field("ttl", lambda one: one.ttl, _span, right=True),
    Field("materialized", lambda one: one.done_at, when),
    Field("keys", lambda one: one.keys, lambda n: f"{n:,}", right=True),
    Field("", lambda one: (one.complete, one.waiting), lambda said: _standing(*said)),
    nothing="no views yet",
)


def _standing(complete: bool, waiting: bool) -> str:
    if not complete:
        return "not materialized"
    return "waits to be materialized" if waiting else "up to date"
