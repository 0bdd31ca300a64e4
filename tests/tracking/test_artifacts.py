"""What runs keep: each kind of value comes back as it was, and what cannot be kept leaves nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError
from nbmlops.tracking import ActiveRun
from nbmlops.tracking.artifacts import check_artifact
from nbmlops.workspace import Workspace

mpl.use("Agg")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


@pytest.fixture
def run(workspace: Workspace) -> Iterator[ActiveRun]:
    with workspace.run("gbm") as started:
        yield started


class Drawn:
    """A figure in the way of plotly."""

    def __init__(self, page: Any = "<html>a curve</html>") -> None:
        self._page = page

    def write_html(self, file: str) -> None:
        raise AssertionError(file)

    def to_html(self) -> Any:
        if isinstance(self._page, Exception):
            raise self._page
        return self._page


class Undrawable:
    def savefig(self, *_: Any, **__: Any) -> None:
        raise RuntimeError("no such font")


TABLE = {"a": [1, 2], "b": ["x", "y"]}


def test_a_folder_that_holds_the_workspace_is_no_artifact(
    workspace: Workspace, run: ActiveRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.marker.root)
    for folder in (".", ".nbmlops/journal"):
        with pytest.raises(InvalidError, match="holds what nbmlops keeps of this workspace"):
            run.artifact(folder)
    assert run.record.artifacts == {}


@pytest.mark.parametrize(
    "table", [pd.DataFrame(TABLE), pl.DataFrame(TABLE), pa.table(TABLE)], ids=["pandas", "polars", "arrow"]
)
def test_tables_are_kept_as_parquet_or_csv(workspace: Workspace, run: ActiveRun, table: Any) -> None:
    run.artifact(table, "errors")
    run.artifact(table, "errors.csv")
    assert workspace.run.load_artifact("gbm", "errors.parquet").to_dict("list") == TABLE
    assert workspace.run.load_artifact("gbm", "errors.csv") == '"a","b"\n1,"x"\n2,"y"\n'


def test_values_and_texts_come_back(workspace: Workspace, run: ActiveRun) -> None:
    found = {"depth": np.int64(4), "curve": np.array([0.5, np.inf]), "deep": [{"a": None}, (True, "é")], 3: 1.5}
    run.artifact(found, "report")
    run.artifact([1, 2], "list.json")
    run.artifact("first\nsecond\n", "words")
    run.artifact("# one line", "note.md", as_="text")
    run.artifact(b"\x00\xff", "raw.bin")
    load = workspace.run.load_artifact
    assert load("gbm", "report.json") == {
        "depth": 4,
        "curve": [0.5, "inf"],
        "deep": [{"a": None}, [True, "é"]],
        "3": 1.5,
    }
    assert load("gbm", "list.json") == [1, 2]
    assert load("gbm", "words.txt") == "first\nsecond\n"
    assert load("gbm", "note.md") == "# one line"
    assert load("gbm", "raw.bin") == b"\x00\xff"


def test_figures_are_drawn_as_their_name_says(workspace: Workspace, run: ActiveRun) -> None:
    figure = Figure()
    figure.subplots().plot([1, 2])
    run.artifact(figure)
    run.artifact(figure, "curve")
    run.artifact(figure, "curve.svg")
    run.artifact(Drawn())
    assert workspace.run.load_artifact("gbm", "figure.png").startswith(b"\x89PNG")
    assert workspace.run.load_artifact("gbm", "curve.png").startswith(b"\x89PNG")
    assert "<svg" in workspace.run.load_artifact("gbm", "curve.svg")
    assert workspace.run.load_artifact("gbm", "figure.html") == "<html>a curve</html>"


def test_a_folder_is_kept_file_by_file_and_written_again(workspace: Workspace, run: ActiveRun, tmp_path: Path) -> None:
    folder = tmp_path / "plots"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "deep" / "b.json").write_text("[1]")
    run.artifact(folder)
    run.artifact(str(folder) + "/", "again")
    names = {"plots/a.txt", "plots/deep/b.json", "again/a.txt", "again/deep/b.json"}
    assert set(run.record.artifacts) == names
    assert workspace.run.load_artifact("gbm", "plots/deep/b.json") == [1]
    target = workspace.run.load_artifact("gbm", "plots", to=tmp_path / "out")
    assert (target / "deep" / "b.json").read_text() == "[1]"
    with pytest.raises(InvalidError, match=r"plots is a folder of 2 artifacts\nhint: .*run artifact REF plots --to"):
        workspace.run.load_artifact("gbm", "plots")
    with pytest.raises(ConflictError, match="is there already; nothing was written"):
        workspace.run.load_artifact("gbm", "plots", to=target / "a.txt")


def test_a_file_is_written_where_one_says_and_nothing_is_overwritten(
    workspace: Workspace, run: ActiveRun, tmp_path: Path
) -> None:
    run.artifact({"a": 1}, "report")
    assert workspace.run.load_artifact("gbm", "report.json", to=tmp_path) == tmp_path / "report.json"
    assert json.loads((tmp_path / "report.json").read_text()) == {"a": 1}
    with pytest.raises(ConflictError, match="is there already"):
        workspace.run.load_artifact("gbm", "report.json", to=tmp_path)
    workspace.run.load_artifact("gbm", "report.json", to=tmp_path, overwrite=True)
    with pytest.raises(NotFoundError, match=r"keeps no artifact 'report'\nhint: did you mean report.json"):
        workspace.run.load_artifact("gbm", "report")


@pytest.mark.parametrize(
    ("value", "name", "said"),
    [
        (Undrawable(), "curve", r"the figure curve.png cannot be drawn: RuntimeError: no such font"),
        (Drawn(ValueError("no data")), None, r"the figure figure.html cannot be drawn: ValueError: no data"),
        (Drawn(7), None, r"cannot be drawn: TypeError: to_html gave a int"),
        (b"bytes", None, "bytes need a name"),
        ("a\nb", None, "texts need a name"),
        (pd.DataFrame(TABLE), None, "tables need a name"),
        ({"a": object()}, "report", "report.json holds a object, which JSON cannot"),
        (object(), "thing", "cannot keep a object as an artifact"),
        ("", None, "an empty text is no path"),
        (b"bytes", "../up", "'../up' cannot be the name of an artifact"),
        (b"bytes", "/root", "cannot be the name"),
        (b"bytes", "x" * 513, "cannot be the name"),
        (b"bytes", "\udc80", "is no text that can be kept"),
    ],
)
def test_what_cannot_be_kept_is_said_and_leaves_nothing(
    workspace: Workspace, run: ActiveRun, value: Any, name: str | None, said: str
) -> None:
    with pytest.raises(InvalidError, match=said):
        run.artifact(value, name)
    assert run.record.artifacts == {}


def test_a_file_that_goes_while_it_is_read_leaves_nothing(run: ActiveRun, tmp_path: Path) -> None:
    folder = tmp_path / "plots"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    os.mkfifo(folder / "b.pipe")
    with pytest.raises(InvalidError, match=r"b\.pipe is neither a file nor a folder"):
        run.artifact(folder)
    with pytest.raises(NotFoundError, match=r"there is no file .*gone\.png to keep"):
        run.artifact("gone.png")
    with pytest.raises(InvalidError, match="cannot be kept as 'table'"):
        run.artifact("gone.png", as_="table")
    assert run.record.artifacts == {}


class Vanishing(type(Path())):  # type: ignore[misc]  # the class of paths here
    """A file that somebody removes while it is open."""

    def open(self, *arguments: Any, **keywords: Any) -> Any:
        stream = super().open(*arguments, **keywords)
        self.unlink()
        return stream


def test_a_file_that_is_removed_while_it_is_read_is_a_conflict(run: ActiveRun, tmp_path: Path) -> None:
    path = Vanishing(tmp_path / "plot.png")
    Path(tmp_path / "plot.png").write_bytes(b"x" * 1000)
    with pytest.raises(ConflictError, match=r"plot\.png changed while it was read; nothing was saved"):
        run.artifact(path)
    assert run.record.artifacts == {}


def test_a_note_is_written_during_a_run_and_after_it(workspace: Workspace) -> None:
    with workspace.run("gbm") as run:
        run.note("# Why\nBecause <b>it</b> is *better*.")
    assert workspace.run.show("gbm").tags["note"].startswith("# Why")
    after = workspace.run.note("gbm-1", "Was worse.")
    assert after.tags["note"] == "Was worse."


@given(st.text(max_size=20))
def test_a_name_of_an_artifact_stays_below_where_it_is_written(name: str) -> None:
    try:
        check_artifact(name)
    except InvalidError:
        return
    assert Path(os.path.normpath(Path("/here") / name)).is_relative_to("/here")
    assert os.path.normpath(Path("/here") / name) != "/here"
