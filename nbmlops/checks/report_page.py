"""A report as a page of its own: whole, static, without scripts, and with nothing to be fetched."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nbmlops.render.dispatch import html

if TYPE_CHECKING:
    from nbmlops.checks.records import Report

__all__ = ["report_page"]


def report_page(report: Report) -> str:
    """Write a report as an HTML document in UTF-8, under 100 kB, with all of it unfolded."""
    title = escape(f"{report.subject}: {report.status}"[:200])
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n</head>\n<body>\n{html(report, detail=True)}</body>\n</html>\n"
    )
