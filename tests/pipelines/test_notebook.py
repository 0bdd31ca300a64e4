from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nbmlops.core.errors import InvalidError, NbmlopsError, NotFoundError, UnsupportedError
from nbmlops.pipelines.notebook import as_notebook, kernel_of, read_notebook, tagged


def content(*cells: dict[str, Any], **changes: Any) -> dict[str, Any]:
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5} | changes


def code(source: str | list[str], **changes: Any) -> dict[str, Any]:
    return {
        "cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None, "id": "one"
    } | changes  # fmt: skip


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "step.ipynb"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_notebook_is_read_with_its_lines_joined(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(content(code(["x = 1\n", "y = 2"]))))
    assert read_notebook(path).cells[0].source == "x = 1\ny = 2"


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("not json", InvalidError, "not a notebook"),
        ("<<<<<<< HEAD\n{}", InvalidError, "git merge"),
        (b"\xff\xfe", InvalidError, "UTF-8"),
        ("[]", InvalidError, "no nbformat"),
        ("{}", InvalidError, "no nbformat"),
        (json.dumps({"nbformat": 3, "worksheets": []}), UnsupportedError, "nbconvert --to notebook"),
        (json.dumps({"nbformat": 7, "cells": []}), UnsupportedError, "newer"),
        (json.dumps(content({"cell_type": "poem"})), InvalidError, "not a valid notebook"),
        (json.dumps(content(code("x", execution_count="one"))), InvalidError, "execution_count"),
        (json.dumps({"nbformat": 4, "cells": 5}), InvalidError, "wrong type"),
        (json.dumps({"nbformat": 4}), InvalidError, "wrong type"),
    ],
)
def test_what_is_no_notebook_is_refused_in_one_sentence(
    tmp_path: Path, text: str | bytes, error: type[NbmlopsError], says: str
) -> None:
    with pytest.raises(error) as caught:
        read_notebook(written(tmp_path, text))
    assert says in str(caught.value)
    assert "step.ipynb" in caught.value.message


def test_a_notebook_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no notebook"):
        read_notebook(tmp_path / "gone.ipynb")


def test_cells_without_an_id_or_with_the_same_get_ids_that_do_not_change(tmp_path: Path) -> None:
    bare = code("x = 1")
    del bare["id"]
    path = written(tmp_path, json.dumps(content(bare, code("a"), code("b"), nbformat_minor=2)))
    first, second = read_notebook(path), read_notebook(path)
    assert [cell.id for cell in first.cells] == [cell.id for cell in second.cells]
    assert len({cell.id for cell in first.cells}) == 3
    assert first.nbformat_minor == 5


def test_tagged_cells_are_found() -> None:
    notebook = as_notebook(content(code("x"), code("y", metadata={"tags": ["parameters"]}, id="two")), "step.ipynb")
    assert tagged(notebook, "parameters") == [1]


def test_the_kernel_is_the_one_that_the_notebook_names() -> None:
    assert kernel_of(as_notebook(content(), "step.ipynb"), "step.ipynb") == "python3"


@pytest.mark.parametrize(
    ("metadata", "error", "says"),
    [
        ({}, InvalidError, "names no kernel"),
        ({"kernelspec": {"name": "", "display_name": "?"}}, InvalidError, "names no kernel"),
        ({"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}, UnsupportedError, "written in R"),
        ({"language_info": {"name": "julia"}}, UnsupportedError, "written in julia"),
    ],
)
def test_a_notebook_that_cannot_be_run_says_why(metadata: dict[str, Any], error: type[NbmlopsError], says: str) -> None:
    with pytest.raises(error, match=says):
        kernel_of(as_notebook(content(metadata=metadata), "step.ipynb"), "step.ipynb")
