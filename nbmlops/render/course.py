"""How a figure went over time, with the band in which it may be: as characters in a terminal, as SVG in a page."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from nbmlops.render.units import number, when
from nbmlops.render.width import clip, escaped_bytes, safe, width

__all__ = ["Course", "CoursePoint", "Courses", "PointState"]

PointState = Literal["good", "warn", "bad"]
_SIGNS: dict[str, str] = {"good": "•", "warn": "!", "bad": "✗"}
_WIDE, _TALL, _EDGE = 480, 110, 8
_COLUMNS, _ROWS = 60, 7
_NAME = 120
_TAGS, _POINT = 900, 130
"""Bytes of the tags of a chart, and of a point."""
_FEWEST = 8
_MARGIN = 0.05
_LARGEST = sys.float_info.max


@dataclass(frozen=True, slots=True)
class CoursePoint:
    """A figure at a time, how it was judged, and what is said when one points at it."""

    at: datetime
    value: float
    state: PointState
    words: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """One figure over time.

    Attributes
    ----------
    title : str
        What it is.
    points : tuple of CoursePoint
        In the order of time.
    low, high : float or None
        The ends of the band in which it may be; None is open.
    """

    title: str
    points: tuple[CoursePoint, ...]
    low: float | None = None
    high: float | None = None

    @property
    def band(self) -> str:
        """The band in words."""
        match self.low, self.high:
            case None, None:
                return "no bound"
            case None, high:
                return f"at most {number(high)}"
            case low, None:
                return f"at least {number(low)}"
            case low, high:
                return f"{number(low)} to {number(high)}"

    @property
    def kept(self) -> tuple[CoursePoint, ...]:
        """The points that can be drawn."""
        return tuple(point for point in self.points if math.isfinite(point.value))

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value that is drawn, the band and a margin with them."""
        known = [*(point.value for point in self.kept), *(end for end in (self.low, self.high) if end is not None)]
        low, high = min(known, default=0.0), max(known, default=1.0)
        margin = (high / 2 - low / 2) * 2 * _MARGIN or abs(high) * _MARGIN or 1.0
        return max(low - margin, -_LARGEST), min(high + margin, _LARGEST)

    def place(self, value: float, start: float, end: float) -> float:
        """Where a value stands between two edges."""
        low, high = self.ends
        # Halves: the difference of two large numbers may be none.
        return start + (end - start) * ((value / 2 - low / 2) / (high / 2 - low / 2))

    def text(self) -> list[str]:
        """Lines of characters: a sign for each point, and a dotted line for each end of the band."""
        kept = _thinned(self.kept, _COLUMNS)
        if not kept:
            return [f"{safe(self.title)}: no figure yet"]
        grid = [[" "] * len(kept) for _ in range(_ROWS)]
        for end in (self.low, self.high):
            if end is not None:
                grid[self._row(end)] = ["┄"] * len(kept)
        for column, point in enumerate(kept):
            grid[self._row(point.value)][column] = _SIGNS[point.state]
        low, high = self.ends
        labels = [number(high), *[""] * (_ROWS - 2), number(low)]
        for end in (self.low, self.high):
            if end is not None:
                labels[self._row(end)] = number(end)
        wide = max(map(width, labels))
        last = kept[-1]
        lines = [f"{safe(self.title)}  {number(last.value)} now, {self.band}"]
        rows = zip(labels, grid, strict=True)
        lines += [f"{' ' * (wide - width(label))}{label} ┤{''.join(row)}".rstrip() for label, row in rows]
        first = when(kept[0].at)
        lines.append(f"{' ' * wide}  {first}{f' → {when(last.at)}' if len(kept) > 1 else ''}")
        return lines

    def _row(self, value: float) -> int:
        return min(_ROWS - 1, max(0, round(self.place(value, _ROWS - 1, 0))))

    def within(self, budget: int) -> Course:
        """As many points as take so many bytes, bad ones before good ones."""
        most = max(_FEWEST, (budget - _TAGS) // _POINT)
        points = tuple(
            CoursePoint(one.at, one.value, one.state, clip(one.words, 80)) for one in _thinned(self.kept, most)
        )
        return Course(clip(self.title, _NAME), points, self.low, self.high)

    @property
    def cost(self) -> int:
        """Bytes that it takes at most."""
        return _TAGS + escaped_bytes(clip(self.title, _NAME)) + _POINT * len(self.kept)

    @property
    def w(self) -> int:
        """Width of the drawing in pixels."""
        return _WIDE

    @property
    def h(self) -> int:
        """Height of the drawing in pixels."""
        return _TALL

    @property
    def shade(self) -> tuple[float, float] | None:
        """The band as top and height in pixels."""
        if self.low is None and self.high is None:
            return None
        top = 0.0 if self.high is None else self.place(self.high, _TALL - _EDGE, _EDGE)
        foot = float(_TALL) if self.low is None else self.place(self.low, _TALL - _EDGE, _EDGE)
        return round(top, 1), round(max(foot - top, 1.0), 1)

    @property
    def marks(self) -> list[tuple[float, float, PointState, str]]:
        """Each point: where it stands, its tone, and what is said of it."""
        kept = self.kept
        times = [point.at.timestamp() for point in kept]
        first, last = (min(times), max(times)) if times else (0.0, 0.0)
        span = last - first
        found = []
        for point, at in zip(kept, times, strict=True):
            x = _EDGE + (_WIDE - 2 * _EDGE) * ((at - first) / span if span else 0.5)
            y = self.place(point.value, _TALL - _EDGE, _EDGE)
            words = f"{when(point.at)}: {number(point.value)} {point.words}".strip()
            found.append((round(x, 1), round(y, 1), point.state, words))
        return found

    @property
    def path(self) -> str:
        """The points as SVG writes a line."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y, *_ in self.marks)

    @property
    def span(self) -> str:
        """From when to when."""
        kept = self.kept
        return f"{when(kept[0].at)} → {when(kept[-1].at)}" if kept else "no figure yet"

    @property
    def now(self) -> str:
        """The newest figure."""
        kept = self.kept
        return number(kept[-1].value) if kept else ""


@dataclass(frozen=True, slots=True)
class Courses:
    """Figures over time, below each other; `omitted` is how many more there are."""

    courses: tuple[Course, ...]
    omitted: int = 0

    def text(self, _columns: int | None = None) -> str:
        """One chart of characters for each."""
        lines = [line for course in self.courses for line in (*course.text(), "")]
        rest = [f"… and {self.omitted:,} more figures"] if self.omitted else []
        return "\n".join([*lines[:-1], *rest])

    def within(self, budget: int) -> Courses:
        """As many figures, and as many points of each, as take so many bytes."""
        most = max(1, budget // (_TAGS + _POINT * _FEWEST))
        kept = self.courses[:most]
        left = len(self.courses) - len(kept)
        return Courses(tuple(one.within(budget // len(kept)) for one in kept), self.omitted + left)


def _thinned(points: Sequence[CoursePoint], most: int) -> tuple[CoursePoint, ...]:
    """So many points at most: of each stretch the worst, the last of several, so that no failure is left out."""
    if len(points) <= most:
        return tuple(points)
    order = {"good": 0, "warn": 1, "bad": 2}
    found = []
    for place in range(most):
        stretch = points[place * len(points) // most : (place + 1) * len(points) // most]
        found.append(max(reversed(stretch), key=lambda point: order[point.state]))
    return tuple(found)
