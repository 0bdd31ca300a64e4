"""The condition on which a step runs: on its parameters, and on what the steps before it have logged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.data.conditions import column_names, compiled_expression

if TYPE_CHECKING:
    from nbmlops.pipelines.graph import Graph, Step
    from nbmlops.pipelines.records import StepResult

__all__ = ["LEFT_OUT", "check_conditions", "left_out", "left_out_now"]

LEFT_OUT = "left-out."
"""Before a step's name, the tag by which a pipeline run says on what condition it did not run the step."""

_Plain = bool | int | float | str | date | datetime


def check_conditions(graph: Graph, parameters: Mapping[str, Mapping[str, Any]]) -> None:
    """Look whether the conditions of all steps can be told.

    Parameters
    ----------
    graph : Graph
        The steps.
    parameters : mapping
        The effective parameters of each.

    Raises
    ------
    InvalidError
        When one names what is neither a parameter of its step nor a metric of a step before it, or compares what
        cannot be compared; the message names the cell.
    """
    for step in graph.steps:
        if not step.settings.when:
            continue
        own = parameters.get(step.name, {})
        for name in column_names(step.settings.when):
            _known(graph, step, name, own)
        # A metric is a number; which one does not matter for whether it can be compared.
        _holds(step, {name: own.get(name, 0.0) for name in column_names(step.settings.when)})


def left_out(graph: Graph, step: Step, parameters: Mapping[str, Any], results: Mapping[str, StepResult]) -> str | None:
    """Why a step does not run now; None when it does.

    Parameters
    ----------
    graph : Graph
        The steps.
    step : Step
        The one that would run.
    parameters : mapping
        Its effective parameters.
    results : mapping
        What became of the steps before it.

    Raises
    ------
    InvalidError
        When a step before it has not logged what its condition is on.
    """
    values: dict[str, Any] = {}
    for name in column_names(step.settings.when) if step.settings.when else ():
        if name in parameters:
            values[name] = parameters[name]
            continue
        stem, _, metric = name.rpartition(".")
        (before,) = _meant(graph, step, stem)
        result = results[before]
        if result.run is None:
            return f"{before}, on whose {metric} it depends, did not run"
        if metric not in (result.metrics or {}):
            near = nearest(metric, result.metrics or {})
            raise InvalidError(
                f"{_place(step)} runs only when {step.settings.when}, and {before} has not logged {metric}", hint=near
            )
        values[name] = (result.metrics or {})[metric]
    return None if not values or _holds(step, values) else f"runs only when {step.settings.when}"


def left_out_now(graph: Graph, step: Step, parameters: Mapping[str, Any]) -> str | None:
    """Do as `left_out` before anything has run; None where the condition is on what others log."""
    is_known = all(name in parameters for name in column_names(step.settings.when))
    return left_out(graph, step, parameters, {}) if is_known else None


def _holds(step: Step, values: Mapping[str, Any]) -> bool:
    import polars as pl

    columns = {name: pl.lit(value) for name, value in values.items()}
    try:
        found = pl.select(compiled_expression(step.settings.when, columns).alias("holds"))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        said = ", ".join(f"{name} is {value!r}" for name, value in values.items())
        raise InvalidError(
            f"{_place(step)}: {step.settings.when!r} cannot be told: {said} ({str(error).partition(chr(10))[0]})"
        ) from None
    if found.schema["holds"] not in (pl.Boolean, pl.Null):
        raise InvalidError(f"{_place(step)}: {step.settings.when!r} is neither true nor false", hint="compare it")
    return bool(found.item())


def _known(graph: Graph, step: Step, name: str, own: Mapping[str, Any]) -> None:
    if name in own:
        if own[name] is not None and not isinstance(own[name], _Plain):
            raise InvalidError(f"{_place(step)}: the parameter {name} is a {type(own[name]).__name__}, no plain value")
        return
    before, dot, metric = name.rpartition(".")
    meant = _meant(graph, step, before) if dot else []
    if len(meant) == 1:
        return
    if meant:
        raise InvalidError(
            f"{_place(step)} runs only when {step.settings.when}, and {before} runs {len(meant)} times: "
            f"there is more than one {metric}",
            hint="declare the parameter that it runs for there too",
        )
    metrics = (f"{stem}.METRIC" for stem in dict.fromkeys(each.stem for each in _earlier(graph, step.name)))
    known = (*own, *metrics)
    raise InvalidError(
        f"{_place(step)} runs only when {step.settings.when}, and {name!r} is no parameter of it"
        + (" and no metric of a step before it" if dot else ""),
        hint=nearest(name, known) or f'there are {", ".join(known) or "none"}; a metric is col("STEP.METRIC")',
    )


def _meant(graph: Graph, step: Step, name: str) -> list[str]:
    """Steps before one that go by a name: one, or those of its branches that run for the same values."""
    found = _earlier(graph, step.name)
    return [each.name for each in found if name in {each.name, each.stem} and each.branch.agrees(step.branch)]


def _earlier(graph: Graph, name: str) -> list[Step]:
    found, waiting = dict[str, None](), [name]
    while waiting:
        new = [before for before in graph.upstream(waiting.pop()) if before not in found]
        found |= dict.fromkeys(new)
        waiting += new
    return [step for step in graph.steps if step.name in found]


def _place(step: Step) -> str:
    return f"{step.path.name} cell {step.settings.cell}"
