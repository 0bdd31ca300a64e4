"""A record as a page of its own: whole, static, without scripts, and with nothing to be fetched."""

from __future__ import annotations

from html import escape
from typing import Any

from nbmlops.render.dispatch import html

__all__ = ["standalone"]


def standalone(record: Any, title: str) -> str:
    """Write a record as an HTML document in UTF-8, under 100 kB, with all of it unfolded."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title[:200])}</title>\n</head>\n<body>\n{html(record, detail=True)}</body>\n</html>\n"
    )
