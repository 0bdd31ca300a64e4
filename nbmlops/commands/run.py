"""Verbs on runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands.offers import artifacts, keys, measures, run_condition, run_order
from nbmlops.commands.params import KeyValue, RefParam, mapping
from nbmlops.commands.tree import NounGroup
from nbmlops.core.errors import InvalidError, NotFoundError, nearest

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("run", default="start")
_Pairs = tuple[tuple[str, Any], ...]


@group.verb("start")
@click.argument("name", type=RefParam("run", names_only=True))
@click.option(
    *("-p", "--param", "params"),
    shell_complete=keys("params"),
    multiple=True,
    metavar="KEY=VALUE",
    type=KeyValue(typed=True),
    help="A param; the cell sees it as a variable.",
)
@click.option(
    "--tag", "tags", shell_complete=keys("tags"), multiple=True, metavar="KEY=VALUE", type=KeyValue(), help="A tag."
)
def start(session: Session, name: str, params: _Pairs, tags: _Pairs) -> Any:
    """Run the body of the cell inside a run."""
    notebook = session.notebook
    if notebook is None or notebook.body is None:
        raise InvalidError(
            "a run records the code of a cell, and here is none", hint=f"`%%ml run {name}` at the top of a cell"
        )
    given = mapping(params)
    with session.workspace.run(name, given, mapping(tags)) as run:
        notebook.execute(notebook.body, given)
    return run.record


@group.verb("resume")
@click.argument("ref", type=RefParam("run"))
def resume(session: Session, ref: str) -> Any:
    """Run the body of the cell inside a run that was killed; its params are variables again."""
    notebook = session.notebook
    if notebook is None or notebook.body is None:
        raise InvalidError(
            "a run records the code of a cell, and here is none", hint=f"`%%ml run resume {ref}` at the top of a cell"
        )
    with session.workspace.run.resume(ref) as run:
        notebook.execute(notebook.body, run.record.params)
    return run.record


@group.verb("autolog")
@click.option("--off", is_flag=True, help="Log nothing more.")
@click.option("--plots/--no-plots", default=True, show_default=True, help="Draw pictures.")
@click.option("--models/--no-models", default=True, show_default=True, help="Save the fitted models.")
def autolog(session: Session, *, off: bool, plots: bool, models: bool) -> Any:
    """Log fits."""
    if session.face == "shell":
        raise InvalidError(
            "nothing is fitted in a shell's line, which ends at once",
            hint="say it in a cell of the notebook that fits, or ml.run.autolog() in a script",
        )
    return session.workspace.run.autolog(off=off, plots=plots, models=models)


@group.verb("list")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many.")
@click.option(
    "--where", shell_complete=run_condition, metavar="CONDITION", help='As in "metrics.auc > 0.8 and params.depth = 4".'
)
@click.option(
    "--by",
    shell_complete=run_order,
    metavar="[-]FIELD",
    help="What they are ordered by, as -metrics.auc for the largest first.",
)
@click.option("--after", type=RefParam("run"), help="The last run of the page before.")
@click.option("--experiment", type=RefParam("run", names_only=True), help="Only runs of this name.")
def list_(
    session: Session, limit: int, where: str | None, by: str | None, after: str | None, experiment: str | None
) -> Any:
    """List runs."""
    runs = session.workspace.run
    found = runs.list(limit, where=where, by=by, after=after, experiment=experiment)
    if experiment is not None and not found and not runs.list(1, experiment=experiment):
        known = sorted({run.experiment for run in runs.list(200)})
        raise NotFoundError(
            f"there is no run of an experiment {experiment!r}", hint=nearest(experiment, known) or "`ml run list`"
        )
    return found


@group.verb("best")
@click.argument("experiment", type=RefParam("run", names_only=True))
@click.option("--metric", shell_complete=measures, required=True, metavar="NAME", help="What is compared.")
@click.option("--lowest", is_flag=True, help="The lowest is the best.")
@click.option("--where", shell_complete=run_condition, metavar="CONDITION", help="Only runs for which it holds.")
def best(session: Session, experiment: str, metric: str, *, lowest: bool, where: str | None) -> Any:
    """Show the best run."""
    return session.workspace.run.best(experiment, metric, lowest=lowest, where=where)


@group.verb("compare")
@click.argument("refs", nargs=-1, required=True, type=RefParam("run"))
def compare(session: Session, refs: tuple[str, ...]) -> Any:
    """Compare runs."""
    return session.workspace.run.compare(*refs)


@group.verb("show")
@click.argument("ref", type=RefParam("run"))
def show(session: Session, ref: str) -> Any:
    """Show a run."""
    return session.workspace.run.show(ref)


@group.verb("note")
@click.argument("ref", type=RefParam("run"))
@click.argument("text")
def note(session: Session, ref: str, text: str) -> Any:
    """Write a note."""
    return session.workspace.run.note(ref, text)


@group.verb("artifact")
@click.argument("ref", type=RefParam("run"))
@click.argument("name", shell_complete=artifacts)
@click.option("--to", type=click.Path(), help="Where to write it.")
@click.option("--overwrite", is_flag=True, help="Write over what is there.")
def artifact(session: Session, ref: str, name: str, to: str | None, *, overwrite: bool) -> Any:
    """Load into a variable, or in a shell into a file."""
    if session.face == "shell" and to is None:
        raise InvalidError("a shell has no variable to load into", hint=f"`ml run artifact {ref} {name} --to FILE`")
    return session.workspace.run.load_artifact(ref, name, to=to, overwrite=overwrite)


@group.verb("export")
@click.argument("refs", nargs=-1, type=RefParam("run"))
@click.option("--to", required=True, metavar="FOLDER", help="A new folder, or mlflow:URI for MLflow.")
def export(session: Session, refs: tuple[str, ...], to: str) -> Any:
    """Export."""
    with session.meter.bytes("exporting") as progress:
        return session.workspace.run.export(*refs, to=to, progress=progress)


@group.verb("import")
@click.argument("source")
@click.option("--experiment", metavar="NAME", help="Take only the runs of this experiment.")
def import_(session: Session, source: str, experiment: str | None) -> Any:
    """Import."""
    with session.meter.bytes("importing") as progress:
        return session.workspace.run.import_(source, experiment=experiment, progress=progress)
