"""The verb ``explain``: which steps a run would execute now, and what has changed since they last were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from nbmlops.core.errors import InvalidError, NbmlopsError
from nbmlops.core.spans import span_text
from nbmlops.pipelines.changed_cells import changed_cells
from nbmlops.pipelines.keys import step_key
from nbmlops.pipelines.originals import original_of
from nbmlops.pipelines.steps import STEP
from nbmlops.pipelines.when import left_out_now
from nbmlops.render.units import duration
from nbmlops.store import lineage

if TYPE_CHECKING:
    from nbmlops.pipelines.fan import Fan
    from nbmlops.pipelines.graph import Step
    from nbmlops.pipelines.ledger import Committed, Ledger
    from nbmlops.pipelines.plan import Plan
    from nbmlops.pipelines.planner import Planner
    from nbmlops.pipelines.steps import StepRunner
    from nbmlops.pipelines.stores import Stores

__all__ = ["Explaining", "Explanation", "StepExplanation"]

_NAMED = 4


@dataclass(frozen=True, slots=True)
class StepExplanation:
    """What a run would do with a step, and why.

    Attributes
    ----------
    step : str
        Its name.
    will : {"run", "skip", "depends"}
        ``depends`` when it waits for a step that would run: if that makes the same again, it is skipped.
    why : tuple of str
        The reasons.
    """

    step: str
    will: Literal["run", "skip", "depends"]
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a run of a pipeline would do now."""

    pipeline: str
    steps: tuple[StepExplanation, ...]


class Explaining:
    """The verb that says what would run."""

    _stores: Stores
    _planner: Planner
    _ledger: Ledger
    _steps: StepRunner

    def explain(self, name: str, params: Mapping[str, Any] | None = None, *, for_: Fan | None = None) -> Explanation:
        """Tell which steps a run would execute now, and why; nothing is run.

        Parameters
        ----------
        name : str
            ``delays`` for the working copy, ``delays@production`` for the frozen version.
        params : mapping, optional
            Parameters, as text or as Python values.
        for_ : mapping, optional
            Parameter -> values that it takes one by one, as for `run`.

        Raises
        ------
        InvalidError
            When a parameter is unknown or of a wrong type, or the graph is not one.
        """
        plan = self._planner.plan(name, params or {}, fan=for_)
        told: dict[str, StepExplanation] = {}
        with lineage.activate(replace(lineage.current(), pins=plan.pins)):
            made_of = self._steps.earlier.parts(plan, plan.graph.steps)
            before = self._steps.earlier.before(map(step_key, made_of.values()))
            for step in plan.graph.steps:
                waits = [name for name in plan.graph.upstream(step.name) if told[name].will != "skip"]
                parts = made_of[step.name]
                told[step.name] = self._explained(plan, step, parts, before.get(step_key(parts)), waits)
        return Explanation(name, tuple(told.values()))

    def _explained(
        self, plan: Plan, step: Step, parts: Mapping[str, Any], before: Committed | None, waits: list[str]
    ) -> StepExplanation:
        settings, on = step.settings, tuple[str, ...]()
        if settings.when:
            if (why := left_out_now(plan.graph, step, plan.parameters[step.name])) is not None:
                return StepExplanation(step.name, "skip", (why,))
            on = (f"it runs only when {settings.when}",)
        run = None if before is None else self._stores.runs.show(before.run_id)
        age = None if run is None else self._steps.earlier.age(run)
        is_old = age is not None and settings.cache is not None and age >= settings.cache
        if run is not None and not is_old and not waits:
            return StepExplanation(step.name, "skip", (f"same code, parameters and inputs as {run.name}",))
        past = self._ledger.of_step(plan.name, step.name)
        if not past:
            return StepExplanation(step.name, "run", ("no result of it has committed yet", *on))
        changes = tuple(self._changes(plan, step, parts, past[0]))
        if not changes and is_old and age is not None and settings.cache is not None:
            changes = (_stale(settings.cache, age),)
        later = (f"{', '.join(waits)} may make something else",) if waits else ()
        if not changes and not waits:
            changes = ("something that it reads beyond its own lines has changed",)
        return StepExplanation(step.name, "run" if changes else "depends", (*changes, *later, *on))

    def _changes(self, plan: Plan, step: Step, parts: Mapping[str, Any], past: Committed) -> Iterator[str]:
        old = past.parts
        run = self._stores.runs.show(past.run_id)
        if not old:
            yield f"{run.name} did not note what its result was made of"
            return
        if old["code"] != parts["code"]:
            yield f"its code is another than that of {run.name}{self._cells(plan, step, past)}"
        yield from _besides(old, parts)

    def why(self, run: str) -> tuple[str, ...]:
        """Why a step ran: what was another than when a result of it had committed before.

        Parameters
        ----------
        run : str
            The run of the step.

        Raises
        ------
        NotFoundError
            When there is no such run.
        InvalidError
            When it is no step's.
        """
        found = self._stores.runs.show(run)
        if found.kind != "step" or found.parent_id is None:
            raise InvalidError(
                f"{found.name} is no run of a step", hint="`ml pipeline explain NAME` tells what would run"
            )
        pipeline = self._stores.runs.show(found.parent_id).experiment
        past = self._ledger.of_step(pipeline, found.tags.get(STEP, found.experiment))
        # Later runs that took its result over have rows of their own; the oldest is its own.
        own = next((place for place in reversed(range(len(past))) if past[place].run_id == found.id), None)
        if own is None:
            return ("its result has not committed, or is gone",)
        if own + 1 == len(past):
            return ("no result of it that is still there had committed before",)
        old, new = past[own + 1], past[own]
        before = self._stores.runs.show(old.run_id).name
        if not old.parts or not new.parts:
            return (f"{before} did not note what its result was made of",)
        code = (f"its code is another than that of {before}",) if old.parts["code"] != new.parts["code"] else ()
        changes = (*code, *_besides(old.parts, new.parts))
        return changes or ("it was to run whatever has changed, or what it reads beyond its own lines had changed",)

    def _cells(self, plan: Plan, step: Step, past: Committed) -> str:
        try:
            before = original_of(self._stores.runs.show(past.run_id), self._stores.objects, self._planner.root)
        except NbmlopsError:
            # Its notebook is gone or damaged: that the code is another is known all the same.
            return ""
        found = [outcome.check for outcome in changed_cells(before.notebook, plan.notebooks[step.name])]
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        return f": {', '.join(found[:_NAMED])}{more}" if found else ""


def _besides(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What is another beside the code, between what two results were made of."""
    yield from _differences("parameter", old["parameters"], new["parameters"])
    yield from _inputs(old["inputs"], new["inputs"])
    yield from _differences("module", old["modules"], new["modules"], values=False)
    yield from _differences("distribution", old["environment"], new["environment"])
    if old["protocol"] != new["protocol"]:
        yield "this nbmlops reckons the keys of steps in another way"


def _stale(age: timedelta, found: timedelta) -> str:
    if not age:
        return "its settings say that no result is taken over"
    return (
        f"its result is {duration(found.total_seconds())} old, and its settings take none over from {span_text(age)} on"
    )


def _differences(what: str, old: Mapping[str, str], new: Mapping[str, str], *, values: bool = True) -> Iterator[str]:
    for name in sorted({*old, *new}):
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        if was is None or now is None:
            yield f"{what} {name} is {'new' if was is None else 'gone'}"
        else:
            yield f"{what} {name} is another" + (f": {was} → {now}" if values else "")


def _inputs(old: list[list[str]], new: list[list[str]]) -> Iterator[str]:
    before = {(kind, name): digest for kind, name, digest in old}
    after = {(kind, name): digest for kind, name, digest in new}
    for kind, name in sorted({*before, *after}):
        if before.get((kind, name)) == after.get((kind, name)):
            continue
        if (kind, name) not in before:
            yield f"it reads {kind} {name} now"
        elif (kind, name) not in after:
            yield f"it does not read {kind} {name} any more"
        else:
            yield f"{kind} {name} has another content"
