"""A record as a page of its own: whole, static, without scripts, with nothing to be fetched, under 100 kB."""

from __future__ import annotations

from html import escape
from typing import Any

from nbmlops.render.dispatch import html

__all__ = ["standalone"]

# What follows JupyterLab's theme in a cell follows the reader's system here.
_STYLE = """<style>
:root{color-scheme:light dark}
body{margin:2rem;background:#fff}
@media (prefers-color-scheme:dark){
:root{--jp-content-font-color1:#e6e6e6;--jp-content-font-color2:#b3b3b3;--jp-content-font-color3:#8a8a8a;
--jp-border-color2:#444;--jp-layout-color1:#161616;--jp-layout-color2:#2a2a2a;--jp-brand-color1:#64b5f6;
--jp-success-color0:#81c784;--jp-warn-color0:#ffb74d;--jp-error-color0:#ef9a9a}
body{background:#161616}
}
</style>
"""
_LONGEST = 200


def standalone(record: Any, title: str) -> str:
    """Write a record as an HTML document in UTF-8, with all of it unfolded, light or dark as the reader's system is."""
    shown = escape(title[:_LONGEST])
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{shown}</title>\n{_STYLE}</head>\n<body>\n{html(record, detail=True)}</body>\n</html>\n"
    )
