"""What papermill's tools read in an executed notebook: the marks on it and on its cells.

Papermill's keys keep papermill's meaning (``exception`` is True on what went wrong, times are ISO 8601 in
UTC, durations are seconds). Two differ, to be true: a cell that never ran is ``not_run``, and the notebook
has a ``status`` too. What a cell took of the machine is in ``metadata.nbmlops``; the notebook's own says whether its
kernel was warm or cold.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from nbmlops.core.clock import SystemClock
from nbmlops.pipelines.outcome import CellResult, Failure, Status, Usage

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from nbmlops.core.clock import Clock

__all__ = ["Marks"]


class Marks:
    """Writes the marks of one execution into a notebook.

    Parameters
    ----------
    notebook : NotebookNode
        The notebook; it is changed in place.
    clock : Clock, optional
        Tells the time.
    """

    def __init__(self, notebook: NotebookNode, clock: Clock | None = None) -> None:
        self._notebook = notebook
        self._clock = clock or SystemClock()
        self._began: dict[int, datetime] = {}
        self._started = self._clock.now()

    def begin(self, kernel: Literal["cold", "warm"] = "cold") -> None:
        """Clear what an earlier execution left, say which kernel this one has, and mark every cell as pending."""
        metadata = self._notebook.metadata
        metadata["nbmlops"] = {**metadata.get("nbmlops", {}), "kernel": kernel}
        metadata.pop("widgets", None)
        known = metadata.get("papermill", {})
        metadata["papermill"] = {
            "default_parameters": {},
            "parameters": {},
            "environment_variables": {},
            "version": version("papermill"),
            **known,
            **self._blank("running"),
            "start_time": self._started.isoformat(),
        }
        for cell in self._notebook.cells:
            cell.metadata["papermill"] = self._blank("pending")
            cell.metadata.pop("nbmlops", None)
            cell.metadata.pop("execution", None)
            if cell.cell_type == "code":
                cell.execution_count, cell.outputs = None, []

    def cell_began(self, index: int) -> None:
        """Mark the cell at `index`, from 0, as running."""
        self._began[index] = self._clock.now()
        mark = self._mark(index)
        mark.update(status="running", exception=False, start_time=self._began[index].isoformat())

    def cell_ended(self, index: int, status: Status, usage: Usage) -> float:
        """Mark the cell at `index` with what became of it, and give its seconds."""
        now = self._clock.now()
        seconds = (now - self._began[index]).total_seconds()
        self._mark(index).update(
            status=status, exception=status != "completed", end_time=now.isoformat(), duration=seconds
        )
        self._notebook.cells[index].metadata["nbmlops"] = {
            "cpu_seconds": usage.cpu_seconds,
            "peak_memory": usage.peak_memory,
        }
        return seconds

    def passed(self, index: int) -> None:
        """Mark a cell of text, which only had its turn."""
        self._mark(index).update(status="completed", exception=False)

    def end(self, status: Status, failure: Failure | None) -> None:
        """Mark what was not reached, and the notebook itself."""
        now = self._clock.now()
        for index in range(len(self._notebook.cells)):
            mark = self._mark(index)
            if mark["status"] == "pending":
                mark["status"] = "not_run"
            elif mark["status"] == "running":
                # Reached only when the runner itself failed in the middle of a cell.
                self.cell_ended(index, status if status != "completed" else "cancelled", Usage())
        self._notebook.metadata["papermill"].update(
            status=status,
            exception=True if failure is not None else None,
            end_time=now.isoformat(),
            duration=(now - self._started).total_seconds(),
        )

    def results(self) -> Iterator[CellResult]:
        """Give what became of each code cell."""
        for index, cell in enumerate(self._notebook.cells):
            if cell.cell_type == "code":
                mark, took = self._mark(index), cell.metadata.get("nbmlops", {})
                yield CellResult(index + 1, cell.get("id", ""), mark["status"], mark["duration"], Usage(**took))

    def _mark(self, index: int) -> Any:
        return self._notebook.cells[index].metadata["papermill"]

    @staticmethod
    def _blank(status: str) -> dict[str, Any]:
        return {"status": status, "exception": None, "start_time": None, "end_time": None, "duration": None}
