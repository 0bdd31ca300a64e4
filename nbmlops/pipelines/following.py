"""How a pipeline's run stands: its steps, the cells that run now, how long they take, and what they have said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.pipelines import queries
from nbmlops.pipelines.originals import original_of
from nbmlops.pipelines.recovery import as_it_stands
from nbmlops.pipelines.states import state_of
from nbmlops.pipelines.steps import STEP
from nbmlops.pipelines.taking_over import SKIPPED
from nbmlops.pipelines.when import LEFT_OUT

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.core.signs import StepState
    from nbmlops.pipelines.planner import Planner
    from nbmlops.pipelines.steps import StepRunner
    from nbmlops.pipelines.stores import Stores
    from nbmlops.tracking.records import Run

__all__ = ["Following", "LiveRun", "LiveStep"]

_LARGEST = 4_000_000
"""Bytes of a notebook that is read only to tell which cell runs, again and again."""


@dataclass(frozen=True, slots=True)
class LiveStep:
    """A step of a run, as it stands.

    Attributes
    ----------
    name, stem : str
        Its name, and that of its notebook, which several share that run for some values.
    state : str
        As in `nbmlops.core.signs.StepState`.
    why : str
        Why it ended as it did, or did not run.
    run : str or None
        Its run, or the one whose result was taken over.
    seconds : float or None
        How long it took, or has taken so far.
    expected : float or None
        How long its notebook took when it last completed.
    cell, done, cells : int or None
        Number of the cell that runs now, from 1; how many code cells have ended, of how many. Only known of a step that
        runs on this machine.
    """

    name: str
    stem: str
    state: StepState
    why: str = ""
    run: str | None = None
    seconds: float | None = None
    expected: float | None = None
    cell: int | None = None
    done: int | None = None
    cells: int | None = None


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run of a pipeline and its steps, those that have not begun left out."""

    run: Run
    steps: tuple[LiveStep, ...]


class Following:
    """What may be asked of a run while it goes on."""

    _stores: Stores
    _planner: Planner
    _steps: StepRunner
    _clock: Clock

    def follow(self, run: str) -> LiveRun:
        """How a run of a pipeline stands now, or ended.

        Parameters
        ----------
        run : str
            The run; the name of a pipeline means its newest.

        Raises
        ------
        NotFoundError
            When there is no such run.
        InvalidError
            When it is no run of a pipeline.
        """
        runs = self._stores.runs
        found = runs.show(run)
        if found.kind not in {"pipeline", "proof"}:
            raise InvalidError(f"{found.name} is no run of a pipeline", hint="`ml run list` shows those there are")
        # In the order of their start: a step that was tried again is told by its last try.
        children = {child.tags.get(STEP, child.experiment): child for child in found.children}
        stems = {child.experiment for child in children.values()}
        past = runs.catalog.read(lambda c: queries.usual_seconds(c, stems))
        steps = [self._told(found, name, child, past.get(child.experiment)) for name, child in children.items()]
        left = {tag: word for tag, word in found.tags.items() if tag.startswith((SKIPPED, LEFT_OUT))}
        steps += [_not_run(tag, word) for tag, word in left.items() if tag.partition(".")[2] not in children]
        return LiveRun(found, tuple(steps))

    def _told(self, run: Run, name: str, child: Run, expected: float | None) -> LiveStep:
        state, error = state_of(child), child.error or {}
        why = ": ".join(filter(None, (error.get("name", ""), error.get("value", "")))) if state != "completed" else ""
        seconds = child.seconds
        if seconds is None:
            seconds = max(0.0, (self._clock.now() - child.started_at).total_seconds())
        where = _place(self._steps.output_of(run.id, name)) if state == "running" else (None, None, None)
        return LiveStep(name, child.experiment, state, why, child.name, seconds, expected, *where)

    def cells_of(self, run: str) -> Mapping[str, Any]:
        """The notebook of a step's run with what its cells have said so far; while it runs, from this machine's disk.

        Parameters
        ----------
        run : str
            The run of the step.

        Raises
        ------
        NotFoundError
            When it kept no notebook, or runs elsewhere.
        CorruptError
            When what it kept is damaged.
        """
        found = self._stores.runs.show(run)
        live = self._live(found)
        if live is not None:
            return live
        original = original_of(found, self._stores.objects, self._planner.root)
        return original.executed or original.notebook

    def _live(self, run: Run) -> Mapping[str, Any] | None:
        if run.status != "running" or run.parent_id is None:
            return None
        return as_it_stands(self._steps.output_of(run.parent_id, run.tags.get(STEP, run.experiment)))


def _not_run(tag: str, word: str) -> LiveStep:
    name = tag.partition(".")[2]
    if tag.startswith(SKIPPED):
        said = f"same code, parameters and inputs as {word}"
        return LiveStep(name, name.partition("[")[0], "skipped", said, run=word)
    return LiveStep(name, name.partition("[")[0], "skipped", word)


def _place(path: Path) -> tuple[int | None, int | None, int | None]:
    """Number of the cell that runs, how many code cells have ended, of how many."""
    notebook = as_it_stands(path, _LARGEST)
    if notebook is None:
        return None, None, None
    found: list[tuple[int, str]] = [
        (number, (cell["metadata"].get("papermill") or {}).get("status", "pending"))
        for number, cell in enumerate(notebook["cells"], start=1)
        if cell["cell_type"] == "code"
    ]
    running = next((number for number, status in found if status == "running"), None)
    return running, sum(status not in {"pending", "running"} for _, status in found), len(found)
