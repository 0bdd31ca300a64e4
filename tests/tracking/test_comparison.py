"""Comparing runs: only what differs, and code by cell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.render import html, text
from nbmlops.render.curves import Across, Curve, Curves
from nbmlops.tracking import capture
from nbmlops.tracking.comparison import Comparison
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        made.data.save(pd.DataFrame({"x": [1]}), "flights")
        made.data.save(pd.DataFrame({"x": [2]}), "flights")
        yield made


def ran(workspace: Workspace, depth: int, version: str, cells: Sequence[tuple[str | None, str]]) -> None:
    with workspace.run("gbm", {"depth": depth, "rate": 0.1}, {"owner": "me"}) as run:
        workspace.data.load(f"flights@{version}")
        for step in range(3):
            run.log(loss=1 / (1 + step + depth), step=step)
        run.log(auc=0.5 + depth / 10)
        for number, (cell_id, source) in enumerate(cells):
            capture.log.begin(cell_id, source, number)
            capture.log.end(True)


def compared(workspace: Workspace) -> Comparison:
    ran(workspace, 4, "v1", [("a", "import this"), ("b", "x = 1\ny = 2"), ("c", "print(x)")])
    ran(workspace, 8, "v2", [("a", "import this"), ("b", "x = 1\ny = 3"), ("d", "z = 4")])
    return workspace.run.compare("gbm-1", "gbm-2")


def test_what_differs_is_told_and_what_does_not_is_not(workspace: Workspace) -> None:
    found = compared(workspace)
    assert [(each.name, each.values) for each in found.params] == [("depth", (4, 8))]
    assert [(each.name, each.values) for each in found.tags] == []
    assert [each.name for each in found.inputs] == ["flights"]
    assert [value.split()[0] for value in found.inputs[0].values] == ["v1", "v2"]
    assert {each.name: each.values for each in found.metrics}["auc"] == (0.9, 1.3)
    assert found.environment == ()
    assert [(change.what, change.cell_id) for change in found.cells] == [
        *(("changed", "b"), ("added", "d"), ("removed", "c"))
    ] or [(change.what, change.cell_id) for change in found.cells] == [("changed", "b"), ("changed", "d")]
    assert found.cells[0].lines == ("@@ -1,2 +1,2 @@", " x = 1", "-y = 2", "+y = 3")
    assert found.curves["loss"][0] == [(0, 1 / 5), (1, 1 / 6), (2, 1 / 7)]
    assert "auc" not in found.curves


def test_it_is_shown_as_text_as_html_and_as_a_table(workspace: Workspace) -> None:
    found = compared(workspace)
    told = text(found)
    for words in ("gbm-1 · gbm-2", "params that differ", "depth", "+y = 3", "loss"):
        assert words in told
    assert "rate" not in told
    shown = html(found)
    assert shown.count("<polyline") == 2
    assert found.to_pandas().loc[("params", "depth")].tolist() == [4, 8]


def test_cells_without_ids_are_found_again_by_their_code(workspace: Workspace) -> None:
    ran(workspace, 4, "v1", [(None, "a = 1"), (None, "b = 2"), (None, "c = 3")])
    ran(workspace, 4, "v1", [(None, "a = 1"), (None, "b = 22"), (None, "c = 3"), (None, "d = 4")])
    changes = workspace.run.compare("gbm-1", "gbm-2").cells
    assert [(change.what, change.lines[-1]) for change in changes] == [("changed", "+b = 22"), ("added", "+d = 4")]


def test_three_runs_are_drawn_across_what_they_were_given(workspace: Workspace) -> None:
    for depth in (2, 4, 8):
        ran(workspace, depth, "v1", [])
    found = workspace.run.compare("gbm-1", "gbm-2", "gbm-3")
    assert found.params[0].values == (2, 4, 8)
    assert 'aria-label="runs across depth, auc, loss"' in html(found)


def test_one_run_or_one_that_is_not_there_is_refused(workspace: Workspace) -> None:
    ran(workspace, 4, "v1", [])
    with pytest.raises(InvalidError, match="one run cannot be compared"):
        workspace.run.compare("gbm-1")
    with pytest.raises(NotFoundError, match="gbm-1"):
        workspace.run.compare("gbm-1", "gbm-11")


NUMBERS = st.floats() | st.sampled_from([0.0, 1e308, -1e308, 5e-324])


@given(
    points=st.lists(st.tuples(st.integers(-(2**62), 2**62), NUMBERS), max_size=60),
    rows=st.lists(st.tuples(NUMBERS | st.none() | st.text(max_size=3), st.booleans() | st.none()), max_size=5),
)
def test_any_numbers_are_drawn_within_the_picture(
    points: list[tuple[int, float]], rows: list[tuple[object, object]]
) -> None:
    curves = Curves("m", (Curve("a", tuple(points)), Curve("b", ())))
    across = Across(("p", "q"), tuple((str(place), row) for place, row in enumerate(rows)))
    for block in (curves, across, curves.within(2_000), across.within(2_000)):
        assert isinstance(block.text(), str)
        for _, _, drawn in block.lines:
            for pair in drawn.split():
                x, y = map(float, pair.split(","))
                assert math.isfinite(x)
                assert -1 <= x <= block.w + 1
                assert -1 <= y <= block.h + 1
