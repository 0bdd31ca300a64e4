"""What happened when, in rows over one axis of time: as SVG drawn here, without scripts, and as lines of signs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from nbmlops.render.width import clip, pad, safe, width

__all__ = ["Bar", "Mark", "TimeRow", "Timeline"]

Mood = Literal["plain", "good", "warn", "bad"]

_NAMES, _WIDE, _ROW, _AXIS, _EDGE = 150, 700, 24, 26, 10
_LETTER = 7
_LONGEST, _NAME = 80, 20
_IN_TEXT = 60
_MOST_ROWS = 40
_TICKS = 5
_CLOSE = 9.0
"""Marks that stand closer than so many pixels are one, with all their titles."""
_MARK_BYTES, _BAR_BYTES, _ROW_BYTES = 420, 420, 120
_MOODS: tuple[Mood, ...] = ("plain", "good", "warn", "bad")
_SIGNS: dict[Mood, str] = {"plain": "●", "good": "✓", "warn": "!", "bad": "✗"}
_SHAPES: dict[Mood, str] = {
    "plain": "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
    "good": "m-5 0l4 5l7 -10",
    "warn": "m0 -5l5 9h-10z",
    "bad": "m-4 -4l8 8m0 -8l-8 8",
}
"""Each mood has a shape of its own, for who does not see its colour."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at one time; its label stands beside it where there is room."""

    at: datetime
    title: str
    mood: Mood = "plain"
    label: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that held from one time to another."""

    begin: datetime
    end: datetime
    label: str
    mood: Mood = "plain"


@dataclass(frozen=True, slots=True)
class TimeRow:
    """A row of the drawing, by its name."""

    name: str
    marks: tuple[Mark, ...] = ()
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """A mark with its shape as the data of an SVG path, and where its label stands; that may be empty."""

    path: str
    mood: Mood
    title: str
    x: float
    label: str


@dataclass(frozen=True, slots=True)
class DrawnBar:
    """A bar with its place in pixels; its label is empty where there is no room for it."""

    x: float
    y: int
    w: float
    label: str
    mood: Mood
    title: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Rows over the time from `begin` to `end`.

    Attributes
    ----------
    about : str
        What the picture shows, for who cannot see it.
    close : float
        Marks that stand closer than so many pixels are drawn as one.
    """

    about: str
    begin: datetime
    end: datetime
    rows: tuple[TimeRow, ...]
    close: float = field(default=_CLOSE)

    def text(self, _columns: int | None = None) -> str:
        """One line for each row, below the first and the last time; signs say what the moods are."""
        shown = self.rows[:_MOST_ROWS]
        names = max((width(clip(safe(row.name), _NAME)) for row in shown), default=0)
        first, last = self._named(self.begin), self._named(self.end)
        lines = [f"{' ' * names}  {first}{last.rjust(_IN_TEXT - len(first))}"]
        lines += [f"{pad(clip(safe(row.name), _NAME), names)}  {self._line(row)}".rstrip() for row in shown]
        left = len(self.rows) - len(shown)
        return "\n".join([*lines, *([f"… and {left} more rows"] if left else [])])

    def within(self, budget: int) -> Timeline:
        """The same with marks drawn together, as far as that is needed to take no more than so many bytes."""
        drawing = replace(self, rows=self.rows[:_MOST_ROWS])
        while drawing.cost > budget and drawing.close < _WIDE:
            drawing = replace(drawing, close=drawing.close * 2)
        return drawing

    @property
    def cost(self) -> int:
        """Bytes that it takes in HTML at most."""
        each = ((len(self._marks(row, 0)), len(self._bars(row, 0))) for row in self.rows[:_MOST_ROWS])
        return sum(_ROW_BYTES + marks * _MARK_BYTES + bars * _BAR_BYTES for marks, bars in each)

    @property
    def w(self) -> int:
        """Width of the drawing in pixels."""
        return _NAMES + _WIDE + 2 * _EDGE

    @property
    def h(self) -> int:
        """Height of the drawing in pixels."""
        return _AXIS + _ROW * len(self.rows)

    @property
    def ticks(self) -> list[tuple[float, str, str]]:
        """Times on the axis: where each stands, what it is called, and how that is anchored."""
        span, found = self.end - self.begin, []
        for place in range(_TICKS + 1):
            at = self.begin + span * place / _TICKS
            anchor = "start" if place == 0 else "end" if place == _TICKS else "middle"
            found.append((self._x(at), self._named(at), anchor))
        return found

    @property
    def drawn(self) -> list[tuple[int, str, list[DrawnBar], list[DrawnMark]]]:
        """Each row: where its name stands, its name, its bars and its marks."""
        found = []
        for place, row in enumerate(self.rows):
            y = _AXIS + place * _ROW + _ROW // 2
            found.append((y, clip(safe(row.name), _NAME), self._bars(row, y), self._marks(row, y)))
        return found

    def _x(self, at: datetime) -> float:
        span = (self.end - self.begin).total_seconds()
        share = (at - self.begin).total_seconds() / span if span > 0 else 1.0
        return round(_NAMES + _EDGE + _WIDE * min(1.0, max(0.0, share)), 1)

    def _named(self, at: datetime) -> str:
        span = self.end - self.begin
        short = "%H:%M:%S" if span < timedelta(minutes=10) else "%m-%d %H:%M"
        form = "%Y-%m-%d" if span > timedelta(days=6) else short
        return at.astimezone().strftime(form)

    def _marks(self, row: TimeRow, y: int) -> list[DrawnMark]:
        found = []
        groups = list(self._groups(row.marks))
        starts = [self._x(group[0].at) for group in groups]
        for place, group in enumerate(groups):
            x, end = starts[place], float(self.w) if place + 1 == len(groups) else starts[place + 1]
            mood = max((mark.mood for mark in group), key=_MOODS.index)
            titles = [clip(safe(mark.title), _LONGEST) for mark in group[:2]]
            more = [f"and {len(group) - 2} more"] if len(group) > 2 else []
            labels = [safe(mark.label) for mark in group if mark.label]
            label = "…".join(dict.fromkeys([*labels[:1], *labels[-1:]]))
            room = x + 8 + width(label) * _LETTER < end - 5
            path = f"M{x} {y}{_SHAPES[mood]}"
            found.append(DrawnMark(path, mood, "; ".join([*titles, *more]), x + 8, label if room else ""))
        return found

    def _groups(self, marks: Sequence[Mark]) -> Iterator[list[Mark]]:
        """Marks that stand close to the first of them."""
        group: list[Mark] = []
        for mark in sorted(marks, key=lambda one: one.at):
            if group and self._x(mark.at) - self._x(group[0].at) >= self.close:
                yield group
                group = []
            group.append(mark)
        if group:
            yield group

    def _bars(self, row: TimeRow, y: int) -> list[DrawnBar]:
        """The bars; those that are narrower than what marks are drawn together by are left out but for the last."""
        found: list[DrawnBar] = []
        for bar in sorted(row.bars, key=lambda one: one.begin):
            x, end = self._x(bar.begin), self._x(bar.end)
            label = clip(safe(bar.label), _LONGEST)
            room = int((end - x - 8) // _LETTER)
            drawn = DrawnBar(
                x, y - 8, round(max(2.0, end - x), 1), clip(label, room) if room > 1 else "", bar.mood, label
            )
            if found and drawn.w < self.close and found[-1].w < self.close and x - found[-1].x < self.close:
                found.pop()
            found.append(drawn)
        return found

    def _line(self, row: TimeRow) -> str:
        cells = [" "] * _IN_TEXT
        for bar in sorted(row.bars, key=lambda one: one.begin):
            start, end = self._cell(bar.begin), self._cell(bar.end)
            label = safe(bar.label)
            written = label if label.isascii() and len(label) <= end - start else ""
            for place in range(start, end + 1):
                cells[place] = "─" if bar.mood != "bad" else "━"
            cells[start] = "├"
            cells[start : start + len(written)] = list(written)
        for mark in sorted(row.marks, key=lambda one: (_MOODS.index(one.mood), one.at)):
            cells[self._cell(mark.at)] = _SIGNS[mark.mood]
        return "".join(cells)

    def _cell(self, at: datetime) -> int:
        return round((self._x(at) - _NAMES - _EDGE) / _WIDE * (_IN_TEXT - 1))
