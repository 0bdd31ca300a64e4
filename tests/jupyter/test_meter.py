from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbmlops.core.signs import StepProgress
from nbmlops.jupyter.meter import CellMeter
from tests.jupyter.cells import Cells


class Clock:
    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def shown_by(cells: Cells, work: Callable[[], None]) -> list[str]:
    cells.names["work"] = work
    return [line for line in cells.run("work();").printed.splitlines() if line]


def test_short_work_shows_nothing(cells: Cells) -> None:
    def work() -> None:
        with CellMeter(lambda: 0.0).bytes("saving") as progress:
            progress(1_000)

    assert shown_by(cells, work) == []


def test_long_work_shows_a_line_and_at_its_end_how_long_it_took(cells: Cells) -> None:
    def work() -> None:
        with CellMeter(Clock(1.5)).bytes("saving") as progress:
            for _ in range(3):
                progress(1_000_000)

    shown = shown_by(cells, work)
    assert shown[0] == "saving 2.0 MB …"
    assert shown[-1].startswith("saving 3.0 MB took ")


def test_steps_are_followed_by_name_and_cell(cells: Cells) -> None:
    def work() -> None:
        with CellMeter(Clock(3.0)).steps("delays") as progress:
            progress(StepProgress("1_ingest", "running", 2, 5))
            progress(StepProgress("1_ingest", "completed", 5, 5))

    shown = shown_by(cells, work)
    assert shown[0] == "delays: 1_ingest 2 of 5 cells"
    assert shown[1] == "delays: between steps"
    assert shown[-1].startswith("delays: 1 step in ")


def test_rows_are_counted_as_such_with_how_many_in_a_second(cells: Cells) -> None:
    def work() -> None:
        with CellMeter(Clock(3.0)).steps("materialize") as progress:
            progress(StepProgress("delays", "running", 20_000, 1_000_000, why="180,000 rows/s", unit="rows"))

    assert shown_by(cells, work)[0] == "materialize: delays 20,000 of 1,000,000 rows, 180,000 rows/s"


def test_what_the_work_raises_passes(cells: Cells) -> None:
    def work() -> None:
        with CellMeter().bytes("saving"):
            raise ValueError("no")

    cells.names["work"] = work
    error: Any = cells.run("work()").error
    assert isinstance(error, ValueError)
