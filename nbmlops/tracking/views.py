"""How runs look."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import PurePath
from typing import Any

from nbmlops.core.errors import spoken
from nbmlops.render.dispatch import html, json, looks, markdown, text
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Block, Drawing, Facts, Lines, Look, Part, Tone, line, table
from nbmlops.render.units import TIMES, count, duration, number, size, when
from nbmlops.tracking.active import ActiveRun
from nbmlops.tracking.autologging import Autolog
from nbmlops.tracking.records import Cell, HiddenState, Resources, Run

__all__ = ["metrics_of", "state"]

_TONES: dict[str, Tone] = {"running": "plain", "finished": "good", "failed": "bad", "killed": "bad"}
_SHOWN = 4
_DIFF = 40


def metrics_of(run: Run, most: int = _SHOWN) -> str:
    """The first metrics of a run in one phrase."""
    shown = [f"{name} {number(value)}" for name, value in list(run.metrics.items())[:most]]
    rest = len(run.metrics) - len(shown)
    return ", ".join([*shown, f"{rest} more"] if rest else shown)


def state(run: Run) -> Part:
    """What has become of a run, and how long it took."""
    tone = _TONES.get(run.status, "plain")
    if run.seconds is None:
        return Part(f"running since {when(run.started_at)}", tone)
    preposition = "in" if run.status == "finished" else "after"
    return Part(f"{run.status} {preposition} {duration(run.seconds)}", tone)


@looks(Run)
def _(run: Run) -> Look:
    failure: tuple[Block, ...] = ()
    if run.error:
        failure = (Drawing(f"{run.error.get('name', 'error')}: {run.error.get('value', '')}"),)
    return Look(
        line(
            f"run {run.name}",
            state(run),
            metrics_of(run),
            f"reads {', '.join(run.inputs)}" if run.inputs else None,
            f"writes {', '.join(run.outputs)}" if run.outputs else None,
            Part(f"hidden state: {_names(run.hidden_state)}", "warn") if run.hidden_state else None,
        ),
        body=failure,
        more=tuple(_details(run)),
    )


def _names(found: Iterable[HiddenState]) -> str:
    return ", ".join(sorted({one.name for one in found}))


def _facts(run: Run) -> Facts:
    git = run.git or {}
    commit = f"{git['branch']}@{git['commit'][:8]}" if git.get("commit") else None
    on = run.environment or {}
    python, cpu = on.get("python"), on.get("cpu")
    return Facts.of(
        {
            "id": run.id,
            "kind": run.kind,
            "started": when(run.started_at),
            "ended": when(run.ended_at),
            "notebook": run.notebook and PurePath(run.notebook).name + (" (its source is kept)" if run.source else ""),
            "git": commit and commit + (" (with changes)" if git.get("dirty") else ""),
            "python": python and f"{python}, {len(on.get('distributions', ()))} distributions",
            "processor": cpu and f"{on.get('cpus')} {TIMES} {cpu}",
            "threads": ", ".join(f"{name}={value}" for name, value in on.get("threads", {}).items()),
            "took": run.resources and _taken(run.resources),
            "parent": run.parent_id,
            "reproduced": _reproduced(run),
        }
    )


def _reproduced(run: Run) -> str:
    """What came of executing it again, when that was last done, and by which run."""
    tags = run.tags
    on = when(datetime.fromisoformat(tags["reproduced.at"])) if "reproduced.at" in tags else ""
    by = f"by {tags['reproduced.by']}" if tags.get("reproduced.by") else ""
    return ", ".join(filter(None, (tags.get("reproduced"), on, by, tags.get("reproduced.why", "").partition("\n")[0])))


def _details(run: Run) -> list[Block]:
    blocks: list[Block] = [_facts(run)]
    if note := run.tags.get("note"):
        blocks.append(Drawing(note))
    told = ("note", "reproduced")
    tags = {key: value for key, value in run.tags.items() if key.partition(".")[0] not in told}
    # Params are shown as they were given: a year is no 2,013.
    groups: tuple[tuple[str, Any, Callable[[Any], str]], ...] = (
        ("metric", run.metrics, number),
        ("param", run.params, str),
        ("tag", tags, str),
    )
    for name, values, written in groups:
        if values:
            blocks.append(table((name, "value"), [(key, written(value)) for key, value in values.items()]))
    if run.children:
        parts = [(child.name, child.status, duration(child.seconds), metrics_of(child)) for child in run.children]
        blocks.append(table(("part", "status", ">took", "metrics"), parts))
    if run.artifacts:
        blocks.append(table(("artifact", "digest"), [(key, digest[:8]) for key, digest in run.artifacts.items()]))
    if run.cells:
        rows = [(*_columns(cell), _first_line(cell.source)) for cell in run.cells]
        blocks.append(table((">cell", "status", ">took", ">processor", ">peak", ">written", "begins with"), rows))
    if run.hidden_state:
        found = [(_cell_of(one), one.name, str(one.line), one.message) for one in run.hidden_state]
        blocks.append(table((">cell", "name", ">line", "hidden state"), found))
    if run.diff is not None:
        blocks += _diff(run.diff, cut=bool((run.git or {}).get("cut")))
    return blocks


def _diff(diff: str, *, cut: bool) -> tuple[Block, ...]:
    """The first lines of what differed from the commit."""
    lines = diff.splitlines()
    rest = f"… {len(lines) - _DIFF:,} more lines" if len(lines) > _DIFF else ""
    end = ", ".join(phrase for phrase in (rest, "the end was too long to be kept" if cut else "") if phrase)
    title = Lines((line("git diff HEAD", count(len(lines), "line")),))
    shown: tuple[Block, ...] = (title, Drawing("\n".join(lines[:_DIFF])))
    return (*shown, Lines((line(Part(end, "muted")),))) if end else shown


def _taken(resources: Resources) -> str:
    """What a run took, in one line."""
    phrases = (
        resources.cpu_seconds is not None and f"{duration(resources.cpu_seconds)} of processor",
        resources.peak_memory is not None and f"peak memory {size(resources.peak_memory)} (of the process so far)",
        resources.written_bytes is not None and f"{size(resources.written_bytes)} written",
        resources.cost is not None and f"cost {number(resources.cost)}",
    )
    return ", ".join(phrase for phrase in phrases if phrase)


def _columns(cell: Cell) -> tuple[str, ...]:
    """Which cell it is, what became of it, and what it took, a phrase for each column."""
    taken = cell.resources or Resources(cell.seconds)
    sizes = ("" if amount is None else size(amount) for amount in (taken.peak_memory, taken.written_bytes))
    begun = str(cell.count or cell.position)
    return (begun, cell.status, duration(cell.seconds), duration(taken.cpu_seconds), *sizes)


def _cell_of(found: HiddenState) -> str:
    return found.cell_id or "" if found.count is None else str(found.count)


def _first_line(source: str) -> str:
    return next((row.strip() for row in source.splitlines() if row.strip()), "")


@looks(Autolog)
def _(autolog: Autolog) -> Look:
    if not autolog.on:
        return Look(line("autolog off"))
    without = [name for name, there in {"pictures": autolog.plots, "models": autolog.models}.items() if not there]
    return Look(
        line(
            "autolog on",
            f"what {autolog.library} fits in this process is logged",
            f"without {' and '.join(without)}" if without else None,
            Part(spoken("stop: `ml run autolog --off`"), "muted"),
        )
    )


@json.register
def _(obj: Run) -> dict[str, Any]:
    own = {name: json(getattr(obj, name)) for name in Run.__slots__}
    return {"name": obj.name, **own, "seconds": obj.seconds}


@text.register
def _(obj: ActiveRun, *, detail: bool = False, columns: int | None = None) -> str:
    return text(obj.record, detail=detail, columns=columns)


@html.register
def _(obj: ActiveRun, *, detail: bool = False) -> str:
    return html(obj.record, detail=detail)


@markdown.register
def _(obj: ActiveRun, *, detail: bool = False) -> str:
    return markdown(obj.record, detail=detail)


@json.register
def _(obj: ActiveRun) -> Any:
    return json(obj.record)


lists(
    Run,
    Field("run", lambda run: run.name),
    Field("kind", lambda run: run.kind),
    Field("status", lambda run: run.status),
    Field("started", lambda run: run.started_at, when),
    Field("took", lambda run: run.seconds, duration, right=True),
    Field("metrics", metrics_of),
    Field("params", lambda run: run.params, lambda params: ", ".join(f"{k}={v}" for k, v in params.items())),
    Field("notebook", lambda run: run.notebook, lambda path: PurePath(path).name),
    nothing="no runs yet; the first: %%ml run NAME at the top of a cell",
)
