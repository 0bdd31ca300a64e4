"""What ``%ml`` alone says of a notebook, of what fails and of what runs: by evidence, never by a guess."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pandas as pd
import pytest

from nbmlops import ml
from nbmlops.core.errors import RefusedError
from nbmlops.pipelines.badge import Badge
from nbmlops.render import html, text
from nbmlops.render import json as as_json
from nbmlops.tracking.queries.values import add_tags
from tests.jupyter.cells import Cells


class Notebook:
    """A notebook in a front end, whose cells have ids that no other test has used in this process."""

    def __init__(self, cells: Cells, path: Path) -> None:
        self._cells = cells
        self._path = path
        self._mark = uuid.uuid4().hex[:8]
        self.sources: dict[str, str] = {}

    def write(self, *sources: str) -> None:
        """Write the cells ``0``, ``1``, … and save them."""
        self.sources = {f"{place}": source for place, source in enumerate(sources)}
        self.save()

    def save(self) -> None:
        parts = [
            {"id": f"{self._mark}-{key}", "cell_type": "code", "source": source, "metadata": {}}
            | {"outputs": [], "execution_count": None}
            for key, source in self.sources.items()
        ]
        parts[0]["metadata"] = {"tags": ["parameters"]}
        self._path.write_text(json.dumps({"cells": parts, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))

    def run(self, *keys: str) -> None:
        for key in keys:
            self._cells.run(self.sources[key], cell_id=f"{self._mark}-{key}")

    def badge(self) -> Badge:
        """What a cell that is not saved says, as ``%ml`` does."""
        shown = self._cells.run("%ml", cell_id=f"{self._mark}-asks")
        assert shown.error is None
        badge = shown.value.badge
        assert isinstance(badge, Badge)
        return badge


@pytest.fixture
def notebook(cells: Cells, project: Path, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    path = project / "train.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    return Notebook(cells, path)


def state(badge: Badge, what: str) -> str:
    (found,) = (ground for ground in badge.grounds if ground.what == what)
    return f"{found.state}: {found.seen}"


def test_a_saved_notebook_that_ran_from_top_to_bottom_is_in_order_and_not_called_proven(notebook: Notebook) -> None:
    notebook.write("depth = 4", "rate = depth / 10", "print(rate)")
    notebook.run("0", "1", "2")
    badge = notebook.badge()
    assert badge.verdict == "in order", badge
    assert state(badge, "execution order") == "for: 3 cells of 3 ran, from top to bottom, each once"
    shown = text(badge)
    assert shown.splitlines()[0] == "notebook train.ipynb   ✓ in order, not proven"
    assert "`%ml reproduce RUN`" in shown


def test_a_run_that_gave_the_same_again_proves_its_own_source_and_no_other(notebook: Notebook) -> None:
    notebook.write("depth = 4", "%%ml run gbm\nprint(depth)")
    notebook.run("0", "1")
    run = ml.run.show("gbm")
    assert notebook.badge().verdict == "in order"
    assert notebook.badge().verdict == "in order", "that it was asked before is no change"
    ml.catalog.transact(lambda c: add_tags(c, run.id, {"reproduced": "differs"}))
    assert notebook.badge().verdict == "in order"
    ml.catalog.transact(lambda c: add_tags(c, run.id, {"reproduced": "identical"}))
    badge = notebook.badge()
    assert (badge.verdict, badge.proof) == ("reproduced", "gbm-1")
    assert "gbm-1 gave the same again" in text(badge)
    notebook.sources["1"] += "  # changed"
    notebook.save()
    assert notebook.badge().proof is None


def test_a_name_of_a_cell_that_is_gone_speaks_against_it(notebook: Notebook) -> None:
    notebook.write("depth = 4", "threshold = 3", "print(threshold)")
    notebook.run("0", "1", "2")
    del notebook.sources["1"]
    notebook.save()
    badge = notebook.badge()
    assert badge.verdict == "not reproducible"
    assert "`threshold` comes from a cell that was deleted" in state(badge, "hidden state")
    assert "✗ hidden state" in text(ml.status()) or "✗ hidden state" in text(badge)


@pytest.mark.parametrize(
    ("source", "what", "said"),
    [
        ("import pandas as pd\nflights = pd.read_csv('flights.csv')\nprint(flights)", "reads", "flights.csv"),
        ("import numpy as np\nprint(np.random.normal())", "seeds", "np.random.normal"),
        ("!pip install pandas", "lint", "pandas"),
    ],
)
def test_what_the_page_tells_speaks_against_it_with_its_place(
    notebook: Notebook, source: str, what: str, said: str
) -> None:
    notebook.write("depth = 4", source, "print(depth)")
    badge = notebook.badge()
    assert badge.verdict == "not reproducible"
    assert state(badge, what).startswith("against: cell 2, line ")
    assert said in state(badge, what)


@pytest.mark.parametrize(
    ("ran", "said"),
    [
        (("0", "1", "1"), "unknown: 1 cell ran again"),
        (("1", "0"), "unknown: cells ran in another order than they stand in"),
        (("0", "2"), "unknown: 1 cell above did not run, as far as is known"),
        ((), "unknown: no saved cell is known to have run"),
        (("0", "3"), "unknown: 1 cell failed"),
    ],
)
def test_another_order_than_the_page_s_leaves_it_unproven(notebook: Notebook, ran: tuple[str, ...], said: str) -> None:
    notebook.write("depth = 4", "rate = 1\nprint(rate)", "print(2)", "1 / 0")
    notebook.run(*ran)
    badge = notebook.badge()
    assert badge.verdict == "not proven"
    assert state(badge, "execution order") == said


def test_a_cell_that_changed_after_the_file_was_saved_leaves_it_unproven(notebook: Notebook) -> None:
    notebook.write("depth = 4", "print(depth)")
    notebook.sources["1"] = "print(depth + 1)"
    notebook.run("0", "1")
    badge = notebook.badge()
    assert badge.verdict == "not proven"
    assert state(badge, "source") == "unknown: 1 cell ran since it was saved, and not as saved"
    notebook.save()
    assert notebook.badge().verdict == "in order"


def test_a_notebook_whose_file_is_not_found_is_judged_by_its_session_alone(notebook: Notebook, project: Path) -> None:
    notebook.write("depth = 4")
    notebook.run("0")
    (project / "train.ipynb").unlink()
    badge = notebook.badge()
    assert badge.verdict == "not proven"
    assert [ground.what for ground in badge.grounds] == ["source", "hidden state"]


def test_what_fails_now_and_what_runs_is_told_and_what_was_mended_is_not(cells: Cells, project: Path) -> None:
    table = pd.DataFrame({"delay": [1, 200]})
    with pytest.raises(RefusedError):
        ml.check.data(ml.data.save(table, "flights").ref, "delay: between(0, 100)", strict=True)
    ml.check.data(ml.data.save(table, "weather").ref, "delay: number")
    with ml.run.start("nightly", kind="pipeline"):
        status = cells.value("%ml")
        assert [one.run for one in status.running] == ["nightly-1"]
    assert [(one.id, one.subject) for one in status.failing] == [(1, "flights@v1")]
    shown = text(status)
    assert "· running   pipeline run nightly-1   since " in shown
    assert "✗ check 1   " in shown
    assert "`%ml check show 1`" in shown
    ml.check.data(ml.data.save(table.head(1), "flights").ref, "delay: between(0, 100)")
    assert ml.status().failing == ()
    assert len(shown.splitlines()) < 24
    assert as_json(status)["failing"][0]["id"] == 1
    assert "check 1" in html(status)
