"""HTML by Jinja2 with autoescape on; under 100 kB, readable without its style, in the theme's colours with it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.render.bars import Bars
from nbmlops.render.curves import Across, Curves
from nbmlops.render.diagram import Diagram
from nbmlops.render.look import Drawing, Facts, Lines, Look, Part
from nbmlops.render.table import Table
from nbmlops.render.width import clip

if TYPE_CHECKING:
    from jinja2 import Environment

    from nbmlops.render.look import Block

__all__ = ["page"]

_BUDGET = 72_000
"""Bytes for what a page says; its style and tags come on top, and together they stay under 100 kB."""
_PHRASE = 400
_KINDS = {Lines: "lines", Facts: "facts", Drawing: "drawing", Table: "table", Bars: "bars", Diagram: "diagram"} | {
    Curves: "curves",
    Across: "across",
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
    share = _BUDGET // max(1, len(blocks))
    kept = [_within(block, share) for block in blocks]
    fitted = [(_KINDS[type(block)], block) for block in kept]
    body = len(fitted) - len(look.more) if not plain else len(fitted)
    return (
        _environment()
        .get_template("look.html.j2")
        .render(headline=_clipped(look.headline), body=fitted[:body], more=fitted[body:], detail=detail)
    )


def _within(block: Block, budget: int) -> Block:
    match block:
        case Table() | Curves() | Across():
            return block.within(budget)
        case Bars(rows=charts):
            # A bar of a chart costs some 60 bytes.
            allowed = max(1, budget // (60 * 34 + _PHRASE))
            kept_charts = tuple(replace(one, name=clip(one.name, 80), words=clip(one.words, 200)) for one in charts)
            return Bars(kept_charts[:allowed], block.omitted + max(0, len(charts) - allowed))
        case Diagram() if block.fits(budget):
            return block
        case Lines(lines=lines):
            allowed = budget // (8 * _PHRASE)
            kept = tuple(_clipped(one) for one in lines[:allowed])
            rest = len(lines) - len(kept)
            return Lines((*kept, (Part(f"… and {rest:,} more", "muted"),)) if rest else kept)
        case Facts(pairs=pairs):
            allowed = budget // (8 * _PHRASE)
            return Facts(tuple((clip(name, 80), clip(value, _PHRASE)) for name, value in pairs[:allowed]))
        case _:
            written = block.text()
            # Six bytes is what a quote becomes.
            return Drawing(written if len(written) * 6 <= budget else written[: budget // 6] + "\n…")


def _clipped(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return tuple(Part(clip(part.text, _PHRASE), part.tone) for part in parts[:12])
