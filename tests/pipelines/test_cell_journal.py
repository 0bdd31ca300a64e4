"""What was said between two saves outlives a runner that is killed, and the notebook then says that it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from nbmlops.core.errors import UnsupportedError
from nbmlops.pipelines.cell_journal import CellJournal, journals_of
from nbmlops.pipelines.marks import Marks
from nbmlops.pipelines.recovery import recover
from nbmlops.pipelines.saving import NotebookFile, write_notebook

ROOT = Path(__file__).parents[2]
STEPS = st.lists(
    st.sampled_from(["say", "show", "clear", "update", "hide", "count", "begin", "save", "half a save"]), max_size=30
)


def notebook_of(count: int = 2) -> Any:
    return new_notebook(cells=[new_markdown_cell("# A step"), *(new_code_cell(f"x = {n}") for n in range(count))])


def do(step: str, cell: Any, number: int) -> bool:
    """Change a cell as the kernel's messages do; whether what it had is another."""
    if step == "say":
        cell.outputs.append(new_output("stream", text=f"line {number}\nü\u2028"))
    elif step == "show":
        cell.outputs.append(
            new_output("display_data", data={"text/plain": f"a\n{number}", "application/json": [number]})
        )
    elif step == "clear":
        cell.outputs = []
    elif step == "update" and cell.outputs:
        cell.outputs[0] = new_output("stream", text=f"instead {number}")
        return True
    elif step == "hide":
        cell.outputs = [new_output("stream", text="[secret]") for _ in cell.outputs]
        return True
    elif step == "count":
        cell.execution_count = number
    elif step == "begin":
        cell.metadata["papermill"] = {"status": "completed", "duration": number}
    return False


@given(steps=STEPS, which=st.lists(st.integers(1, 2), min_size=30, max_size=30))
def test_a_notebook_that_is_brought_up_to_its_journal_is_what_it_was(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], which: list[int]
) -> None:
    notebook, path = notebook_of(), tmp_path_factory.mktemp("killed") / "step.ipynb"
    journal = CellJournal(path, notebook)
    journal.turn()
    write_notebook(path, notebook)
    for number, (step, index) in enumerate(zip(steps, which, strict=False)):
        if "save" in step:
            useless = journal.turn()
            # A change between the turn and the save is in both; a save that is cut off leaves the files before it.
            notebook.cells[index].outputs.append(new_output("stream", text="meanwhile"))
            journal.note(index)
            if step == "save":
                write_notebook(path, notebook)
                journal.drop(useless)
        else:
            journal.note(index, anew=do(step, notebook.cells[index], number))
    for handle in filter(None, journal._files.values()):
        os.close(handle)  # as when its process ends
    assert recover(path)
    assert path.read_bytes() == (nbformat.writes(notebook) + "\n").encode()
    assert journals_of(path) == []
    assert not recover(path)


KILLED = """\
import os, sys
from pathlib import Path
from nbformat.v4 import new_output
import nbformat
from nbmlops.pipelines.marks import Marks
from nbmlops.pipelines.saving import NotebookFile

notebook = nbformat.read(sys.argv[1], 4)
marks = Marks(notebook)
marks.begin()
file = NotebookFile(Path(sys.argv[1]), notebook, interval=3_600)
file.open()
for index in (0, 1):
    if index:
        marks.cell_began(index)
    else:
        marks.passed(index)
    file.touch(index)
notebook.cells[1].outputs.append(new_output("stream", text="the last word"))
file.touch(1)
print("said", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A notebook whose runner was killed in its first cell of two."""
    path = tmp_path / "step.ipynb"
    nbformat.write(notebook_of(), path)
    command, environment = [sys.executable, "-c", KILLED, str(path)], os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert not recover(path), "its runner lives"
        process.kill()
    return path


def test_a_runner_that_is_killed_is_told_in_its_notebook_with_all_that_was_said(killed: Path) -> None:
    assert nbformat.read(killed, 4).cells[1].outputs == []
    assert recover(killed)
    saved = nbformat.read(killed, 4)
    nbformat.validate(saved)
    assert saved.metadata.papermill.status == "cancelled"
    assert saved.metadata.papermill.exception is True
    assert [cell.metadata.papermill.status for cell in saved.cells] == ["completed", "cancelled", "not_run"]
    assert [output.get("text", output.get("evalue")) for output in saved.cells[1].outputs] == [
        "the last word",
        "the runner was killed",
    ]
    assert saved.cells[1].metadata.papermill.duration >= 0
    assert [path.name for path in killed.parent.iterdir()] == ["step.ipynb"]


def test_a_line_that_was_cut_off_costs_itself_alone(killed: Path) -> None:
    (journal,) = journals_of(killed)
    lines = journal.read_text().split("\n")
    cut = [line[:20] if "the last word" in line else line for line in lines]
    journal.write_text("\n".join(cut))
    assert recover(killed)
    saved = nbformat.read(killed, 4)
    nbformat.validate(saved)
    assert [output.get("text", output.get("evalue")) for output in saved.cells[1].outputs] == ["the runner was killed"]


def test_a_journal_of_a_later_version_is_not_guessed_at(killed: Path) -> None:
    (journal,) = journals_of(killed)
    journal.write_text(journal.read_text().replace('{"journal": 1', '{"journal": 2'))
    with pytest.raises(UnsupportedError, match="newer version"):
        recover(killed)
    assert nbformat.read(killed, 4).metadata.papermill.status == "running"
    assert journals_of(killed) == [journal]


def test_a_notebook_that_is_executed_anew_takes_nothing_from_a_journal_that_was_left(killed: Path) -> None:
    notebook = notebook_of()
    Marks(notebook).begin()
    file = NotebookFile(killed, notebook)
    file.open()
    file.close()
    assert [path.name for path in killed.parent.iterdir()] == ["step.ipynb"]
    assert not recover(killed)
    assert nbformat.read(killed, 4).cells[1].outputs == []


def test_where_the_journal_cannot_be_written_the_notebook_is_saved_all_the_same(tmp_path: Path) -> None:
    notebook = notebook_of()
    (tmp_path / ".step.ipynb.1.journal").mkdir()
    file = NotebookFile(tmp_path / "step.ipynb", notebook)
    file.open()
    notebook.cells[1].outputs.append(new_output("stream", text="said"))
    file.touch(1)
    file.close()
    assert json.loads(file.path.read_text())["cells"][1]["outputs"][0]["text"] == ["said"]
