from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

import nbmlops
from nbmlops import ml
from nbmlops.core import digests
from nbmlops.jupyter.capture import CellCapture, notebook_path
from nbmlops.store import lineage
from nbmlops.tracking.capture import CellLog
from nbmlops.tracking.records import Cell
from tests.jupyter.cells import Cells
from tests.web_server import Page, WebServer

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def test_a_run_keeps_the_cell_that_it_is_in(cells: Cells) -> None:
    source = "%%ml run gbm\nx = 1"
    cells.run(source, cell_id="abc")
    (cell,) = ml.run.show("gbm").cells
    assert (cell.cell_id, cell.source) == ("abc", source)
    assert cell.digest == digests.of_bytes(source.encode())


def test_a_run_over_several_cells_keeps_them_with_their_counts_and_errors(cells: Cells) -> None:
    cells.names["ml"] = ml
    cells.run("run = ml.run('gbm')")
    before = len(cells.shell.history_manager.input_hist_raw)
    cells.run("y = 2", cell_id="two")
    cells.run("1 / 0", cell_id="three")
    cells.run("run.finish()")
    kept = {cell.cell_id: cell for cell in ml.run.show("gbm").cells}
    assert (kept["two"].status, kept["two"].count) == ("completed", before)
    assert kept["three"].status == "failed"
    assert kept["three"].error == "ZeroDivisionError: division by zero"
    assert kept["two"].defines == ("y",)


def test_data_knows_the_notebook_and_the_cell_that_saved_it(
    cells: Cells, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(project / "notebooks" / "1_ingest.ipynb"))
    cells.names["flights"] = pd.DataFrame({"a": [1]})
    cells.run("%ml data save flights", cell_id="c0ffee")
    version = ml.data.show("flights")
    assert (version.notebook, version.cell_id) == ("notebooks/1_ingest.ipynb", "c0ffee")
    assert lineage.current().cell is None


def test_what_a_cell_saves_knows_the_versions_that_earlier_cells_loaded(cells: Cells) -> None:
    cells.names["raw"] = pd.DataFrame({"a": [1, 2, None]})
    cells.run("%ml data save raw")
    cells.run("%ml data load raw -o flights")
    cells.run("clean = flights.dropna()")
    cells.run("%ml data save clean")
    cells.run("clean = clean.assign(b=1)")
    cells.run("%ml data save clean -m more")
    versions = ml.versions("data")
    raw, first, second = (versions.resolve(ref) for ref in ("raw", "clean@v1", "clean@v2"))
    edges = lineage.Lineage(versions.catalog, ml.clock)
    assert edges.made_from(first) == [("data", raw.id)]
    assert edges.made_from(second) == [("data", first.id)]


def test_what_is_secret_of_an_address_is_not_kept_with_the_cell_that_read_it(cells: Cells, project: Path) -> None:
    with WebServer() as server:
        server.pages["/x.csv"] = Page(b"a\n1\n", query="ticket=geheimgeheimgeheim", login="Basic YW5uOmdlaGVpbTI=")
        url = f"http://ann:geheim2@{server.host}/x.csv?ticket=geheimgeheimgeheim"
        cells.names["url"] = url
        cells.run(f"ticket = 'geheimgeheimgeheim'\n%ml data save '{url}' flights")
        cells.run("%ml data save url again")
        cells.run(f"%%ml run fetching\n%ml data save '{url}' flights --as table")
    assert ml.data.show("flights@v2").source == f"{server.url}/x.csv"
    assert ml.data.show("again@v1").source == f"{server.url}/x.csv"
    (cell,) = ml.run.show("fetching").cells
    assert f"http://…@{server.host}/x.csv?…" in cell.source
    with closing(sqlite3.connect(project / ".nbmlops" / "catalog.db")) as catalog:
        assert "geheim" not in "\n".join(catalog.iterdump())


def test_a_cell_inside_a_cell_belongs_to_that(cells: Cells) -> None:
    log = CellLog()
    capture = CellCapture(cells.shell, log)
    capture.add()
    cells.run("get_ipython().run_cell('inner = 1')", cell_id="outer")
    capture.remove()
    from datetime import UTC, datetime

    assert [cell.cell_id for cell in log.since(datetime(2000, 1, 1, tzinfo=UTC))] == ["outer"]


class Broken(CellLog):
    """A log of which one part does not work."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self._part = part

    def _fail_at(self, part: str) -> None:
        if part == self._part:
            raise OSError("no space")

    def begin(self, cell_id: str | None, source: str, count: int | None) -> str:
        self._fail_at("begin")
        return super().begin(cell_id, source, count)

    def end(self, success: bool, error: str | None = None) -> Cell | None:
        self._fail_at("end")
        return super().end(success, error)

    @property
    def position(self) -> int:
        self._fail_at("position")
        return super().position


@pytest.mark.parametrize("part", ["begin", "position", "end"])
def test_what_breaks_in_the_hook_is_said_once_and_never_breaks_a_cell(cells: Cells, part: str) -> None:
    capture = CellCapture(cells.shell, Broken(part))
    capture.add()
    first, second = cells.run("x = 1"), cells.run("x = 2")
    assert first.error is None
    assert first.printed.count("nbmlops no longer records cells: OSError: no space") == 1
    assert second.printed == ""
    assert cells.names["x"] == 2
    hooks = cells.shell.events.callbacks
    assert not {capture.before, capture.after} & {*hooks["pre_run_cell"], *hooks["post_run_cell"]}
    assert lineage.current().cell is None


def test_a_folder_that_is_gone_is_said_once_and_the_cells_go_on(
    cells: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    monkeypatch.setenv("JPY_SESSION_NAME", "/somewhere/else.ipynb")
    gone.rmdir()
    capture = CellCapture(cells.shell, CellLog())
    nbmlops.unload_ipython_extension(cells.shell)
    capture.add()
    first, second = cells.run("x = 1"), cells.run("x = 2")
    assert first.printed.count("nbmlops no longer records cells: FileNotFoundError") == 1
    assert (second.printed, cells.names["x"]) == ("", 2)


class MuteError(Exception):
    def __str__(self) -> str:
        raise ValueError


def test_an_error_that_cannot_say_what_it_is_is_kept_by_its_class(cells: Cells) -> None:
    log = CellLog()
    capture = CellCapture(cells.shell, log)
    result = ExecutionResult(ExecutionInfo("raise MuteError", False, False, True, "one"))  # type: ignore[no-untyped-call]
    result.error_in_exec = MuteError()
    capture.before(result.info)
    capture.after(result)
    (cell,) = log.executed
    assert (cell.status, cell.error) == ("failed", "MuteError")


def test_a_cell_may_unload_the_extension_that_watches_it(cells: Cells) -> None:
    assert cells.run("import nbmlops; nbmlops.unload_ipython_extension(get_ipython())").error is None
    assert cells.run("x = 1").printed == ""


@pytest.mark.parametrize(
    ("where", "path"),
    [
        (None, None),
        ("", None),
        ("1_ingest.ipynb", "1_ingest.ipynb"),
        ("notebooks/1_ingest.ipynb", "notebooks/1_ingest.ipynb"),
        ("/somewhere/else/1_ingest.ipynb", "1_ingest.ipynb"),
    ],
)
def test_the_path_of_a_notebook_never_names_folders_of_this_machine(
    project: Path, where: str | None, path: str | None
) -> None:
    assert notebook_path(where) == path
    assert notebook_path(str(project / "a" / "b.ipynb")) == "a/b.ipynb"


def test_the_notebook_of_a_pipeline_s_step_comes_from_its_runner(cells: Cells, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "/tmp/other.ipynb")
    monkeypatch.setenv("NBMLOPS_NOTEBOOK", "notebooks/4_train.ipynb")
    seen: list[Any] = []
    cells.names["look"] = lambda: seen.append(lineage.current().notebook)
    cells.run("look()")
    assert seen == ["notebooks/4_train.ipynb"]
    assert "NBMLOPS_NOTEBOOK" in os.environ


def test_the_hooks_cost_far_less_than_a_cell(shell: InteractiveShell) -> None:
    """A ratio in one run: a cell that does nothing, with and without the hooks."""

    def seconds() -> float:
        began = time.perf_counter()
        for _ in range(200):
            shell.run_cell("pass", store_history=False)
        return time.perf_counter() - began

    capture = CellCapture(shell, CellLog())
    bare = min(seconds() for _ in range(3))
    capture.add()
    hooked = min(seconds() for _ in range(3))
    capture.remove()
    assert hooked < 5 * bare
