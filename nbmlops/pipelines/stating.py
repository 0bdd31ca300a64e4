"""The verb ``step``: how a notebook wants to run as a step."""

from __future__ import annotations

from pathlib import Path

from nbmlops.core.errors import InvalidError
from nbmlops.pipelines.cells import code_cells
from nbmlops.pipelines.notebook import read_content
from nbmlops.pipelines.step_cells import settings_of
from nbmlops.pipelines.step_settings import StepSettings, parse_settings

__all__ = ["stated"]


def stated(notebook: str | Path | None, settings: str | None) -> StepSettings:
    """The settings that a text holds, or a notebook; see `settings_of`.

    Raises
    ------
    InvalidError
        When a line is no setting, or neither or both are given.
    NotFoundError
        When there is no such notebook.
    """
    if notebook is not None and settings is not None:
        raise InvalidError("there are two: the body of the cell, and a notebook", hint="leave one out")
    if settings is not None:
        return parse_settings(settings)
    if notebook is None:
        raise InvalidError(
            "there are no settings", hint="`ml step NOTEBOOK` reads a notebook's; in a cell they stand below %%ml step"
        )
    path = Path(notebook)
    return settings_of(code_cells(read_content(path)), path.name)
