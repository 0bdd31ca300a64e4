"""The panel of pipelines: their graphs, how runs stand, what is due when, and what is frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.core.refs import Ref, check_alias, check_name
from nbmlops.jupyter.panels.lines import words
from nbmlops.jupyter.panels.outputs import shown_cells
from nbmlops.jupyter.panels.panel import Panel
from nbmlops.jupyter.panels.shaped import short
from nbmlops.pipelines.packaging.unpacking import is_package
from nbmlops.pipelines.schedules.dates import is_due
from nbmlops.render.listing import Listing
from nbmlops.tracking.ml_line import quoted

if TYPE_CHECKING:
    from nbmlops.pipelines.graph import Step
    from nbmlops.pipelines.schedules.records import Schedule
    from nbmlops.tracking.records import Run
    from nbmlops.workspace import Workspace

__all__ = ["panel"]

_PAGE = 100
_CELLS = 40
_UPCOMING = 5
_LONGEST = 2_000
"""Characters of a text."""
_TAGS = ("version", "logical_time", "steps", "for", "stop")


def overview(workspace: Workspace) -> dict[str, Any]:
    """All pipelines: their steps, what is frozen, the last run, what waits, and whether there is a working copy."""
    working = workspace.settings.pipelines
    return {"rows": [{**asdict(found), "is_working": found.name in working} for found in workspace.pipeline.list()]}


def graph(workspace: Workspace, name: str) -> dict[str, Any]:
    """The graph of a pipeline: steps in an order in which they can run, and why they wait for one another."""
    found, root = workspace.pipeline.show(name), workspace.marker.root
    edges: dict[tuple[str, str, bool], list[str]] = {}
    for edge in found.edges:
        edges.setdefault((edge.before, edge.after, edge.gate), []).append(edge.name)
    outside: dict[str, dict[str, Any]] = {}
    for step, read in found.external:
        outside.setdefault(f"{read.kind} {read.ref}", {"kind": read.kind, "ref": read.ref, "to": []})["to"].append(step)
    return {
        "steps": [_step(step, root) for step in found.steps],
        "edges": [
            {"before": before, "after": after, "gate": gate, "names": [one for one in dict.fromkeys(names) if one]}
            for (before, after, gate), names in edges.items()
        ],
        "outside": list(outside.values()),
        "run": found.run,
        "last": found.last,
    }


def runs(workspace: Workspace, name: str, after: str | None = None, limit: int = _PAGE) -> dict[str, Any]:
    """A page of the runs of a pipeline, newest first; `next` is the run that the next page comes after."""
    size = max(1, min(limit, _PAGE))
    found = workspace.run.list(size, experiment=name, where="kind = 'pipeline'", after=after)
    return {"rows": [_run_row(run) for run in found], "next": found[-1].id if len(found) == size else None}


def live(workspace: Workspace, run: str) -> dict[str, Any]:
    """How a run stands: each step that has begun with its state, the cell that runs, and how long it takes."""
    found = workspace.pipeline.follow(run)
    return {"run": _run_row(found.run), "steps": found.steps, "now": workspace.clock.now()}


def output(workspace: Workspace, run: str, start: int = 0) -> dict[str, Any]:
    """The cells of a step's run from `start` on, with what they have said."""
    cells = workspace.pipeline.cells_of(run)["cells"]
    return {"cells": shown_cells(cells, start, _CELLS), "start": start, "total": len(cells)}


def explain(workspace: Workspace, name: str, params: dict[str, str] | None = None) -> Any:
    """Which steps a run would execute now, and why."""
    return workspace.pipeline.explain(name, params or {})


def why(workspace: Workspace, run: str) -> dict[str, Any]:
    """Why the step of a run was executed: what was another than before."""
    return {"reasons": workspace.pipeline.why(run)}


def waiting(workspace: Workspace, name: str) -> dict[str, Any]:
    """The promotions of a pipeline that others have to approve."""
    named = ("ref", "alias", "author", "at", "message", "where")
    found = workspace.pipeline.waiting(name)
    return {"rows": [{attribute: getattr(ask, attribute) for attribute in named} for ask in found]}


def form(workspace: Workspace, name: str, schedule: str | None = None) -> dict[str, Any]:
    """The parameters of a run, and what a schedule gives for them: as text, and the names of what no text says."""
    found = workspace.schedule.show(schedule).parameters if schedule else {}
    # A date that is filled in when it comes due is none yet.
    values = {key: value for key, value in found.items() if not (isinstance(value, str) and is_due(value))}
    given = workspace.pipeline.typed(name, values)
    untold = [key for key in values if key not in given]
    return {"fields": workspace.pipeline.form(name), "given": given, "untold": untold}


def faults(workspace: Workspace, name: str, values: dict[str, str]) -> dict[str, Any]:
    """What is wrong with values for them, by field; of a text of several lines, that no line of the grammar says it."""
    found = workspace.pipeline.faults(name, values)
    for field, text in values.items():
        try:
            quoted([text])
        except InvalidError as error:
            found.setdefault(field, error)
    return {field: {"message": error.message, "hint": error.hint} for field, error in found.items()}


def versions(workspace: Workspace, name: str) -> dict[str, Any]:
    """The frozen versions of a pipeline, newest first."""
    return {"rows": workspace.pipeline.history(name)[:_PAGE]}


def schedules(workspace: Workspace, name: str) -> dict[str, Any]:
    """What starts a pipeline, each with its next times; what waits for an event has none."""
    found = [each for each in workspace.schedule.list() if each.action == "pipeline"]
    mine = [each for each in found if Ref.parse(each.target).name == name]
    return {"rows": [{"schedule": each, "next": _upcoming(workspace, each)} for each in mine]}


def fires(workspace: Workspace, schedule: str) -> dict[str, Any]:
    """What has come due of a schedule, newest first."""
    return {"rows": workspace.schedule.history(schedule, 20)}


def _step(step: Step, root: Path) -> dict[str, Any]:
    path = step.path
    return {
        "name": step.name,
        "notebook": path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name,
        "parameters": list(step.parameters),
        "reads": [read.ref for read in step.reads],
        "writes": [write.name for write in step.writes],
        "checks": [check.ref for check in step.checks],
        "when": step.settings.when,
    }


def _run_row(run: Run) -> dict[str, Any]:
    error = {key: short(str(value), _LONGEST) for key, value in (run.error or {}).items()}
    told = {name: getattr(run, name) for name in "id name status started_at seconds params notebook".split()}
    return {**told, "error": error or None, "tags": {tag: run.tags[tag] for tag in _TAGS if tag in run.tags}}


def _upcoming(workspace: Workspace, schedule: Schedule) -> Sequence[Any]:
    waits = schedule.paused_at is not None or schedule.next_at is None
    return () if waits else workspace.schedule.next(schedule.name, _UPCOMING)


def _pipeline(name: str) -> str:
    """A pipeline or a version of it; a package, which is a file somewhere, is nothing that a front end may name."""
    if is_package(name):
        raise InvalidError(f"{name[:60]!r} is a file", hint=f"type it: `ml pipeline run {name[:60]}`")
    return str(Ref.parse(name))


def _because(message: str | None) -> list[str]:
    return ["-m", message] if message else []


def _given(params: Mapping[str, str] | None) -> list[str]:
    return [word for key, value in (params or {}).items() for word in ("-p", f"{key}={value}")]


def _run(
    name: str,
    params: dict[str, str] | None = None,
    only: list[str] | None = None,
    start: list[str] | None = None,
    cache: bool = True,
) -> list[str]:
    chosen = [
        word
        for option, steps in (("--only", only), ("--from", start))
        for step in steps or ()
        for word in (option, step)
    ]
    return ["pipeline", "run", _pipeline(name), *_given(params), *chosen, *([] if cache else ["--no-cache"])]


def _explain(name: str) -> list[str]:
    return ["pipeline", "explain", _pipeline(name)]


def _resume(run: str) -> list[str]:
    return words("pipeline", "resume", beyond=(run,))


def _stop(run: str) -> list[str]:
    return words("pipeline", "stop", beyond=(run,))


def _promote(name: str, to: str = "production", message: str | None = None) -> list[str]:
    return ["pipeline", "promote", check_name(name), "--to", check_alias(to), *_because(message)]


def _approve(ref: str, to: str = "production", message: str | None = None) -> list[str]:
    return ["pipeline", "approve", str(Ref.parse(ref)), "--to", check_alias(to), *_because(message)]


def _reject(ref: str, to: str = "production", message: str | None = None) -> list[str]:
    return ["pipeline", "reject", str(Ref.parse(ref)), "--to", check_alias(to), *_because(message)]


def _rollback(name: str, alias: str = "production") -> list[str]:
    return ["pipeline", "rollback", check_name(name), check_alias(alias)]


def _add(target: str, cron: str, tz: str | None = None, params: dict[str, str] | None = None) -> list[str]:
    zone = [f"--tz={tz}"] if tz else []
    return words("schedule", "add", *zone, *_given(params), beyond=(str(Ref.parse(target)), cron))


def _pause(schedule: str) -> list[str]:
    return words("schedule", "pause", beyond=(schedule,))


def _unpause(schedule: str) -> list[str]:
    return words("schedule", "resume", beyond=(schedule,))


def _remove(schedule: str) -> list[str]:
    return words("schedule", "delete", beyond=(schedule,))


def _static(workspace: Workspace) -> Listing[Any]:
    from nbmlops.pipelines.records import Pipeline

    return Listing(workspace.pipeline.list(), Pipeline)


_ASKS = (overview, graph, runs, live, output, waiting, explain, why, form, faults, versions, schedules, fires)
panel = Panel(
    name="pipelines",
    title="Pipelines",
    asks={each.__name__: each for each in _ASKS},
    lines={
        "run": _run,
        "explain": _explain,
        "resume": _resume,
        "stop": _stop,
        "promote": _promote,
        "approve": _approve,
        "reject": _reject,
        "rollback": _rollback,
        "add": _add,
        "pause": _pause,
        "unpause": _unpause,
        "remove": _remove,
    },
    static=_static,
    # They execute notebooks, and go on when the kernel or the server that began them ends.
    apart=frozenset({"run", "resume", "promote"}),
)
