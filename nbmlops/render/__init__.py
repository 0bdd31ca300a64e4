"""How things look: one line first, then tables and facts, as plain text and as HTML that follows the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.render.dispatch import Document, html, json, markdown, text
    from nbmlops.render.listing import Field, Listing
    from nbmlops.render.look import Drawing, Facts, Lines, Look, Part
    from nbmlops.render.table import Column, Table

__all__ = [
    "Column",
    "Document",
    "Drawing",
    "Facts",
    "Field",
    "Lines",
    "Listing",
    "Look",
    "Part",
    "Table",
    "html",
    "json",
    "markdown",
    "text",
]

_HOMES = {
    "Document": "dispatch",
    "html": "dispatch",
    "json": "dispatch",
    "markdown": "dispatch",
    "text": "dispatch",
    "Field": "listing",
    "Listing": "listing",
    "Column": "table",
    "Table": "table",
}


def __getattr__(name: str) -> Any:
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(f"nbmlops.render.{_HOMES.get(name, 'look')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
