"""A story or a score as a file: a page of its own, or Markdown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nbmlops.data.files import write_atomically
from nbmlops.render.dispatch import markdown
from nbmlops.render.standalone import standalone

__all__ = ["Place", "write"]

Place = str | os.PathLike[str] | None


def write(record: Any, title: str, to_html: Place, to_markdown: Place) -> None:
    """Put a record in the place of what is in a file.

    Raises
    ------
    NotFoundError, UnavailableError
        When there is no folder for a file, or it cannot be written.
    """
    if to_html is not None:
        page = standalone(record, title).encode()
        write_atomically(Path(to_html), lambda sink: sink.write(page))
    if to_markdown is not None:
        text = markdown(record, detail=True).encode()
        write_atomically(Path(to_markdown), lambda sink: sink.write(text))
