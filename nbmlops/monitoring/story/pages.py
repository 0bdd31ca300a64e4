"""A story as a file: a page of its own without scripts and with nothing to be fetched, or Markdown."""

from __future__ import annotations

from pathlib import Path

from nbmlops.data.files import write_atomically
from nbmlops.monitoring.story.records import Story
from nbmlops.render.dispatch import markdown
from nbmlops.render.standalone import standalone

__all__ = ["page", "write"]


def page(story: Story) -> str:
    """Write a story as an HTML document in UTF-8, under 100 kB, light or dark as the reader's system is."""
    return standalone(story, f"Story of {story.name}").replace("</head>", f"{_STYLE}</head>", 1)


def write(story: Story, to_html: str | Path | None, to_markdown: str | Path | None) -> None:
    """Put a story in the place of what is in a file."""
    if to_html is not None:
        write_atomically(Path(to_html), lambda sink: sink.write(page(story).encode()))
    if to_markdown is not None:
        write_atomically(Path(to_markdown), lambda sink: sink.write(markdown(story, detail=True).encode()))


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
