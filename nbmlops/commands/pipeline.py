"""Verbs on pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands.offers import aliases, steps, words
from nbmlops.commands.params import KeyValue, RefParam, mapping
from nbmlops.commands.tree import NounGroup
from nbmlops.render.dispatch import Diagram
from nbmlops.render.listing import Listing

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("pipeline")
_REF, _NAME = RefParam("pipeline"), RefParam("pipeline", names_only=True)

_PARAMS = click.option(
    *("-p", "--param", "params"),
    multiple=True,
    metavar="KEY=VALUE",
    type=KeyValue(),
    help="A parameter of the notebooks.",
)

_TO = click.option(
    "--to",
    shell_complete=aliases("pipeline"),
    default="production",
    show_default=True,
    metavar="ALIAS",
    help="The alias to move.",
)
_FOR = click.option(
    *("--for", "for_"),
    multiple=True,
    metavar="KEY=VALUES",
    type=KeyValue(),
    help="Run steps with this parameter for each value, as month=1..12 or region=north,south.",
)


def _listed(records: Any) -> Any:
    from nbmlops.pipelines.records import PipelineVersion

    return Listing(records, PipelineVersion)


@group.verb("list")
def list_(session: Session) -> Any:
    """List pipelines."""
    from nbmlops.pipelines.records import Pipeline

    return Listing(session.workspace.pipeline.list(), Pipeline)


@group.verb("show")
@click.argument("name", type=_REF)
@click.option("--mermaid", is_flag=True, help="Write the graph as a Mermaid flowchart.")
def show(session: Session, name: str, mermaid: bool) -> Any:
    """Draw the graph."""
    graph = session.workspace.pipeline.show(name)
    return Diagram(graph.mermaid()) if mermaid else graph


@group.verb("run")
@click.argument("name", type=_REF)
@_PARAMS
@click.option(
    "--from", "start", shell_complete=steps, multiple=True, metavar="STEP", help="Run this step and what waits for it."
)
@click.option(
    "--until", shell_complete=steps, multiple=True, metavar="STEP", help="Run this step and what it waits for."
)
@click.option(
    "--only", shell_complete=steps, multiple=True, metavar="STEP", help="Run this step alone; repeat for more."
)
@_FOR
@click.option("--cache/--no-cache", default=True, help="Whether unchanged steps are skipped.")
@click.option(
    "--logical-time", metavar="TIME", help='The time it stands for, such as "due:0 6 * * *"; it commits once.'
)
@click.option("--timeout", type=float, metavar="SECONDS", help="Stop a step that runs longer.")
@click.option("--cell-timeout", type=float, metavar="SECONDS", help="Stop a step whose cell runs longer.")
@click.option("--memory", metavar="SIZE", help="Stop a step that has more, such as 2GiB, with its child processes.")
@click.option(
    "--executor",
    shell_complete=words("threads", "dask"),
    metavar="WHERE",
    help="Where steps run: threads, of this machine, or dask.",
)
@click.option("--scheduler", metavar="ADDRESS", help="The scheduler of Dask, such as tcp://10.0.0.5:8786.")
@click.option("--log-output", is_flag=True, help="Show what the cells print, as it comes.")
def run(
    session: Session,
    name: str,
    params: tuple[tuple[str, Any], ...],
    start: tuple[str, ...],
    until: tuple[str, ...],
    only: tuple[str, ...],
    for_: tuple[tuple[str, Any], ...],
    log_output: bool,
    **options: Any,
) -> Any:
    """Run the steps."""
    from nbmlops.commands.live import printing
    from nbmlops.pipelines.fan import parse_fan
    from nbmlops.pipelines.selection import Selection

    steps, pipeline = Selection(start, until, only) or None, session.workspace.pipeline
    limits = _limits(options.pop("timeout"), options.pop("cell_timeout"), options.pop("memory"))
    with session.meter.steps(name) as progress:
        told = printing(progress) if log_output else progress
        return pipeline.run(
            name, mapping(params), steps=steps, for_=parse_fan(for_), limits=limits, progress=told, **options
        )


def _limits(step: float | None, cell: float | None, memory: str | None) -> Any:
    from nbmlops.core.sizes import bytes_of
    from nbmlops.pipelines.request import Limits

    return Limits(cell, step=step, memory=None if memory is None else bytes_of(memory))


@group.verb("resume")
@click.argument("run", type=RefParam("run"))
def resume(session: Session, run: str) -> Any:
    """Go on with a run that failed."""
    pipeline = session.workspace.pipeline
    with session.meter.steps(run) as progress:
        return pipeline.resume(run, progress=progress)


@group.verb("stop")
@click.argument("run", type=RefParam("run"))
def stop(session: Session, run: str) -> Any:
    """Stop a run that goes on."""
    return session.workspace.pipeline.stop(run)


@group.verb("explain")
@click.argument("name", type=_REF)
@_PARAMS
@_FOR
def explain(session: Session, name: str, params: tuple[tuple[str, Any], ...], for_: tuple[tuple[str, Any], ...]) -> Any:
    """Say which steps would run, and why."""
    from nbmlops.pipelines.fan import parse_fan

    return session.workspace.pipeline.explain(name, mapping(params), for_=parse_fan(for_))


@group.verb("backfill")
@click.argument("name", type=_REF)
@click.option("--from", "start", required=True, metavar="DAY", help="The first day, or a time in ISO 8601.")
@click.option("--to", "end", required=True, metavar="DAY", help="The last day, or a time in ISO 8601.")
@_PARAMS
@click.option("--cron", metavar="LINE", help="When it was due; as its schedule says by default.")
@click.option("--tz", metavar="ZONE", help="The time zone of --cron; UTC by default.")
@click.option("--parallel", type=int, default=1, show_default=True, help="How many times are run at once.")
@click.option(
    "--reprocess",
    shell_complete=words("failed", "completed", "none"),
    default="failed",
    show_default=True,
    metavar="WHICH",
    help="Run again: failed, completed, none.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be run.")
def backfill(session: Session, name: str, params: tuple[tuple[str, Any], ...], **asked: Any) -> Any:
    """Run the times of the past."""
    pipeline = session.workspace.pipeline
    with session.meter.steps(name) as progress:
        done = pipeline.backfill(name, params=mapping(params), progress=progress, **asked)
    return session.judged(done, good=done.is_good)


@group.verb("export")
@click.argument("name", type=_REF)
@click.argument("target", metavar="TARGET")
@_PARAMS
@click.option("--to", metavar="FOLDER", help="Where to write the files; only shown by default.")
@click.option("--cron", metavar="LINE", help='When it is due, such as "0 6 * * 1-5".')
@click.option("--tz", default="UTC", show_default=True, metavar="ZONE", help="The time zone of --cron.")
@click.option("--image", help="The container image, for kubernetes and argo.")
def export(
    session: Session,
    name: str,
    target: str,
    params: tuple[tuple[str, Any], ...],
    to: str | None,
    cron: str | None,
    tz: str,
    image: str | None,
) -> Any:
    """Write files for another orchestrator."""
    return session.workspace.pipeline.export(name, target, mapping(params), to=to, cron=cron, tz=tz, image=image)


@group.verb("package")
@click.argument("name", type=_REF)
@click.argument("file", required=False, metavar="FILE")
@click.option("--with-data", is_flag=True, help="Put in the data and models that it reads, too.")
def package(session: Session, name: str, file: str | None, with_data: bool) -> Any:
    """Write a frozen version into one file."""
    return session.workspace.pipeline.package(name, file, with_data=with_data)


@group.verb("rehearse")
@click.argument("name", type=_NAME)
@click.option("--rows", type=int, default=1_000, show_default=True, help="How many rows of each table are taken.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Stop the steps after so long.")
def rehearse(session: Session, name: str, rows: int, timeout: float | None) -> Any:
    """Run the steps on samples, and leave nothing but the report."""
    pipeline = session.workspace.pipeline
    with session.meter.steps(name) as progress:
        report = pipeline.rehearse(name, rows=rows, timeout=timeout, progress=progress)
    return session.judged(report, good=report.passed)


@group.verb("promote")
@click.argument("name", type=_NAME)
@_TO
@click.option("--against", type=RefParam("run"), help="The run that the proof is compared with.")
@click.option("-m", "--message", help="Why.")
def promote(session: Session, name: str, to: str, against: str | None, message: str | None) -> Any:
    """Promote a pipeline."""
    pipeline = session.workspace.pipeline
    with session.meter.steps(name) as progress:
        promotion = pipeline.promote(name, to, against=against, message=message, progress=progress)
    return session.judged(promotion, good=promotion.waits is None)


@group.verb("approve")
@click.argument("name", type=_REF)
@_TO
@click.option("-m", "--message", help="Why.")
def approve(session: Session, name: str, to: str, message: str | None) -> Any:
    """Approve what another person asked to promote."""
    promotion = session.workspace.pipeline.approve(name, to, message=message)
    return session.judged(promotion, good=promotion.waits is None)


@group.verb("reject")
@click.argument("name", type=_REF)
@_TO
@click.option("-m", "--message", help="Why.")
def reject(session: Session, name: str, to: str, message: str | None) -> Any:
    """Say no to what waits for approval."""
    return session.workspace.pipeline.reject(name, to, message=message)


@group.verb("rollback")
@click.argument("name", type=_NAME)
@click.argument("alias", shell_complete=aliases("pipeline"), default="production")
def rollback(session: Session, name: str, alias: str) -> Any:
    """Roll an alias back."""
    return session.workspace.pipeline.rollback(name, alias)


@group.verb("history")
@click.argument("name", type=_NAME)
def history(session: Session, name: str) -> Any:
    """List frozen versions."""
    return _listed(session.workspace.pipeline.history(name))


@group.verb("delete")
@click.argument("ref", type=_REF)
def delete(session: Session, ref: str) -> Any:
    """Delete, until restored."""
    return _listed(session.workspace.pipeline.delete(ref))


@group.verb("restore")
@click.argument("ref", type=RefParam("pipeline", deleted=True))
def restore(session: Session, ref: str) -> Any:
    """Restore."""
    return _listed(session.workspace.pipeline.restore(ref))


@group.verb("rename")
@click.argument("old", type=_NAME)
@click.argument("new")
def rename(session: Session, old: str, new: str) -> Any:
    """Rename."""
    return session.workspace.pipeline.rename(old, new)
