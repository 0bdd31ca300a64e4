"""The tutorials, each executed once for all tests that look at what comes of it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from nbmlops.demo.project import make_project
from tests.notebooks.test_tutorials import STORED, papermill

if TYPE_CHECKING:
    from pathlib import Path

    import nbformat

STEPS = ("1_ingest", "2_validate", "3_features", "4_train", "5_evaluate")


class Tutorials:
    """Executes a tutorial when it is first asked for: a step after those before it, a story in a project of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done: dict[str, nbformat.NotebookNode] = {}

    def __getitem__(self, name: str) -> nbformat.NotebookNode:
        for each in STEPS[: STEPS.index(name) + 1] if name in STEPS else (name,):
            if each not in self._done:
                self._done[each] = self._execute(each)
        return self._done[name]

    def _execute(self, name: str) -> nbformat.NotebookNode:
        # Some make a project of their own, in the place of temporary files.
        temporary = self._folder / "temporary"
        temporary.mkdir(exist_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TMPDIR", str(temporary))
            return self._papermill(name)

    def _papermill(self, name: str) -> nbformat.NotebookNode:
        place = self._folder / ("steps" if name in STEPS else name)
        if name == "pipelines":
            (place / "notebooks").mkdir(parents=True)
            shutil.copy(STORED / f"{name}.ipynb", place / "notebooks")
            return papermill(place, name, "-p", "months", "2")
        if not place.exists():
            make_project(place).close()
        return papermill(place, name)
