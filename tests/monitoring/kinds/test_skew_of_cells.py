"""A function of a notebook's cell makes logged rows again, without the rest of the notebook being run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbmlops import Workspace
from nbmlops.__main__ import main
from nbmlops.core.errors import InvalidError, NbmlopsError, NotFoundError, UnsupportedError
from nbmlops.monitoring.own_code import OwnCode
from tests.monitoring.conftest import Traffic

MAKE = """%%ml feature of_x
def make(rows):
    'Features as training made them.'
    if len(rows) < limit:
        raise Wrong('few')
    return same(rows.assign(x=np.asarray(scaled(rows['x']))))[['x']]
"""
CELLS = (
    "# the parameters of the training\nSCALE = 100\nlimit: float = 0.5",
    "import numpy as np\nfrom beside import same\nopen('ran', 'w').close()",
    "%ml data load flights -o table\nmiddle = table['x'].mean()",
    "def scaled(values):\n    return values * SCALE / SCALE",
    "class Wrong(Exception):\n    pass",
    "def make(rows):\n    return rows.assign(x=0)",
    MAKE,
    "def centred(rows):\n    return rows[['x']] - middle",
    "def lost(rows):\n    return nobody(rows)",
    "def broken(rows):\n    number = 1\n    raise Wrong(number)",
    "made = make(table)",
    "and this is no Python",
)


def write(path: Path, *cells: str) -> None:
    content = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in cells]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": content}))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beside.py").write_text("def same(table): return table\n")
    write(tmp_path / "training.ipynb", *CELLS)
    return tmp_path


def test_rows_are_made_again_by_the_cell_and_no_other_is_run(
    workspace: Workspace, traffic: Traffic, root: Path
) -> None:
    assert workspace.marker.root == root
    traffic.send(2, 50)
    with pytest.raises(SystemExit, match="0"):
        main(["monitor", "add", "skewed", "delay", "skew", "--code", "training.ipynb:make"])
    (report,) = workspace.monitor.run("skewed")
    assert report.passed
    assert {(one.check, one.column) for one in report.outcomes} == {("found again", None), ("skew", "x")}
    assert not (root / "ran").exists()
    write(root / "training.ipynb", "def make(rows):\n    return rows[['x']] + 1")
    (report,) = workspace.monitor.run("skewed")
    assert [one.column for one in report.failures] == ["x"]


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("training.ipynb:centred", InvalidError, "centred of training.ipynb needs middle, which cell 3 computes"),
        ("training.ipynb:lost", InvalidError, "lost of training.ipynb names nobody, which no cell defines"),
        ("training.ipynb:maek", NotFoundError, "no cell of training.ipynb defines a function maek; did you mean make"),
        ("training.ipynb:Wrong", NotFoundError, "no cell of training.ipynb defines a function Wrong"),
        ("trainning.ipynb:make", NotFoundError, "there is no file trainning.ipynb"),
        ("text.ipynb:make", InvalidError, "text.ipynb is not a notebook"),
        ("old.ipynb:make", UnsupportedError, "old.ipynb"),
        ("absent.ipynb:make", InvalidError, "absent.ipynb needs nobody_has_this, which is not installed"),
    ],
)
def test_what_cannot_be_run_alone_is_said_with_its_cell(
    root: Path, code: str, kind: type[NbmlopsError], words: str
) -> None:
    (root / "text.ipynb").write_text("make")
    (root / "old.ipynb").write_text('{"nbformat": 3, "nbformat_minor": 0, "worksheets": [], "metadata": {}}')
    write(root / "absent.ipynb", "import nobody_has_this", "def make(rows):\n    return nobody_has_this.of(rows)")
    with pytest.raises(kind) as raised:
        OwnCode(root, lambda: True).function(code)
    told = raised.value
    assert words in f"{told.message}; {told.hint}"


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["LIMIT = 1\nLIMIT = int('5')"], "needs LIMIT, which cell 1 computes"),
        (["LIMIT = 1\nif True:\n    LIMIT = 5"], "needs LIMIT, which cell 1 computes"),
        (["LIMIT = 1", "LIMIT += 4"], "needs LIMIT, which cell 2 computes"),
        (["LIMIT = []", "LIMIT.append(5)"], "needs LIMIT, which cell 2 computes"),
        (["LIMIT = {}", "LIMIT['a'] = 5"], "needs LIMIT, which cell 2 computes"),
        (["LIMIT = 1", "del LIMIT"], "names LIMIT, which no cell defines"),
    ],
)
def test_a_value_that_the_notebook_changes_later_is_not_taken_as_it_was_first(
    root: Path, cells: list[str], words: str
) -> None:
    write(root / "later.ipynb", *cells, "def make(rows):\n    return LIMIT")
    with pytest.raises(InvalidError, match=words):
        OwnCode(root, lambda: True).function("later.ipynb:make")


@pytest.mark.parametrize("cell", ["LIMIT = 1\nLIMIT = 5", "LIMIT = int('1')\nLIMIT = 5", "LIMIT = []\nLIMIT = 5"])
def test_the_last_value_that_is_written_holds_and_options_of_modules_do_no_harm(root: Path, cell: str) -> None:
    options = "import json as js\njs.option = 1\njs.scanner.things = []\njs.scanner.things.append(1)"
    write(root / "last.ipynb", cell, options, "def make(rows):\n    return js.loads(str(LIMIT))")
    assert OwnCode(root, lambda: True).call("last.ipynb:make", None) == 5


def test_two_modules_of_one_package_both_come_along(root: Path) -> None:
    package = root / "shared_sums"
    package.mkdir()
    for number, name in enumerate(("__init__", "first", "second")):
        (package / f"{name}.py").write_text(f"NUMBER = {number}")
    imports = ["import shared_sums.first", "import shared_sums.second"]
    write(
        root / "packages.ipynb",
        *imports,
        "def make(rows):\n    return shared_sums.first.NUMBER, shared_sums.second.NUMBER",
    )
    assert OwnCode(root, lambda: True).call("packages.ipynb:make", None) == (1, 2)


def test_a_decorator_that_only_sounds_like_a_feature_stays(root: Path) -> None:
    doubled = "def with_features(function):\n    return lambda rows: 2 * function(rows)"
    write(root / "worn.ipynb", doubled, "@with_features\ndef make(rows):\n    return rows")
    assert OwnCode(root, lambda: True).call("worn.ipynb:make", 3) == 6


def test_what_a_cell_raises_is_told_with_its_line_and_its_cell(root: Path) -> None:
    with pytest.raises(InvalidError) as raised:
        OwnCode(root, lambda: True).call("training.ipynb:broken", None)
    assert raised.value.message == "training.ipynb:broken raised Wrong in line 3 of cell 10 of training.ipynb: 1"
