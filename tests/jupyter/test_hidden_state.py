"""A session, its notebook's file, and the names that the one has and the other would not: kept, shown, linted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbmlops import ml
from nbmlops.render import json as as_json
from nbmlops.render import text
from nbmlops.store import scrubbing
from nbmlops.store.redaction import Redaction
from tests.jupyter.cells import Cells


class Notebook:
    """A notebook in a front end: what stands in its cells, what was saved, what was run."""

    def __init__(self, cells: Cells, path: Path) -> None:
        self._cells = cells
        self._path = path
        self.sources: dict[str, str] = {}

    def save(self) -> None:
        """Write the file, as Jupyter does."""
        parts = [
            {"id": key, "cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
            for key, source in self.sources.items()
        ]
        self._path.write_text(json.dumps({"cells": parts, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))

    def run(self, key: str, source: str | None = None) -> str:
        """Write a cell unless it stays as it is, and run it; what it printed."""
        if source is not None:
            self.sources[key] = source
        return self._cells.run(self.sources[key], cell_id=key).printed


@pytest.fixture
def notebook(cells: Cells, project: Path, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    path = project / "train.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    return Notebook(cells, path)


def test_a_run_says_which_name_comes_from_a_cell_that_is_gone(notebook: Notebook) -> None:
    notebook.run("one", "depth = 4")
    notebook.run("two", "rate = depth / 10")
    del notebook.sources["one"]
    notebook.sources["three"] = "%%ml run gbm\nprint(rate)"
    notebook.save()
    assert "hidden state: depth" in notebook.run("three") + text(ml.run.show("gbm"))
    record = ml.run.show("gbm")
    (found,) = record.hidden_state
    assert (found.kind, found.name, found.cell_id, found.definer) == ("deleted", "depth", "two", "one")
    shown = text(record, detail=True)
    assert "`depth` comes from a cell that was deleted, which ran as [" in shown
    assert as_json(record)["hidden_state"][0]["name"] == "depth"
    ml.catalog.erase(lambda c: scrubbing.scrub(c, Redaction(["depth"], [found.line])))
    (erased,) = ml.run.show("gbm").hidden_state
    assert (erased.name, erased.line, erased.cell_id) == ("[erased]", found.line, "two")


def test_a_run_in_order_says_nothing(notebook: Notebook) -> None:
    notebook.run("i", "import math\nfrom os.path import join")
    notebook.run("a", "%time sizes = [n * n for n in range(3)]\ntemporary = 1\ndel temporary")
    notebook.sources["b"] = "%%ml run gbm -p depth=4\nprint(math.pi, join('a', 'b'), sizes, depth)"
    notebook.save()
    notebook.run("b")
    record = ml.run.show("gbm")
    assert (record.status, record.hidden_state) == ("finished", ())
    assert record.source is not None
    assert "math.pi" in record.source


def test_lint_knows_the_session_of_its_own_notebook_only(notebook: Notebook, project: Path) -> None:
    for key, source in (("p", "depth = 4"), ("q", "wide = depth * 2"), ("r", "depth = 5")):
        notebook.run(key, source)
    notebook.run("q")
    notebook.save()
    (project / "other.ipynb").write_bytes((project / "train.ipynb").read_bytes())
    printed = notebook.run("s", "%ml lint train.ipynb")
    assert "execution-order" in printed
    assert "execution-order" not in notebook.run("t", "%ml lint other.ipynb")
    notebook.run("q")
    assert "execution-order" in notebook.run("s")
    notebook.run("p")
    notebook.run("q")
    assert "execution-order" not in notebook.run("s")
