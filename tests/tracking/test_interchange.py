"""Runs that are exported come back as they were; a folder that is damaged or lies brings nothing."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.core.errors import (
    ConflictError,
    CorruptError,
    DependencyError,
    InvalidError,
    NbmlopsError,
    NotFoundError,
    UnsupportedError,
)
from nbmlops.tracking import Run, capture
from nbmlops.tracking.interchange.mlflow_words import fitting, param_here, param_there
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "other") as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exported"


def fill(workspace: Workspace) -> None:
    workspace.data.save(pd.DataFrame({"a": [1]}), "raw")
    with workspace.run("search", tags={"owner": "é"}) as search:
        search.note("# Why\nno reason")
        with workspace.run("gbm", params={"depth": 4, "grid": [1, None, "x"], "rate": float("nan")}) as run:
            capture.log.begin("a", "x = 1", 1)
            capture.log.end(True)
            workspace.data.load("raw")
            run.log(loss=[3.0, float("nan"), float("inf")], auc=0.5)
            run.log({"loss": 1}, step=-7)
            run.artifact(b"\x00\xff", "model/raw.bin")
            run.artifact({"a": 1}, "report")
    with pytest.raises(ZeroDivisionError), workspace.run("gbm"):
        _ = 1 / 0


def known_of(workspace: Workspace, ref: str) -> dict[str, Any]:
    run = workspace.run.show(ref)
    told = {name: getattr(run, name) for name in Run.__slots__ if name not in {"inputs", "children"}}
    points = {key: repr(workspace.run.history(ref, key)) for key in run.metrics}
    return {**told, "metrics": points}


def test_everything_of_a_run_comes_back(workspace: Workspace, other: Workspace, folder: Path) -> None:
    fill(workspace)
    done = workspace.run.export(to=folder)
    assert (set(done.runs), done.points, done.artifacts) == ({"search-1", "gbm-1", "gbm-2"}, 5, 2)
    came = other.run.import_(folder)
    assert (set(came.runs), came.points, came.artifacts, came.unknown) == (set(done.runs), 5, 2, 1)
    for name in done.runs:
        assert known_of(other, name) == known_of(workspace, name)
    assert [child.name for child in other.run.show("search-1").children] == ["gbm-1"]
    assert other.run.load_artifact("gbm-1", "model/raw.bin") == b"\x00\xff"
    assert [run.name for run in other.run.list()] == [run.name for run in workspace.run.list()]


def test_an_import_adds_nothing_twice(workspace: Workspace, other: Workspace, folder: Path) -> None:
    fill(workspace)
    workspace.run.export(to=folder)
    other.run.import_(folder)
    again = other.run.import_(folder)
    assert (again.runs, again.points, again.there) == ((), 0, 3)
    assert workspace.run.import_(folder).there == 3
    assert len(other.run.list()) == 3


def test_a_number_that_is_taken_is_told(workspace: Workspace, other: Workspace, folder: Path) -> None:
    fill(workspace)
    with other.run("gbm"):
        pass
    workspace.run.export("gbm-1", to=folder)
    came = other.run.import_(folder)
    assert (came.runs, came.renamed) == (("gbm-2",), (("gbm-1", "gbm-2"),))


def test_versions_that_are_here_are_linked(workspace: Workspace, other: Workspace, folder: Path) -> None:
    fill(workspace)
    other.data.save(pd.DataFrame({"a": [1]}), "raw")
    workspace.run.export("gbm-1", to=folder)
    assert other.run.import_(folder).unknown == 0
    assert other.run.show("gbm-1").inputs == ("raw@v1",)


def test_a_run_takes_along_what_is_a_part_of_it(workspace: Workspace, folder: Path) -> None:
    fill(workspace)
    assert workspace.run.export("search-1", to=folder).runs == ("search-1", "gbm-1")


def test_only_one_experiment_is_imported_when_it_is_named(workspace: Workspace, other: Workspace, folder: Path) -> None:
    fill(workspace)
    workspace.run.export(to=folder)
    assert other.run.import_(folder, experiment="search").runs == ("search-1",)


def test_what_still_goes_on_is_left_out_and_said(workspace: Workspace, folder: Path) -> None:
    fill(workspace)
    with workspace.run("now"):
        assert workspace.run.export(to=folder).running == ("now-1",)
        with pytest.raises(InvalidError, match="now-1 still goes on"):
            workspace.run.export("now", to=folder / "other")


def test_nothing_is_written_over_an_export(workspace: Workspace, folder: Path) -> None:
    fill(workspace)
    workspace.run.export("gbm-1", to=folder)
    before = (folder / "runs.jsonl").read_bytes()
    with pytest.raises(ConflictError, match="holds exported runs already"):
        workspace.run.export(to=folder)
    assert (folder / "runs.jsonl").read_bytes() == before
    with pytest.raises(NotFoundError, match=r"there are no exported runs in .*nowhere"):
        workspace.run.import_(folder / "nowhere")


def test_many_points_come_in_the_order_in_which_they_were_logged(
    workspace: Workspace, other: Workspace, folder: Path
) -> None:
    steps = [(position * 7919) % 2500 for position in range(2500)]
    with workspace.run("long") as run:
        for step in steps:
            run.log({"loss": step / 3}, step=step)
    workspace.run.export(to=folder)
    other.run.import_(folder)
    assert other.run.history("long", "loss") == workspace.run.history("long", "loss")
    assert other.run.curve("long", "loss") == workspace.run.curve("long", "loss")


Change = Callable[[list[Any]], None]


def changed(folder: Path, kind: str, change: Change) -> None:
    """Write the file anew with one line changed, and a last line that holds."""
    rows = [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()[:-1]]
    change(next(row for row in rows if row[0] == kind))
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    end = ["end", sum(row[0] == "run" for row in rows), blake3(content).hexdigest()]
    (folder / "runs.jsonl").write_bytes(content + json.dumps(end).encode() + b"\n")


def at(*path: Any, to: Any) -> Change:
    def change(row: list[Any]) -> None:
        found: Any = row
        for key in path[:-1]:
            found = found[key]
        found[path[-1]] = to

    return change


HOSTILE: list[tuple[str, Change, str]] = [
    ("artifact", at(1, to="../../.bashrc"), "'../../.bashrc' cannot be the name of an artifact"),
    ("artifact", at(1, to="/etc/passwd"), "cannot be the name of an artifact"),
    ("artifact", at(2, to="../../../etc/passwd"), "a digest is none"),
    ("artifact", at(2, to="0" * 64), "No such file"),
    ("artifact", at(3, to=7), "its bytes are not those exported"),
    ("run", at(1, "id", to="x"), "its id is none"),
    ("run", at(1, "id", to=None), "it has no id"),
    ("run", at(1, "experiment", to="../up"), "the name"),
    ("run", at(1, "number", to=0), "its number is none"),
    ("run", at(1, "status", to="gone"), "its kind or status"),
    ("run", at(1, "status", to=[]), "unhashable"),
    ("run", at(1, "started_at", to=1 << 90), "line 3 tells what cannot be"),
    ("run", at(1, "started_at", to="now"), "a time is no whole number"),
    ("run", at(1, "ended_at", to=None), "it has ended and runs, or neither"),
    ("run", at(1, "environment", to="0" * 64), "its environment is missing"),
    ("run", at(1, "error", to={"name": 3}), "its error is no text"),
    ("run", at(1, "resources", to={"x": 3}), "unexpected keyword"),
    ("run", at(0, to="rum"), "'rum' is not of the form"),
    ("environment", at(2, to={"python": "2"}), "an environment is not that of its digest"),
    ("tags", at(1, to={"a": 1}), "a tag is no text"),
    ("params", at(1, to={"k" * 513: 1}), "at most 512 can be kept"),
    ("params", at(1, to={"": 1}), "is empty"),
    ("tags", at(1, to={"a": "\ud800"}), "the tag a .* is no text"),
    ("metrics", at(1, to="\ud800"), "the name .* is no text"),
    ("cell", at(1, "source", to="\ud800"), "surrogates not allowed"),
    ("cell", at(1, "error", to=3), "line .* tells what cannot be"),
    ("metrics", at(2, to=[[0, 0, "high"]]), "a value of a metric is no number"),
    ("metrics", at(2, to=[[0, 0, True]]), "a value of a metric is no number"),
    ("metrics", at(2, to=[[0.5, 0, 1.0]]), "a step is no whole number"),
    ("metrics", at(2, to=[[0, 0]]), "not enough values"),
    ("metrics", at(2, to=[[1 << 63, 0, 1.0]]), "a step is no whole number"),
    ("cell", at(1, "source", to=3), "line .* tells what cannot be"),
    ("edge", at(2, "kind", to="thing"), "a version is of no kind"),
    ("edge", at(1, to="owns"), "'edge' is not of the form"),
]


@pytest.mark.parametrize(("kind", "change", "said"), HOSTILE, ids=[f"{row[0]}: {row[2][:40]}" for row in HOSTILE])
def test_a_file_that_tells_what_cannot_be_brings_nothing(
    workspace: Workspace, other: Workspace, folder: Path, kind: str, change: Change, said: str
) -> None:
    fill(workspace)
    workspace.run.export(to=folder)
    changed(folder, kind, change)
    with pytest.raises(CorruptError, match=f"{said}.*nothing was imported"):
        other.run.import_(folder)
    assert other.run.list() == []


def test_a_file_that_is_not_whole_brings_nothing(workspace: Workspace, other: Workspace, folder: Path) -> None:
    fill(workspace)
    workspace.run.export(to=folder)
    path = folder / "runs.jsonl"
    whole = path.read_bytes()
    rows = whole.splitlines(keepends=True)
    twice = next(row for row in rows if row.startswith(b'["run"'))
    for content, said in (
        (b"", "its end is missing"),
        (whole[:-1], "it ends in the middle of a line"),
        (b"".join(rows[:-1]), "its end is missing"),
        (whole + rows[0], "line .* stands after the end"),
        (b"".join([*rows[:3], *rows[4:]]), "it is not what its last line says"),
        (b"".join([rows[0], b"[\n", *rows[1:]]), "line 2 is no JSON"),
        (b"".join([rows[0], b"[" * 100_000 + b"\n", *rows[1:]]), "line 2 is no JSON"),
        (b"".join([rows[0], b"3\n", *rows[1:]]), "line 2 is no list"),
        (b"".join([rows[0], b'["params",{}]\n', *rows[1:]]), "line 2 belongs to no run"),
        (b"".join([*rows[:-1], twice, rows[-1]]), "a second time"),
        (b"hello\n", "line 1 is no JSON"),
        (b'["something else"]\n', "it does not begin as exported runs do"),
    ):
        path.write_bytes(content)
        with pytest.raises(CorruptError, match=f"{said}.*nothing was imported"):
            other.run.import_(folder)
    path.write_bytes(b'["nbmlops-runs", 2]\n')
    with pytest.raises(UnsupportedError, match="was written by a newer nbmlops"):
        other.run.import_(folder)
    assert other.run.list() == []


def test_an_artifact_that_is_changed_a_link_or_a_pipe_brings_nothing(
    workspace: Workspace, other: Workspace, folder: Path, tmp_path: Path
) -> None:
    fill(workspace)
    workspace.run.export(to=folder)
    path = next((folder / "artifacts").iterdir())
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"?")
    with pytest.raises(CorruptError, match="its bytes are not those exported"):
        other.run.import_(folder)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CorruptError, match="it is no file"):
        other.run.import_(folder)
    path.unlink()
    (tmp_path / "elsewhere").write_bytes(content)
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CorruptError, match="it is no file"):
        other.run.import_(folder)
    assert other.run.list() == []


def test_a_file_cannot_say_what_a_cell_of_another_digest_was(
    workspace: Workspace, other: Workspace, folder: Path
) -> None:
    fill(workspace)
    workspace.run.export(to=folder)
    changed(folder, "cell", at(1, "source", to="import os"))
    other.run.import_(folder)
    with other.run("own"):
        capture.log.begin("b", "x = 1", 2)
        capture.log.end(True)
    assert [cell.source for cell in other.run.show("search-1").cells] == ["import os"]
    assert other.run.show("own-1").cells[-1].source == "x = 1"


def test_a_run_that_still_went_on_is_brought_along(workspace: Workspace, other: Workspace, folder: Path) -> None:
    fill(workspace)
    workspace.run.export("gbm-1", to=folder)
    later = (folder / "runs.jsonl").read_bytes()
    changed(folder, "run", lambda row: row[1].update(status="running", ended_at=None))
    assert other.run.import_(folder).runs == ("gbm-1",)
    assert other.run.show("gbm-1").status == "running"
    (folder / "runs.jsonl").write_bytes(later)
    assert other.run.import_(folder).runs == ("gbm-1",)
    assert known_of(other, "gbm-1") == known_of(workspace, "gbm-1")
    assert other.run.import_(folder).there == 1


@settings(max_examples=30, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_flipped_byte_brings_nothing(tmp_path_factory: pytest.TempPathFactory, where: float, flip: int) -> None:
    root = tmp_path_factory.mktemp("flip")
    with Workspace.init(root / "a") as one, Workspace.init(root / "b") as two:
        with one.run("gbm", params={"depth": 4}) as run:
            run.log(loss=[1, 2])
        one.run.export(to=root / "out")
        content = bytearray((root / "out" / "runs.jsonl").read_bytes())
        content[int(where * len(content))] ^= flip
        (root / "out" / "runs.jsonl").write_bytes(content)
        with pytest.raises(NbmlopsError):
            two.run.import_(root / "out")
        assert two.run.list() == []


def test_times_are_kept_to_the_microsecond(workspace: Workspace, other: Workspace, folder: Path) -> None:
    with workspace.run("gbm"):
        pass
    workspace.run.export(to=folder)
    other.run.import_(folder)
    assert other.run.show("gbm").started_at == workspace.run.show("gbm").started_at < datetime.now(UTC)


def test_the_notebook_and_what_differed_from_the_commit_come_along(
    workspace: Workspace, other: Workspace, folder: Path
) -> None:
    root = workspace.marker.root
    cell = {"cell_type": "code", "id": "a", "source": "x = 1", "metadata": {}, "outputs": [], "execution_count": 1}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (root / "gbm.ipynb").write_text(json.dumps(notebook))
    for command in (
        ["init", "-q"],
        ["add", "gbm.ipynb"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first"],
    ):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    (root / "gbm.ipynb").write_text(json.dumps({**notebook, "metadata": {"x": 1}}))
    workspace.run.start("gbm", notebook=str(root / "gbm.ipynb")).finish()
    workspace.run.export(to=folder)
    other.run.import_(folder)
    run = other.run.show("gbm")
    assert run.source is not None
    assert run.diff is not None
    assert "x = 1" in run.source
    assert '"x": 1' in run.diff
    assert known_of(other, "gbm") == known_of(workspace, "gbm")


@pytest.mark.parametrize("verb", ["export", "import_"])
def test_without_mlflow_one_is_told_how_to_get_it(workspace: Workspace, verb: str) -> None:
    how = {"to": "mlflow:http://127.0.0.1:1"} if verb == "export" else {"source": "mlflow:http://127.0.0.1:1"}
    with pytest.raises(DependencyError, match=r"MLflow is not installed\nhint: pip install mlflow"):
        getattr(workspace.run, verb)(**how)


_VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(_VALUES)
def test_a_param_that_went_to_mlflow_as_text_says_the_same_here(value: Any) -> None:
    text = param_there(value)
    assert param_there(param_here(text)) == text
    if len(text) <= 25:
        assert (param_here(text), type(param_here(text))) == (value, type(value))


@given(st.text())
def test_any_text_goes_to_mlflow_and_comes_back_as_that_text(text: str) -> None:
    assert param_there(param_here(text)) == text


@given(st.lists(st.text("ab=/. \n", min_size=1), unique=True))
def test_names_that_mlflow_takes_stay_apart(names: list[str]) -> None:
    assert len({fitting(name) for name in names}) == len(names)
    for name in names:
        assert len(fitting(name)) <= 250
        assert fitting(fitting(name)) == fitting(name)
