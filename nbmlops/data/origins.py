"""Where a version was made, in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

__all__ = ["commit", "made_in", "origin"]


def origin(notebook: str | None, cell_id: str | None) -> str:
    """Where in a notebook something was made, or nothing when it was made elsewhere."""
    if not notebook:
        return ""
    cell = f"cell {cell_id[:8]} of " if cell_id else ""
    return f"from {cell}{PurePath(notebook).name}"


def commit(git: Mapping[str, Any] | None) -> str:
    """A commit as people read it; a plus says that there were changes besides.

    Examples
    --------
    >>> commit({"commit": "4f2c1a0912ab", "branch": "main", "dirty": True})
    'main@4f2c1a09+'
    """
    if not git or not git.get("commit"):
        return ""
    return f"{git['branch']}@{git['commit'][:8]}{'+' if git.get('dirty') else ''}"


def made_in(notebook: str | None, cell_id: str | None, script: str | None) -> str:
    """The notebook and cell, or the program, that made something."""
    return origin(notebook, cell_id).removeprefix("from ") or script or ""
