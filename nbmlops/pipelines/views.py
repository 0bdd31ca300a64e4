"""How pipelines, their runs, their graphs and the findings of their lint look."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from nbmlops.core import digests
from nbmlops.core.errors import spoken
from nbmlops.data.views import verdict
from nbmlops.pipelines.ci.workflow import Workflow
from nbmlops.pipelines.explaining import Explanation
from nbmlops.pipelines.export.records import Export
from nbmlops.pipelines.graph import Graph
from nbmlops.pipelines.linting.finding import Finding
from nbmlops.pipelines.linting.fixing import Fixes
from nbmlops.pipelines.packaging.records import Package
from nbmlops.pipelines.records import Pipeline, PipelineRun, PipelineVersion, StepResult
from nbmlops.pipelines.step_settings import StepSettings
from nbmlops.render.diagram import Shown, diagram
from nbmlops.render.dispatch import json, looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Drawing, Facts, Lines, Look, Part, Tone, line, table
from nbmlops.render.units import count, duration, number, size, when

__all__: list[str] = []

_SIGNS: dict[str, tuple[str, Tone]] = {
    "completed": ("✓", "good"),
    "skipped": ("=", "muted"),
    "waiting": ("·", "muted"),
    "running": ("·", "plain"),
    "not_run": ("·", "muted"),
}
_FAILED: tuple[str, Tone] = ("✗", "bad")
_DRAWN = {
    **dict.fromkeys(("completed", "skipped"), "done"),
    **dict.fromkeys(("failed", "timed_out", "kernel_died", "cancelled"), "failed"),
}
_WARNED: tuple[str, Tone] = ("!", "warn")


def _aliases(aliases: Any) -> str:
    return ", ".join(f"{alias}: {ref}" for alias, ref in aliases.items())


@looks(Pipeline)
def _(pipeline: Pipeline) -> Look:
    waits = "; ".join(pipeline.waits)
    last = f"last run {pipeline.last_run} {pipeline.last_status}" if pipeline.last_run else "not run yet"
    return Look(
        line(f"pipeline {pipeline.name}", count(len(pipeline.steps), "step"), last, _aliases(pipeline.aliases)),
        more=(Facts.of({"steps": " → ".join(pipeline.steps), "newest": pipeline.newest, "waits": waits}),),
    )


@looks(PipelineVersion)
def _(version: PipelineVersion) -> Look:
    parameters = [(name, number(value)) for name, value in version.parameters.items()]
    facts = {
        "digest": version.digest,
        "frozen": f"{when(version.created_at)} by {version.author}",
        "message": version.message,
        "aliases": ", ".join(version.aliases),
        "steps": " → ".join(version.steps),
        "run": version.run_id,
        "promoted on": verdict(version.judged),
        "suites": ", ".join(version.reports),
        "approval": "; ".join(version.asked),
    }
    gone = Part(spoken(f"deleted {when(version.deleted_at)}; undo: `ml pipeline restore {version.name}`"), "warn")
    return Look(
        line(
            version.ref,
            count(len(version.steps), "step"),
            size(version.size),
            Part(digests.short(version.digest), "muted"),
            gone if version.deleted_at else None,
        ),
        more=(Facts.of(facts), *((table(("parameter", "value"), parameters),) if parameters else ())),
    )


def _step(step: StepResult) -> tuple[Part, ...]:
    sign, tone = _SIGNS.get(step.status, _FAILED)
    metrics = ", ".join(f"{name} {number(value)}" for name, value in list((step.metrics or {}).items())[:4])
    return line(
        Part(f"{sign} {step.name}", tone),
        step.status.replace("_", " "),
        duration(step.seconds),
        f"writes {', '.join(step.outputs)}" if step.outputs else None,
        metrics,
        Part(step.why if step.status != "completed" else "", "muted"),
    )


@looks(PipelineRun)
def _(done: PipelineRun) -> Look:
    run = done.run
    ended = Part(f"{run.status} in {duration(run.seconds)}", "good" if run.status == "finished" else "bad")
    told = f"{count(len(done.ran), 'step')} run, {len(done.skipped):,} skipped"
    notes = [line(Part(f"  {note}", "muted")) for note in done.notes]
    notes += [line(Part(f"  {step.name}: {note}", "muted")) for step in done.steps for note in step.notes]
    kept = {step.name: step.output_notebook for step in done.steps if step.output_notebook}
    return Look(
        line(f"run {run.name}", ended, told),
        body=(Lines((*map(_step, done.steps), *notes)),),
        more=(Facts.of(kept),) if kept else (),
    )


@looks(Graph)
def _(graph: Graph) -> Look:
    told = line(count(len(graph.steps), "step"), f"last run {graph.run}" if graph.run else "not run yet")
    return Look(told, body=(diagram(graph.text(), "steps of the pipeline", *_drawn(graph)),))


def _drawn(graph: Graph) -> tuple[list[Shown], list[tuple[str, str]]]:
    """Steps and what they take from outside, in layers: a step stands right of all that it waits for."""
    layers: dict[str, int] = {}
    for step in graph.steps:
        layers[step.name] = 1 + max((layers[name] for name in graph.upstream(step.name)), default=0)
    outside = dict.fromkeys(f"{read.kind}:{read.ref}" for _, read in graph.external)
    first = {f"{read.kind}:{read.ref}": layers[name] for name, read in reversed(graph.external)}
    shown = [Shown(f"x{key}", key.partition(":")[2], "", first[key] - 1, "thing") for key in outside]
    for step in graph.steps:
        state = graph.last.get(step.name, "")
        shown.append(Shown(step.name, step.name, state.replace("_", " "), layers[step.name], _DRAWN.get(state, "work")))
    arrows = [(f"x{read.kind}:{read.ref}", name) for name, read in graph.external]
    arrows += [(edge.before, edge.after) for edge in graph.edges]
    return shown, list(dict.fromkeys(arrows))


@json.register
def _(obj: Graph) -> dict[str, Any]:
    steps = [
        {
            "name": step.name,
            "notebook": str(step.path),
            "parameters": json(step.parameters),
            "reads": [access.ref for access in step.reads],
            "writes": [access.name for access in step.writes],
            "checks": [access.ref for access in step.checks],
            "last": obj.last.get(step.name),
        }
        for step in obj.steps
    ]
    return {"steps": steps, "edges": [json(edge) for edge in obj.edges], "mermaid": obj.mermaid(), "last_run": obj.run}


_WILL: dict[str, tuple[str, Tone]] = {"run": ("✓", "good"), "skip": ("=", "muted"), "depends": ("·", "warn")}


@looks(Explanation)
def _(explanation: Explanation) -> Look:
    counts = {will: sum(step.will == will for step in explanation.steps) for will in _WILL}
    told = f"{count(counts['run'], 'step')} would run, {counts['skip']:,} be skipped"
    if counts["depends"]:
        told += f", {counts['depends']:,} would depend on those before"
    lines = []
    for step in explanation.steps:
        sign, tone = _WILL[step.will]
        lines.append(line(Part(f"{sign} {step.step}", tone), step.will, step.why[0]))
        lines += [line(Part(f"    {reason}", "muted")) for reason in step.why[1:]]
    return Look(line(explanation.pipeline, told), body=(Lines(tuple(lines)),))


@looks(StepSettings)
def _(settings: StepSettings) -> Look:
    said = dict(settings.lines())
    told = line("settings of a step", count(len(said), "setting") if said else "the usual ones")
    return Look(told, body=(Facts.of(said),) if said else ())


@json.register
def _(obj: StepSettings) -> dict[str, Any]:
    return dict(obj.lines())


@looks(Export)
def _(export: Export) -> Look:
    where = f"written to {export.folder}" if export.folder else Part("written nowhere: --to FOLDER writes it", "warn")
    told = line(f"{export.pipeline} for {export.target}", where)
    notes = Lines(tuple(line(Part(f"next: {note}", "muted")) for note in export.notes))
    facts = Facts.of({"files": ", ".join(export.files), "calls": export.command})
    if export.folder:
        return Look(told, body=(facts, notes))
    shown = "\n".join(f"--- {name}\n{content}" for name, content in export.files.items())
    return Look(told, body=(facts, Drawing(shown), notes))


@looks(Package)
def _(package: Package) -> Look:
    held = f"{count(len(package.notebooks), 'notebook')}, {count(len(package.modules), 'module')}"
    facts = {
        "notebooks": ", ".join(package.notebooks),
        "modules": ", ".join(package.modules),
        "schedules": ", ".join(package.schedules),
        "reads": ", ".join(package.needs),
        "digest": package.digest,
    }
    reads = count(len(package.needs), "input")
    told = f"{reads} with it" if package.with_data else f"{reads}, which must be where it runs"
    nexts = line(Part(spoken(f"runs elsewhere with: `ml pipeline run {package.file}`"), "muted"))
    return Look(
        line(package.file, package.pipeline, size(package.size), held, told if package.needs else None),
        body=(Lines((nexts,)),),
        more=(Facts.of(facts),),
    )


@looks(Finding)
def _(finding: Finding) -> Look:
    sign, tone = _FAILED if finding.severity == "error" else _WARNED
    place = f"cell {finding.cell} line {finding.line} of {PurePath(finding.notebook).name}"
    return Look(
        line(Part(f"{sign} {place}", tone), Part(finding.message), Part(f"[{finding.rule}]", "muted")),
        body=(Lines((line(Part(f"fix: {finding.fix}")),)),),
        more=(Lines((line(Part(f"why: {finding.why}", "muted")),)),),
    )


@looks(Workflow)
def _(workflow: Workflow) -> Look:
    notes = Lines(tuple(line(Part(f"next: {note}", "muted")) for note in workflow.notes))
    return Look(line(workflow.path, f"written for {workflow.target}"), body=(notes,), more=(Drawing(workflow.content),))


@looks(Fixes)
def _(fixes: Fixes) -> Look:
    fixed, left = [one for each in fixes.notebooks for one in each.fixed], fixes.left
    told = Part("written" if fixes.written else "not written: --yes writes it", "good" if fixes.written else "warn")
    notes = [line(Part(f"saved before it is loaded: {', '.join(fixes.saves)}"))] if fixes.saves else []
    notes += [
        line(
            Part(f"{'✗' if one.severity == 'error' else '!'} cell {one.cell} line {one.line} of {one.notebook}"),
            one.message,
        )
        for one in left
    ]
    diff = "\n".join(each.diff for each in fixes.notebooks if each.diff)
    return Look(
        line(fixes.target, f"{count(len(fixed), 'finding')} fixed, {len(left):,} left", told if diff else None),
        body=(*((Drawing(diff),) if diff else ()), *((Lines(tuple(notes)),) if notes else ())),
    )


lists(
    Finding,
    Field("", lambda finding: finding.severity, lambda severity: "✗" if severity == "error" else "!"),
    Field("notebook", lambda finding: finding.notebook),
    Field("cell", lambda finding: finding.cell, right=True),
    Field("line", lambda finding: finding.line, right=True),
    Field("rule", lambda finding: finding.rule),
    Field("found", lambda finding: finding.message),
    Field("fix", lambda finding: finding.fix),
    nothing="lint ✓ nothing found",
)
lists(
    Pipeline,
    Field("pipeline", lambda pipeline: pipeline.name),
    Field("steps", lambda pipeline: (f"✗ {pipeline.fault}",) if pipeline.fault else pipeline.steps, " → ".join),
    Field("newest", lambda pipeline: pipeline.newest),
    Field("aliases", lambda pipeline: pipeline.aliases, _aliases),
    Field("last run", lambda pipeline: pipeline.last_run),
    Field("status", lambda pipeline: pipeline.last_status),
    Field("waits for approval", lambda pipeline: pipeline.waits, "; ".join),
    nothing="no pipelines; name the first in pyproject.toml, under [tool.nbmlops.pipelines]",
)
lists(
    PipelineVersion,
    Field("version", lambda version: version.ref),
    Field("steps", lambda version: len(version.steps), right=True),
    Field("size", lambda version: version.size, size, right=True),
    Field("digest", lambda version: version.digest, digests.short),
    Field("frozen", lambda version: version.created_at, when),
    Field("aliases", lambda version: version.aliases, ", ".join),
    Field("promoted on", lambda version: version.judged, lambda judged: verdict(judged) or ""),
    Field("suites", lambda version: version.reports, ", ".join),
    Field("approval", lambda version: version.asked, "; ".join),
    Field("deleted", lambda version: version.deleted_at, when),
    Field("message", lambda version: version.message),
    nothing="no frozen versions; the first: `ml pipeline promote NAME`",
)
