"""Subjects of edges: written so that they can be read back, whatever the names in them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nbmlops.store import subjects
from nbmlops.store.subjects import Subject

NAMES = st.text(max_size=60)


@given(notebook=NAMES, cell_id=NAMES.filter(lambda text: "#" not in text))
def test_a_cell_is_read_back_whatever_it_is_called(notebook: str, cell_id: str) -> None:
    written = subjects.cell(notebook, cell_id, "ab" * 32, "0123456789ab-7")
    assert Subject.parse(written) == Subject("cell", notebook, cell_id, "ab" * 8, "0123456789ab-7")


@given(text=st.text(max_size=200))
def test_any_text_can_be_taken_apart(text: str) -> None:
    assert Subject.parse(text).kind in {"run", "cell", "script", "unknown"}


def test_the_longest_subject_fits_its_column() -> None:
    assert len(subjects.cell("n" * 999, "c" * 999, "ab" * 32, "f" * 32)) <= 512


def test_a_cell_in_a_run_names_the_run_and_one_outside_does_not() -> None:
    assert Subject.parse(subjects.cell("a.ipynb", "x", "ab" * 32, "c" * 32)).run_id == "c" * 32
    assert Subject.parse(subjects.cell("a.ipynb", "x", "ab" * 32, "0123456789ab-7")).run_id is None


def test_a_cell_of_an_older_catalog_has_no_execution() -> None:
    assert Subject.parse("cell:a.ipynb#x@0123456789abcdef") == Subject("cell", "a.ipynb", "x", "0123456789abcdef")


def test_a_process_keeps_its_name_and_another_has_another() -> None:
    code = "from nbmlops.store.subjects import process; print(process(), process())"
    told = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in "ab"]
    first, second = (one.stdout.split() for one in told)
    assert first[0] == first[1] != second[0]


def test_a_script_is_named_below_its_workspace(tmp_path: Path) -> None:
    (tmp_path / ".nbmlops").mkdir()
    (tmp_path / "jobs").mkdir()
    script = tmp_path / "jobs" / "clean.py"
    script.write_text("from nbmlops.store import subjects; print(subjects.program())")
    for folder in (tmp_path, tmp_path / "jobs"):
        done = subprocess.run([sys.executable, str(script)], cwd=folder, capture_output=True, text=True, check=True)
        assert done.stdout == "jobs/clean.py\n"


def test_the_path_of_a_script_outside_of_any_workspace_is_its_name(tmp_path: Path) -> None:
    (tmp_path / "clean.py").write_text("from nbmlops.store import subjects; print(subjects.program())")
    command = [sys.executable, str(tmp_path / "clean.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout == "clean.py\n"
