"""What is known of a run when it ends: its cells with their names, what it took, its notebook, and hidden state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from nbmlops.core import digests
from nbmlops.tracking import capture
from nbmlops.tracking.resources import peaked, priced, summed

if TYPE_CHECKING:
    from nbmlops.tracking.notebook_source import Saved
    from nbmlops.tracking.records import Cell, HiddenState, Resources, Status

__all__ = ["Ending", "Known"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended, the cells that it executed, the source of its notebook, and what else is known, by column."""

    status: Status
    error: Mapping[str, str] | None
    cells: list[Cell]
    source: str | None
    about: dict[str, Any]

    @classmethod
    def of(cls, status: Status, error: Mapping[str, str] | None, cells: Iterable[Cell], known: Known) -> Ending:
        """Put together what is known of a run that ends."""
        executed = [_analysed(cell, known.cost_per_hour) for cell in cells]
        resources = priced(peaked(known.own, executed) or summed(executed), known.cost_per_hour)
        about = {
            "resources": resources and asdict(resources),
            "source": known.page and digests.of_text(known.page.text),
            # A step's cells were executed elsewhere, from nothing.
            "hidden_state": [asdict(one) for one in _hidden(executed, known.page)] if known.own else [],
        }
        return cls(status, error, executed, known.page.text if known.page else None, about)


@dataclass(frozen=True, slots=True)
class Known:
    """What this process knows of a run: what it took, when it began here; its notebook; what an hour costs."""

    own: Resources | None
    page: Saved | None
    cost_per_hour: float | None


def _hidden(executed: Sequence[Cell], page: Saved | None) -> Sequence[HiddenState]:
    if not executed:
        return ()
    from nbmlops.tracking.hidden_state import hidden_state

    before = [cell for cell in capture.log.executed if cell.position < executed[0].position]
    return hidden_state([*before, *executed], page, {cell.position for cell in executed})


def _analysed(cell: Cell, cost_per_hour: float | None) -> Cell:
    """A cell with the names that it defines and uses, and with what it cost."""
    from nbmlops.tracking.source import analyse

    names, resources = analyse(cell.source), priced(cell.resources, cost_per_hour)
    return replace(cell, defines=tuple(sorted(names.defines)), uses=tuple(sorted(names.uses)), resources=resources)
