"""The source of a run's notebook: kept once as it was saved, without outputs and secrets; given back as a notebook."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.core import digests
from nbmlops.render import text
from nbmlops.store import scrubbing
from nbmlops.store.redaction import Redaction
from nbmlops.tracking.notebook_source import as_notebook, file_of, saved
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def code(source: str, identity: str = "a", **metadata: Any) -> dict[str, Any]:
    output = {"output_type": "stream", "name": "stdout", "text": "4"}
    cell = {"id": identity, "cell_type": "code", "source": source, "metadata": {"trusted": True, **metadata}}
    return {**cell, "outputs": [output], "execution_count": 4}


def write(path: Path, *cells: dict[str, Any], minor: int = 5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "widgets": {"state": "large"}}
    path.write_text(json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}))
    return path


def test_a_run_keeps_its_notebook_as_it_was_saved_once(workspace: Workspace) -> None:
    root = workspace.marker.root
    prose = {"id": "b", "cell_type": "markdown", "source": ["# Trains\n", "a tree"], "metadata": {}}
    write(root / "notebooks" / "train.ipynb", code("depth = 4", tags=["parameters"]), prose)
    for _ in range(2):
        with workspace.run.start("gbm", notebook="notebooks/train.ipynb"):
            pass
    record = workspace.run.show("gbm-1")
    assert record.source is not None
    assert record.source == workspace.run.show("gbm-2").source
    notebook = as_notebook(record.source)
    nbformat.validate(notebook)
    first, second = notebook["cells"]
    assert (first["source"], first["metadata"], first["outputs"]) == ("depth = 4", {"tags": ["parameters"]}, [])
    assert (second["source"], second["cell_type"]) == ("# Trains\na tree", "markdown")
    assert notebook["metadata"] == {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    assert "train.ipynb (its source is kept)" in text(record, detail=True)


@pytest.mark.parametrize("kind", ["step", "proof"])
def test_a_step_keeps_it_too_and_a_change_is_another_source(workspace: Workspace, kind: Any) -> None:
    path = write(workspace.marker.root / "train.ipynb", code("depth = 4"))
    with workspace.run.start("gbm", kind=kind, notebook=str(path)):
        pass
    with workspace.run.start("gbm", kind=kind, notebook=str(path)):
        write(path, code("depth = 5"))
        os.utime(path, ns=(1, 1))
    sources = [workspace.run.show(name).source or "" for name in ("gbm-1", "gbm-2")]
    assert ['"depth = 4"' in sources[0], '"depth = 5"' in sources[1]] == [True, True]


@pytest.mark.parametrize(
    "content", [None, "", "{", "[]", "null", '{"cells": 3}', '{"cells": [{"id": 1}], "metadata": {}}', "\udcff", "["]
)
def test_what_is_no_notebook_breaks_nothing(workspace: Workspace, content: str | None) -> None:
    if content is not None:
        path = workspace.marker.root / "train.ipynb"
        path.write_bytes((content * (100_000 if content == "[" else 1)).encode("utf-8", "surrogateescape"))
    with workspace.run.start("gbm", notebook="train.ipynb"):
        pass
    record = workspace.run.show("gbm")
    assert (record.status, record.source) == ("finished", None)


def test_a_notebook_outside_of_the_project_is_found_in_the_current_folder(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "elsewhere" / "train.ipynb", code("depth = 4"))
    assert file_of("train.ipynb", workspace.marker.root) is None
    monkeypatch.chdir(path.parent)
    assert file_of("train.ipynb", workspace.marker.root) == path
    assert file_of(None, workspace.marker.root) is None


def test_secrets_of_addresses_are_left_out_and_what_is_erased_leaves_a_notebook(workspace: Workspace) -> None:
    source = 'x = read("https://ann:geheim@host/x.csv?page=2&token=ab12")\ndepth = 4'
    write(workspace.marker.root / "train.ipynb", code(source))
    with workspace.run.start("gbm", notebook="train.ipynb"):
        pass
    kept = as_notebook(workspace.run.show("gbm").source or "")["cells"][0]["source"]
    assert kept == 'x = read("https://…@host/x.csv?page=2&token=…")\ndepth = 4'
    workspace.catalog.erase(lambda c: scrubbing.scrub(c, Redaction([], [4, 5])))
    record = workspace.run.show("gbm")
    assert record.source is not None
    erased = as_notebook(record.source)
    assert erased["cells"][0]["source"].endswith("depth = [erased]")
    assert erased["nbformat"] == 4


def test_cells_of_an_older_notebook_have_no_ids(tmp_path: Path) -> None:
    cell = {key: value for key, value in code("x = 1").items() if key != "id"}
    write(tmp_path / "old.ipynb", cell, minor=4)
    found = saved("old.ipynb", tmp_path)
    assert found is not None
    assert found.cells == ((None, "x = 1"),)
    notebook = as_notebook(found.text)
    assert notebook["nbformat_minor"] == 4
    nbformat.validate(notebook)


@settings(deadline=None)
@given(st.lists(st.text(), max_size=4))
def test_any_source_is_kept(tmp_path_factory: pytest.TempPathFactory, sources: list[str]) -> None:
    folder = tmp_path_factory.mktemp("notebook")
    write(folder / "a.ipynb", *(code(source, f"c{number}") for number, source in enumerate(sources)))
    found = saved("a.ipynb", folder)
    assert found is not None
    assert [source for _, source in found.cells] == sources
    notebook = as_notebook(found.text)
    assert len(notebook["cells"]) == len(sources)
    nbformat.validate(notebook)
    assert digests.is_digest(digests.of_text(found.text))
