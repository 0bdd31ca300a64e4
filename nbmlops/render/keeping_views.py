"""How holds and retention look; here, because the store lies below what renders."""

from __future__ import annotations

from collections.abc import Sequence

from nbmlops.core.errors import spoken
from nbmlops.render.dispatch import looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Block, Lines, Look, Part, line, table
from nbmlops.render.units import count, when
from nbmlops.store.holds import Hold
from nbmlops.store.retaining import Retained, Retiree
from nbmlops.store.retention_rules import REQUESTS, RetentionRule

__all__: list[str] = []

_MOST = 200

lists(
    Hold,
    Field("hold", lambda hold: hold.id, right=True),
    Field("kind", lambda hold: hold.kind),
    Field("on", lambda hold: hold.ref),
    Field("reason", lambda hold: hold.reason),
    Field("by", lambda hold: hold.by),
    Field("since", lambda hold: hold.at, when),
    Field("released", lambda hold: hold.released_at, when),
    Field("by whom", lambda hold: hold.released_by),
    Field("why", lambda hold: hold.released_why),
    nothing="nothing is on hold",
)

lists(
    RetentionRule,
    Field("rule", lambda rule: rule.name),
    Field("kind", lambda rule: rule.kind),
    Field("names", lambda rule: ", ".join(rule.names)),
    Field("tags", lambda rule: ", ".join(f"{key}={value}" for key, value in rule.tags.items())),
    Field("keeps", lambda rule: rule.told),
    nothing="no rule: everything is kept; docs/retention.md shows how one is written in pyproject.toml",
)


@looks(Hold)
def _(hold: Hold) -> Look:
    on = line(f"hold {hold.id}", f"on {hold.kind} {hold.ref}", hold.reason, f"by {hold.by}", when(hold.at))
    if hold.released_at is None:
        return Look(on)
    gone = line(Part(f"released by {hold.released_by} {when(hold.released_at)}: {hold.released_why}", "muted"))
    return Look(on, body=(Lines((gone,)),))


@looks(Retained)
def _(done: Retained) -> Look:
    if not done.rules:
        return Look(line("retention", "no rule: everything is kept"))
    verb = "would be deleted" if done.dry_run else "deleted"
    versions = [one for one in done.retired if one.kind != REQUESTS]
    hours = sum(one.hours for one in done.retired)
    how = "delete them: `ml store retain --apply`" if done.dry_run else "bring one back: `ml data restore REF`"
    told = Part(spoken(how), "muted") if versions or (hours and done.dry_run) else None
    body: list[Block] = []
    for title, found in ((verb, done.retired), ("kept, as it is needed", done.needed)):
        body += _listed(title, found)
    counts = count(len(versions), "version") + (f" and {count(hours, 'hour')} of requests" if hours else "")
    kept = f"{count(len(done.needed), 'version')} needed" if done.needed else None
    return Look(line("retention", f"{counts} {verb}", kept, told), body=tuple(body))


def _listed(title: str, found: Sequence[Retiree]) -> list[Block]:
    if not found:
        return []
    rows = [
        (one.kind, one.ref, when(one.created_at), f"{one.hours:,}" if one.hours else "", ", ".join(one.rules), one.why)
        for one in found[:_MOST]
    ]
    names = ["kind", "version", "since", ">hours", "rules", "why"]
    blocks: list[Block] = [table(names, rows, title).without_empty_columns()]
    if len(found) > _MOST:
        blocks.append(Lines((line(Part(f"… {len(found) - _MOST:,} more; all with --json", "muted")),)))
    return blocks
