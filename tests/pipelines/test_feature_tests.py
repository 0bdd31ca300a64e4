"""Tests in a notebook's cells, run in a cold kernel without the rest of the notebook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError
from nbmlops.pipelines.feature_tests import run_tests
from nbmlops.workspace import Workspace

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
RUSH = "LAST = 20\ndef is_rush(hour):\n    return int(FIRST <= hour < LAST)"
TESTS = (
    "%%ml check feature\nfrom hypothesis import given, strategies as st\n"
    "def test_evening():\n    assert is_rush(17) == 1\n"
    "@given(st.integers(0, 23))\ndef test_is_a_flag(hour):\n    assert is_rush(hour) in (0, 1)\n"
    "assert is_rush(12) == 1"
)


@pytest.fixture
def workspace(folder: Path) -> Iterator[Workspace]:
    with Workspace.init(folder) as made:
        yield made


def write(path: Path, *cells: str) -> Path:
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=KERNEL)
    nbformat.write(notebook, path)
    return path


def write_rush(path: Path) -> Path:
    return write(
        path,
        "%load_ext nbmlops",
        "FIRST = 10",
        "FIRST = 16",
        "raise RuntimeError('training takes a night')",
        RUSH,
        TESTS,
        "raise RuntimeError('saving is not for a test')",
    )


@pytest.mark.notebook
def test_a_notebooks_tests_run_with_the_cells_that_they_need_alone(workspace: Workspace, folder: Path) -> None:
    path = write_rush(folder / "3_features.ipynb")
    before = path.read_bytes()
    signs: list[object] = []
    report = workspace.check.feature(path, progress=signs.append)
    assert (report.subject, report.suite, report.section) == ("3_features.ipynb", "feature tests", "data")
    assert [(each.check, each.status) for each in report.outcomes] == [
        ("assert is_rush(12) == 1", "failed"),
        ("test_evening", "passed"),
        ("test_is_a_flag", "passed"),
    ]
    assert report.outcomes[0].figure == "is_rush(12) == 1: 0 == 1 is false"
    assert workspace.check.show(report.id or 0) == report
    assert len(workspace.check.list()) == 1
    assert path.read_bytes() == before
    assert {each.name for each in folder.iterdir()} <= {".nbmlops", "3_features.ipynb", "nbmlops.lock"}
    assert signs
    with pytest.raises(RefusedError, match="1 of 3 checks of feature tests did not pass"):
        workspace.check.feature(path, strict=True)


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("cells", "check", "said", "detail"),
    [
        (
            (
                "def slow(): \n    import time; time.sleep(60)",
                "%%ml check feature\nassert 1\ndef test_s():\n    slow()",
            ),
            "test_s",
            "took longer than 2 s",
            "cell 2",
        ),
        (
            ("f = missing", "%%ml check feature\nassert f"),
            "cell 1",
            "NameError: name 'missing' is not defined",
            "not run",
        ),
        (("import os", "%%ml check feature\nos._exit(3)\nassert os"), "cell 2", "DeadKernelError", "not run"),
    ],
    ids=["too slow", "a cell raises", "the kernel dies"],
)
def test_what_ends_a_notebook_early_is_an_outcome(
    tmp_path: Path, cells: tuple[str, ...], check: str, said: str, detail: str
) -> None:
    outcome = run_tests(write(tmp_path / "n.ipynb", *cells), 2.0 if "time" in cells[0] else 30.0)[-1]
    assert (outcome.check, outcome.status) == (check, "errored")
    assert said in outcome.figure
    assert detail in outcome.detail


def test_a_notebook_without_tests_and_one_that_is_not_there_are_refused(workspace: Workspace, folder: Path) -> None:
    with pytest.raises(InvalidError, match="has no tests"):
        workspace.check.feature(write(folder / "n.ipynb", "x = 1"))
    with pytest.raises(NotFoundError, match="there is no notebook"):
        workspace.check.feature("nothing.ipynb")
    with pytest.raises(InvalidError, match="either a notebook or tests"):
        workspace.check.feature()
    (folder / "bad.ipynb").write_text("{")
    with pytest.raises(InvalidError, match="not a notebook"):
        workspace.check.feature("bad.ipynb")
    assert workspace.check.list() == []
