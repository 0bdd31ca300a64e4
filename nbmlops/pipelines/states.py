"""What happened to each step in the last run of a pipeline, read from the runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast, get_args

from nbmlops.core.signs import StepState
from nbmlops.pipelines.steps import STEP
from nbmlops.pipelines.taking_over import SKIPPED
from nbmlops.pipelines.when import LEFT_OUT

if TYPE_CHECKING:
    from nbmlops.pipelines.graph import Graph
    from nbmlops.tracking.records import Run
    from nbmlops.tracking.service import Runs

__all__ = ["state_of", "with_last_run"]

_CHILDREN = 1_000
_URGENT: tuple[StepState, ...] = (
    *("failed", "timed_out", "kernel_died", "cancelled"),
    *("running", "waiting", "not_run", "completed", "skipped"),
)
_NAMES = frozenset(get_args(StepState))
_DIED, _LATE = {"DeadKernelError", "OutOfMemory"}, {"CellTimeoutError", "StepTimeoutError"}
"""What the errors of a step are called whose kernel died, and of one that ran out of time."""


def with_last_run(graph: Graph, name: str, runs: Runs) -> Graph:
    """The graph with the states that its steps had in the newest run of the pipeline `name`."""
    newest = runs.list(1, experiment=name, where="kind = 'pipeline'")
    if not newest:
        return graph
    (run,) = newest
    children = runs.list(_CHILDREN, parent_id=run.id)
    found = _folded(_states(run, children))
    waiting: StepState = "waiting" if run.status == "running" else "not_run"
    return replace(graph, run=run.name, last={step.name: found.get(step.name, waiting) for step in graph.steps})


def _states(run: Run, children: Iterable[Run]) -> dict[str, StepState]:
    skipped: dict[str, StepState] = {
        tag.partition(".")[2]: "skipped" for tag in run.tags if tag.startswith((SKIPPED, LEFT_OUT))
    }
    # The newest comes first; a step that was tried again has the state of its last try.
    executed = {child.tags.get(STEP, child.experiment): state_of(child) for child in reversed(list(children))}
    return {**skipped, **executed}


def _folded(states: Mapping[str, StepState]) -> dict[str, StepState]:
    """The states by notebook: of one that ran for several values, what is most to be looked at."""
    found: dict[str, StepState] = {}
    for name, state in states.items():
        stem = name.partition("[")[0]
        found[stem] = min(state, found.get(stem, state), key=_URGENT.index)
    return found


def state_of(run: Run) -> StepState:
    """What happened to the step that a run is of."""
    if run.status in {"running", "finished"}:
        return "running" if run.status == "running" else "completed"
    said = (run.error or {}).get("name", "")
    if said in _NAMES:
        return cast("StepState", said)
    if run.status == "killed":
        return "kernel_died" if said in _DIED else "cancelled"
    return "timed_out" if said in _LATE else "failed"
