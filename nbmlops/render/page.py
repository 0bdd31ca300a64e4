"""HTML by Jinja2 with autoescape on; under 100 kB, readable without its style, in the theme's colours with it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.render.bars import Bars
from nbmlops.render.course import Courses
from nbmlops.render.curves import Across, Curves
from nbmlops.render.diagram import Diagram
from nbmlops.render.look import Drawing, Facts, Heading, Lines, Look, Part
from nbmlops.render.table import Table
from nbmlops.render.timeline import Timeline
from nbmlops.render.width import clip, escaped_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jinja2 import Environment

    from nbmlops.render.look import Block

__all__ = ["fitted", "page", "shortened"]

_BUDGET = 94_000
"""Bytes for what a page says; its style and tags come on top, and together they stay under 100 kB."""
_PHRASE = 400
_TAGS = 60
_KINDS = {Lines: "lines", Facts: "facts", Drawing: "drawing", Table: "table", Bars: "bars", Diagram: "diagram"} | {
    Curves: "curves",
    Across: "across",
    Courses: "courses",
    Heading: "heading",
    Timeline: "timeline",
}


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent / "templates"
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(look: Look, *, detail: bool = False, plain: str = "") -> str:
    """Write a look as HTML.

    Parameters
    ----------
    look : Look
        What to show.
    detail : bool
        Whether what is there on demand stands unfolded.
    plain : str
        Text to show as it is, for what has no look.
    """
    blocks = (*look.body, *look.more, *([Drawing(plain)] if plain else ()))
    shown = [(_KINDS[type(block)], block) for block in fitted(blocks)]
    body = len(shown) - len(look.more) if not plain else len(shown)
    return (
        _environment()
        .get_template("look.html.j2")
        .render(headline=shortened(look.headline), body=shown[:body], more=shown[body:], detail=detail)
    )


def fitted(blocks: Sequence[Block], budget: int = _BUDGET) -> list[Block]:
    """As much of each block as a page of so many bytes has room for."""
    return [_within(block, share) for block, share in zip(blocks, _shares(blocks, budget), strict=True)]


def _shares(blocks: Sequence[Block], budget: int) -> list[int]:
    """How many bytes each block may take: what it needs, and of what some leave, the others have equal parts."""
    shares = [_cost(block) for block in blocks]
    left, unmet = budget, sorted(range(len(blocks)), key=shares.__getitem__)
    for place, index in enumerate(unmet):
        shares[index] = min(shares[index], left // (len(unmet) - place))
        left -= shares[index]
    # Charts ask for the coarse ones, and take what nobody wants.
    charted = [index for index, block in enumerate(blocks) if isinstance(block, Bars)]
    for index in charted:
        shares[index] += left // len(charted)
    return shares


def _cost(block: Block) -> int:
    """Bytes that a block takes at most, as far as it tells; otherwise all that there are."""
    match block:
        case Table():
            return block.cost
        case Timeline():
            return block.cost
        case Bars(rows=charts):
            return sum(chart.coarser().cost for chart in charts)
        case Courses(courses=courses):
            return sum(course.cost for course in courses) + _TAGS
        case Heading(title=title):
            return _TAGS + escaped_bytes(clip(title, _PHRASE))
        case Lines(lines=lines):
            return sum(_line_bytes(one) for one in lines)
        case Facts(pairs=pairs):
            return sum(_fact_bytes(pair) for pair in pairs)
        case _:
            return _BUDGET


def _line_bytes(parts: tuple[Part, ...]) -> int:
    return 20 + sum(_TAGS + escaped_bytes(clip(part.text, _PHRASE)) for part in parts[:12])


def _fact_bytes(pair: tuple[str, str]) -> int:
    return _TAGS + escaped_bytes(clip(pair[0], 80)) + escaped_bytes(clip(pair[1], _PHRASE))


def _first(costs: Iterable[int], budget: int) -> int:
    """How many of the first things together take no more than a budget."""
    kept = 0
    for cost in costs:
        budget -= cost
        if budget < 0:
            break
        kept += 1
    return kept


def _within(block: Block, budget: int) -> Block:
    match block:
        case Table() | Curves() | Across() | Courses() | Timeline():
            return block.within(budget)
        case Bars(rows=charts):
            if sum(chart.cost for chart in charts) > budget:
                charts = tuple(chart.coarser() for chart in charts)
            kept_charts = charts[: max(1, _first((chart.cost for chart in charts), budget))]
            clipped = tuple(replace(one, name=clip(one.name, 80), words=clip(one.words, 200)) for one in kept_charts)
            return Bars(clipped, block.omitted + len(charts) - len(clipped))
        case Heading(title=title):
            return Heading(clip(title, _PHRASE))
        case Diagram() if block.fits(budget):
            return block
        case Lines(lines=lines):
            kept = tuple(shortened(one) for one in lines[: _first(map(_line_bytes, lines), budget)])
            rest = len(lines) - len(kept)
            return Lines((*kept, (Part(f"… and {rest:,} more", "muted"),)) if rest else kept)
        case Facts(pairs=pairs):
            allowed = _first(map(_fact_bytes, pairs), budget)
            return Facts(tuple((clip(name, 80), clip(value, _PHRASE)) for name, value in pairs[:allowed]))
        case _:
            written = block.text()
            # Six bytes is what a quote becomes.
            return Drawing(written if len(written) * 6 <= budget else written[: budget // 6] + "\n…")


def shortened(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """A line of which each phrase is no longer than one reads."""
    return tuple(Part(clip(part.text, _PHRASE), part.tone) for part in parts[:12])
