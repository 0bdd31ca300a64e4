"""What became of a notebook and of each of its cells.

The six statuses are also what the output notebook says in ``metadata.papermill.status``; while it runs, a
cell there is ``pending`` or ``running`` as well. A cell that never ran never says ``completed``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nbmlops.core import digests
from nbmlops.core.errors import StepFailedError
from nbmlops.tracking.records import Cell, Resources

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["CellProgress", "CellResult", "Execution", "Failure", "Status", "Usage", "executed", "shown"]

Status = Literal["completed", "failed", "timed_out", "kernel_died", "cancelled", "not_run"]

_SAID: dict[Status, str] = {
    "failed": "failed",
    "timed_out": "ran out of time",
    "kernel_died": "lost its kernel",
    "cancelled": "was cancelled",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """What a cell took of the machine, None where the system does not tell.

    Attributes
    ----------
    cpu_seconds : float or None
        Processor time of the kernel, and of those of its child processes that have ended.
    peak_memory : int or None
        Highest resident memory of the kernel process while the cell ran, in bytes.
    """

    cpu_seconds: float | None = None
    peak_memory: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a notebook did not complete; `number` is its cell's, from 1, or None outside of any cell."""

    number: int | None
    cell_id: str | None
    ename: str
    evalue: str
    traceback: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The place, for a sentence: ``at cell 7`` or ``before its first cell``."""
        return "outside of its cells" if self.number is None else f"at cell {self.number}"


@dataclass(frozen=True, slots=True)
class CellResult:
    """What became of one code cell; `seconds` is its wall time, None when it did not run."""

    number: int
    cell_id: str
    status: Status
    seconds: float | None
    usage: Usage


@dataclass(frozen=True, slots=True)
class CellProgress:
    """One sign of life: cell `number` has begun or ended, and `done` of `total` code cells have ended."""

    number: int
    cell_id: str
    done: int
    total: int
    status: Literal["running"] | Status
    seconds: float


@dataclass(frozen=True, slots=True)
class Execution:
    """The outcome of one execution.

    Attributes
    ----------
    name : str
        What the notebook is called in messages.
    notebook : NotebookNode
        The executed notebook, as it was last saved.
    output : Path or None
        Where it was saved.
    status : Status
        ``completed`` when every cell that was reached did what it should.
    cells : tuple of CellResult
        The code cells, in order.
    seconds : float
        Wall time from before the kernel's start to after the last save.
    error : Failure or None
        Why it did not complete.
    """

    name: str
    notebook: NotebookNode
    output: Path | None
    status: Status
    cells: tuple[CellResult, ...]
    seconds: float
    error: Failure | None

    def raise_for_status(self) -> None:
        """Raise unless the notebook completed.

        Raises
        ------
        StepFailedError
            Says how it ended, at which cell, and why.
        """
        if self.status == "completed":
            return
        said, why = _SAID.get(self.status, self.status), ""
        if self.error is not None:
            detail = ": ".join(text for text in (self.error.ename, self.error.evalue) if text)
            why = f" {self.error.where}: {detail}"
        hint = f"open {self.output}: the outputs of that cell say more" if self.output else None
        raise StepFailedError(f"{self.name} {said}{why}", hint=hint)


def shown(output: NotebookNode) -> str:
    """What an output of a cell says as text, for a terminal; empty for a picture alone."""
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return "\n".join(output.traceback) + "\n"
    text = output.get("data", {}).get("text/plain", "")
    return f"{text}\n" if text else ""


def executed(execution: Execution) -> list[Cell]:
    """The code cells that ran, as a run keeps them."""
    found = []
    for position, result in enumerate(cell for cell in execution.cells if cell.seconds is not None):
        cell = execution.notebook.cells[result.number - 1]
        started = cell.metadata.get("papermill", {}).get("start_time")
        found.append(
            Cell(
                position=position,
                cell_id=result.cell_id,
                digest=digests.of_text(cell.source),
                source=cell.source,
                count=cell.get("execution_count"),
                started_at=datetime.fromisoformat(started).astimezone(UTC),
                seconds=result.seconds or 0.0,
                status=result.status,
                resources=Resources(result.seconds or 0.0, result.usage.cpu_seconds, result.usage.peak_memory),
            )
        )
    return found
