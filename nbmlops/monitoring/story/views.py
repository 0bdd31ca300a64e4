"""How a story looks: where things stand, the drawing over time, and a table of its moments."""

from __future__ import annotations

from datetime import datetime, timedelta

from nbmlops.core.errors import spoken
from nbmlops.monitoring.story.records import KINDS, Moment, Story
from nbmlops.render.dispatch import looks
from nbmlops.render.look import Block, Facts, Lines, Look, Part, line, table
from nbmlops.render.table import Table
from nbmlops.render.timeline import Bar, Mark, Timeline, TimeRow
from nbmlops.render.units import count, when

__all__ = ["drawing"]

_BYTES = 56_000
"""Of the table in HTML, whose oldest rows give way; the drawing has all of them."""
_SIGNS = {"plain": "", "good": "✓ ", "warn": "! ", "bad": "✗ "}


@looks(Story)
def _(story: Story) -> Look:
    placed = ", ".join(f"{alias} on {ref.partition('@')[2]}" for alias, ref in story.aliases.items())
    failing = Part(f"✗ {count(len(story.failing), 'monitor')} failing: {', '.join(story.failing)}", "bad")
    span = f"{when(story.begin)} to {when(story.at)}" if story.moments else None
    told = count(len(story.moments), "moment")
    head = line(f"story of {story.name}", told, span, placed or None, failing if story.failing else None)
    if not story.moments:
        asked = f"nothing happened to it since {when(story.since)}" if story.since else "nothing is known of it"
        return Look(head, body=(Lines((line(Part(asked, "muted")),)),))
    moments, left = _newest(story)
    told_elsewhere = f"{count(left, 'earlier moment')} more: `ml story {story.name} --json`"
    further = f"earlier moments are left out: `ml story {story.name} --limit 1000`"
    said = [further] if story.is_cut else [told_elsewhere] if left else []
    cut: list[Block] = [Lines((line(Part(spoken(one), "warn")),)) for one in said]
    kinds = {title: sum(one.kind == kind for one in story.moments) for kind, title in KINDS.items()}
    return Look(head, body=(*cut, drawing(story), moments), more=(Facts.of({k: n or "" for k, n in kinds.items()}),))


def _newest(story: Story) -> tuple[Table, int]:
    """A table of the newest moments, as many as a page holds, and how many others there are."""
    rows = [
        (when(one.at), f"{_SIGNS[one.mood]}{one.what}", "; ".join(one.told), one.who, _typed(one))
        for one in story.moments
    ]
    headers = ("when", "what", "from what, why, figures", "who", "look")
    kept = table(headers, rows)
    while kept.cost > _BYTES:
        kept = table(headers, rows := rows[max(1, len(rows) // 8) :])
    return kept.without_empty_columns(), len(story.moments) - len(rows)


def drawing(story: Story) -> Timeline:
    """The moments as marks, a row for each kind, and what held meanwhile as bars."""
    begin = story.moments[0].at if story.is_cut and story.moments else story.begin
    end = _end(story, begin)
    if end - begin < timedelta(seconds=1):
        begin = end - timedelta(seconds=1)
    rows = []
    for kind, title in KINDS.items():
        marks = tuple(
            Mark(one.at, f"{when(one.at)} {one.what}", one.mood, _label(one))
            for one in story.moments
            if one.kind == kind
        )
        if marks:
            rows.append(TimeRow(title, marks))
    for name in dict.fromkeys(span.row for span in story.spans):
        bars = tuple(
            Bar(max(span.begin, begin), span.end or end, span.label, span.mood)
            for span in story.spans
            if span.row == name and (span.end is None or span.end > begin)
        )
        if bars:
            rows.append(TimeRow(name, bars=bars))
    return Timeline(f"what happened to {story.name} over time", begin, end, tuple(rows))


def _end(story: Story, begin: datetime) -> datetime:
    """Now; but a quiet time since the last moment takes a third of the drawing at most, so the moments stay apart."""
    last = max((one.at for one in story.moments), default=story.at)
    return max(last, min(story.at, last + (last - begin) / 2)) if last > begin else max(story.at, last)


def _typed(moment: Moment) -> str:
    return spoken(moment.look).strip("`")


def _label(moment: Moment) -> str:
    return f"v{moment.version}" if moment.kind == "version" and moment.version else ""
