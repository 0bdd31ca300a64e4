"""How the audit trail looks; here, because the store lies below what renders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbmlops.core.digests import canonical_json
from nbmlops.render.dispatch import json, looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Facts, Lines, Look, Part, line
from nbmlops.render.units import count, size, when
from nbmlops.store.audit import Event
from nbmlops.store.audit_export import TrailExport
from nbmlops.store.audit_verdict import Trail

__all__: list[str] = []

_DETAIL = 60


def _phrase(detail: Mapping[str, Any]) -> str:
    told = ", ".join(f"{key} {_short(value)}" for key, value in detail.items() if value not in (None, "", [], {}))
    return told if len(told) <= _DETAIL else f"{told[: _DETAIL - 1]}…"


def _short(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value).decode("utf-8", "replace")


lists(
    Event,
    Field("event", lambda event: event.sequence, right=True),
    Field("when", lambda event: event.at, when),
    Field("who", lambda event: event.actor),
    Field("action", lambda event: event.action),
    Field("subject", lambda event: event.subject),
    Field("detail", lambda event: event.detail, _phrase),
    nothing="no event matches",
)


@looks(Event)
def _(event: Event) -> Look:
    said = line(f"event {event.sequence}", when(event.at), event.actor, event.action, event.subject)
    return Look(said, more=(Facts.of({"detail": _short(event.detail), "digest": event.digest}),))


@looks(Trail)
def _(found: Trail) -> Look:
    held = [count(found.events, "event")]
    if found.anew:
        held.append(f"chained anew by erasures: event {', '.join(map(str, found.anew))}")
    if found.broken is not None:
        told = Part(f"✗ {found.broken.how} at event {found.broken.line}", "bad")
        return Look(line("audit", told, *held), body=(Lines((line(Part(found.broken.why, "bad")),)),))
    known = "its end was not remembered before, and is now"
    if found.remembered is not None:
        known = f"what was known of it, up to event {found.remembered}, is there"
    return Look(line("audit", Part("✓ chain unbroken", "good"), *held, Part(known, "muted")))


@json.register
def _(obj: Trail) -> dict[str, object]:
    return {"ok": obj.ok, **{name: json(getattr(obj, name)) for name in Trail.__slots__}}


@looks(TrailExport)
def _(done: TrailExport) -> Look:
    span = None if done.first is None else f"{done.first} to {done.last}"
    return Look(line(f"audit {done.path}", done.form, count(done.events, "event"), span, size(done.bytes)))
