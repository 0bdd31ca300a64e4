"""Small charts beside words: a row of bars, or one before and one after, as block characters or as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nbmlops.render.width import clip, escaped_bytes, pad, safe, width

__all__ = ["Bars", "Charted", "bar", "sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_PARTS = " ▏▎▍▌▋▊▉█"
_WIDE = 6
_TALL = 24
_WORDS = 60
_FEW = 10
_TAGS, _BAR = 205, 6


@dataclass(frozen=True, slots=True)
class Charted:
    """A name, some words, and counts, or counts before and after of as many intervals each; there may be none."""

    name: str
    words: str
    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()

    def svg_paths(self) -> list[tuple[str, str]]:
        """The outline of each row of bars as SVG draws it, and its class: before to the left, after to the right."""
        found = []
        for counts, start, kind in ((self.before, 0, "before"), (self.after, self.svg_width // 2 + 4, "after")):
            most = max(counts, default=0)
            if not most:
                continue
            drawn, level = [f"M{start} {_TALL}"], 0
            for count in counts:
                height = max(round(count / most * _TALL), 1 if count else 0)
                drawn.append(f"v{level - height}h{_WIDE}")
                level = height
            found.append((f"{''.join(drawn)}V{_TALL}z", kind))
        return found

    @property
    def cost(self) -> int:
        """Bytes that it takes in HTML: its tags, its words, and each bar."""
        words = escaped_bytes(clip(self.name, 80)) + escaped_bytes(clip(self.words, 200))
        return _TAGS + words + _BAR * (len(self.before) + len(self.after))

    def coarser(self) -> Charted:
        """The same with neighbours put together, so that ten bars are left at most."""
        return replace(self, before=_together(self.before), after=_together(self.after))

    @property
    def svg_width(self) -> int:
        """How wide the drawing is."""
        return (2 if self.after else 1) * _WIDE * max(len(self.before), len(self.after)) + 8

    @property
    def svg_height(self) -> int:
        """How tall the drawing is."""
        return _TALL


@dataclass(frozen=True, slots=True)
class Bars:
    """Charts below each other; `omitted` counts those that are not in it."""

    rows: tuple[Charted, ...]
    omitted: int = 0

    def text(self, _columns: int | None = None) -> str:
        """One line each."""
        names = max((width(safe(row.name)) for row in self.rows), default=0)
        words = max((min(width(safe(row.words)), _WORDS) for row in self.rows), default=0)
        lines = []
        for row in self.rows:
            chart = sparkline(row.before)
            if row.after:
                chart = f"{chart} → {sparkline(row.after)}"
            lines.append(f"{pad(safe(row.name), names)}  {pad(clip(safe(row.words), _WORDS), words)}  {chart}".rstrip())
        return "\n".join([*lines, f"… and {self.omitted:,} more"] if self.omitted else lines)


def _together(counts: tuple[float, ...]) -> tuple[float, ...]:
    size = -(-len(counts) // _FEW)
    return tuple(sum(counts[place : place + size]) for place in range(0, len(counts), size)) if counts else ()


def sparkline(counts: Sequence[float]) -> str:
    """Counts as block characters, the largest as a full one; nothing is a space.

    Examples
    --------
    >>> sparkline([0, 1, 4, 8])
    ' ▁▄█'
    """
    most = max(counts, default=0)
    return "".join(_BLOCKS[max(0, math.ceil(count / most * len(_BLOCKS)) - 1)] if count else " " for count in counts)


def bar(amount: float, most: float, width: int = 12) -> str:
    """An amount as a bar of block characters, `most` as one of full width; what is not nothing shows.

    Examples
    --------
    >>> bar(10, 10, 4), bar(5, 10, 4), bar(1, 1_000, 4), bar(0, 10, 4)
    ('████', '██', '▏', '')
    """
    eighths = max(round(8 * width * amount / most), 1) if amount > 0 and most > 0 else 0
    return "█" * (eighths // 8) + _PARTS[eighths % 8].strip()
