from __future__ import annotations

import json
import stat
import threading
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from nbmlops.core.errors import UnavailableError
from nbmlops.pipelines.saving import NotebookFile, format_cell

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.lists(
    st.sampled_from(["a", "\n", "\r", "\x0b", "\u2028", "ü", '"', "\\"])
).map("".join)
BUNDLES = st.dictionaries(
    st.sampled_from(["text/plain", "text/html", "image/svg+xml", "image/png", "application/javascript"]), TEXT
) | st.just({"application/json": {"a": [1, None]}, "application/vnd.x+json": "a\nb"})
OUTPUTS = st.one_of(
    st.builds(
        lambda text, name: new_output("stream", name=name, text=text), TEXT, st.sampled_from(["stdout", "stderr"])
    ),
    st.builds(lambda data: new_output("display_data", data=data), BUNDLES),
    st.builds(lambda data: new_output("execute_result", data=data, execution_count=3), BUNDLES),
    st.builds(lambda text: new_output("error", ename="E", evalue=text, traceback=[text]), TEXT),
)
CODE = st.builds(
    lambda source, outputs, tags: new_code_cell(source, outputs=outputs, metadata={"tags": tags, "trusted": True}),
    TEXT,
    st.lists(OUTPUTS, max_size=3),
    st.lists(st.sampled_from(["a", "ü"]), unique=True),
)
PROSE = st.builds(
    lambda source, bundle: new_markdown_cell(source, attachments={"a.png": bundle}), TEXT, BUNDLES
) | st.builds(new_markdown_cell, TEXT)


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(CODE | PROSE, max_size=4))
def test_the_file_is_to_the_byte_what_nbformat_writes(
    tmp_path_factory: pytest.TempPathFactory, cells: list[Any]
) -> None:
    notebook = new_notebook(cells=cells, metadata={"title": "ü", "signature": "old"})
    file = NotebookFile(tmp_path_factory.mktemp("saved") / "step.ipynb", notebook)
    file.open()
    file.close()
    assert file.path.read_bytes() == (nbformat.writes(notebook) + "\n").encode()


def test_half_a_surrogate_pair_is_kept_as_an_escape() -> None:
    cell = new_code_cell("x", outputs=[new_output("stream", text="\ud83d")])
    assert json.loads(format_cell(cell))["outputs"][0]["text"] == ["\ud83d"]


def test_what_changed_is_saved_again_while_the_file_is_open(tmp_path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell("x")])
    file = NotebookFile(tmp_path / "step.ipynb", notebook, interval=0.01)
    file.open()
    notebook.cells[0].outputs.append(new_output("stream", text="hello"))
    file.touch(0)
    while "hello" not in file.path.read_text():
        threading.Event().wait(0.01)
    file.close()
    file.close()


def test_only_cells_that_changed_are_formatted_again(tmp_path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell("x"), new_code_cell("y")])
    file = NotebookFile(tmp_path / "step.ipynb", notebook)
    file.open()
    for cell in notebook.cells:
        cell.source = "changed"
    file.touch(1)
    file.close()
    assert [cell.source for cell in nbformat.read(file.path, 4).cells] == ["x", "changed"]


def test_a_reader_never_sees_half_a_notebook(tmp_path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell("x", outputs=[new_output("stream", text="y" * 200_000)])])
    file = NotebookFile(tmp_path / "step.ipynb", notebook, interval=0.001)
    file.open()
    for _ in range(300):
        file.touch(0)
        nbformat.validate(nbformat.reads(file.path.read_text(), 4))
    file.close()
    assert [path.name for path in tmp_path.iterdir()] == ["step.ipynb"]


def test_a_folder_is_made_and_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.ipynb").symlink_to(tmp_path / "deep" / "step.ipynb")
    file = NotebookFile(tmp_path / "link.ipynb", new_notebook())
    file.open()
    file.close()
    assert (tmp_path / "link.ipynb").is_symlink()
    assert (tmp_path / "deep" / "step.ipynb").is_file()


def test_the_permissions_of_a_file_that_is_replaced_stay(tmp_path: Path) -> None:
    path = tmp_path / "step.ipynb"
    path.touch(0o600)
    file = NotebookFile(path, new_notebook())
    file.open()
    file.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UnavailableError, match="cannot be saved as"):
        NotebookFile(tmp_path / "taken" / "step.ipynb", new_notebook()).open()


def test_when_the_disk_refuses_in_between_the_old_file_stays_and_the_end_raises(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    file = NotebookFile(folder / "step.ipynb", new_notebook(cells=[new_code_cell("x")]), interval=0.001)
    file.open()
    before = file.path.read_bytes()
    folder.rename(tmp_path / "moved")
    file.touch(0)
    threading.Event().wait(0.05)
    with pytest.raises(UnavailableError, match="free space there"):
        file.close()
    assert (tmp_path / "moved" / "step.ipynb").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "moved").iterdir()) == [".step.ipynb.1.journal", "step.ipynb"]
