"""Compares a run with its proof: how it ended, what it was given, what it measured, wrote and showed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.checks.records import Outcome
from nbmlops.pipelines.cell_outputs import compare_outputs
from nbmlops.pipelines.pinned_reads import compare_reads, touched_by
from nbmlops.pipelines.proof import compare

if TYPE_CHECKING:
    from nbmlops.pipelines.cells import NotebookContent
    from nbmlops.pipelines.outcome import Execution
    from nbmlops.pipelines.stores import Stores
    from nbmlops.tracking.records import Run
    from nbmlops.tracking.service import Runs

__all__ = ["compare_params", "compare_runs", "ended_alike", "same_run"]

_CHILDREN = 1_000
_LONGEST = 300


def ended_alike(run: Run, done: Execution) -> list[Outcome]:
    """Whether an execution came to the end that the run had; ``errored`` where it came to another before that."""
    was = f"{run.error.get('name')}: {run.error.get('value')}" if run.status == "failed" and run.error else ""
    failure = done.error
    if done.status == "completed" or failure is None:
        return [Outcome("end", None, "failed", "completed", f"= {was[:_LONGEST]}")] if was else []
    now = f"{failure.ename}: {failure.evalue}"
    if was and was.startswith(now):
        return [Outcome("end", None, "passed", now[:_LONGEST], "", f"fails as it did, {failure.where}")]
    place = f"cell {failure.number}" if failure.number else "notebook"
    return [Outcome(place, None, "errored", now[:_LONGEST], f"= {was[:_LONGEST] or 'completed'}", done.status)]


def compare_params(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Outcome]:
    """Compare the params of two runs; those that are the same are told in one."""
    differing = [
        key for key in sorted({*before, *after}) if (key in before, before.get(key)) != (key in after, after.get(key))
    ]
    found = [
        Outcome(f"param {key}", None, "failed", repr(after.get(key, "none")), f"= {before.get(key, 'none')!r}")
        for key in differing
    ]
    same = len(before.keys() & after.keys()) - len(differing)
    return found if found or not same else [Outcome("params", None, "passed", f"{same} the same", "")]


def same_run(runs: Runs, run: Run, proof_id: str) -> Run | None:
    """The run that a notebook started in a proof as it once started another; None when it started none.

    Of several of its experiment, the first that was given the same.
    """
    found = sorted(_below(runs, proof_id, run.experiment), key=lambda one: one.number)
    return next((one for one in found if one.params == run.params), found[-1] if found else None)


def _below(runs: Runs, run_id: str, experiment: str) -> Iterator[Run]:
    for child in runs.list(_CHILDREN, parent_id=run_id):
        if child.experiment == experiment:
            yield child
        yield from _below(runs, child.id, experiment)


def compare_runs(
    stores: Stores, pair: tuple[Run, Run], notebooks: tuple[NotebookContent | None, NotebookContent], tolerance: float
) -> tuple[list[Outcome], list[Outcome]]:
    """Compare what two runs read, and what they gave: versions, metrics, outputs of cells.

    Parameters
    ----------
    stores : Stores
        Where they are.
    pair : (Run, Run)
        The run and the one that did it again.
    notebooks : (notebook, notebook)
        As both executed them; None where the outputs of the run were not kept.
    tolerance : float
        Relative difference up to which numbers are near.
    """
    run, again = pair
    before, after = touched_by(stores, run.id), touched_by(stores, again.id)
    results = compare(before.writes, after.writes, run.metrics, again.metrics, tolerance)
    if notebooks[0] is not None:
        results += compare_outputs(notebooks[0], notebooks[1], tolerance)
    return compare_reads(before, after), results
