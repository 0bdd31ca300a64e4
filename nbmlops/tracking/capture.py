"""Keeps the cells that a notebook executes, so that a run knows its own code.

The extension tells `CellLog` when a cell begins and ends; a run takes what was executed while it was
active. Nothing here does I/O but to ask the system
what the process took, so the hook costs some 0.1 ms.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from nbmlops.core import digests
from nbmlops.core.clock import clock_here
from nbmlops.tracking.records import Cell
from nbmlops.tracking.resources import Gauge

__all__ = ["CellLog", "log"]

_KEPT = 10_000


@dataclass(slots=True)
class _Open:
    cell_id: str | None
    source: str
    count: int | None
    started_at: datetime
    digest: str
    gauge: Gauge


class CellLog:
    """The cells that this process has executed, oldest first, the last 10,000 of them."""

    def __init__(self) -> None:
        self._done: deque[Cell] = deque(maxlen=_KEPT)
        self._open: _Open | None = None
        self._position = 0

    def begin(self, cell_id: str | None, source: str, count: int | None) -> str:
        """A cell starts; returns the digest of its source."""
        digest = digests.of_text(source)
        self._open = _Open(cell_id, source, count, clock_here().now(), digest, Gauge())
        return digest

    def end(self, success: bool, error: str | None = None) -> Cell | None:
        """The cell has ended."""
        if self._open is None:
            return None
        cell = self._close(self._open, "completed" if success else "failed", error)
        self._done.append(cell)
        self._open, self._position = None, self._position + 1
        return cell

    @property
    def position(self) -> int:
        """Number of the execution that is under way, or of the next one."""
        return self._position

    @property
    def executing(self) -> str | None:
        """Source of the cell that is executing."""
        return self._open.source if self._open else None

    @property
    def executed(self) -> tuple[Cell, ...]:
        """The cells that have ended, oldest first."""
        return tuple(self._done)

    def since(self, at: datetime) -> list[Cell]:
        """Cells that were executing at or after `at`, the one that executes now as ``running``."""
        found = [cell for cell in self._done if cell.started_at.timestamp() + cell.seconds >= at.timestamp()]
        if self._open is not None:
            found.append(self._close(self._open, "running", None))
        return found

    def _close(self, cell: _Open, status: str, error: str | None) -> Cell:
        resources = cell.gauge.read()
        return Cell(
            position=self._position,
            cell_id=cell.cell_id,
            digest=cell.digest,
            source=cell.source,
            count=cell.count,
            started_at=cell.started_at,
            seconds=(clock_here().now() - cell.started_at).total_seconds() if resources is None else resources.seconds,
            status=status,
            error=error,
            resources=resources,
        )


log = CellLog()
"""The cells of this process."""
