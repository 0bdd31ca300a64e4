"""Verbs of the workspace itself, such as init, status, lint, reproduce, lineage, score, story, log and serve."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands.offers import keys, notebooks, words
from nbmlops.commands.params import Given, KeyValue, ObjectParam, RefParam, mapping
from nbmlops.commands.tree import NounGroup
from nbmlops.core.errors import InvalidError
from nbmlops.render.dispatch import Diagram
from nbmlops.render.listing import Listing
from nbmlops.workspace.current import ml
from nbmlops.workspace.search.records import QUALITIES

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("")


@group.verb("init")
@click.argument("path", required=False, type=click.Path(file_okay=False))
@click.option("--project", metavar="NAME", help="Make a whole project of this name, by default in a new folder.")
@click.option("--data", metavar="FILE", type=click.Path(dir_okay=False), help="A CSV file that the project is about.")
@click.option("--target", metavar="COLUMN", help="The column of it to predict.")
@click.option("--dry-run", is_flag=True, help="Tell what would be made, and write nothing.")
def init(_: Session, path: str | None, **how: Any) -> Any:
    """Make a workspace, or a project, and show where it stands."""
    return ml.init(path, **how)


@group.verb("status")
def status(session: Session) -> Any:
    """Say where one stands."""
    return session.workspace.status()


@group.verb("doctor")
def doctor(session: Session) -> Any:
    """Look at everything, with a workspace or without."""
    diagnosis = ml.doctor()
    return session.judged(diagnosis, good=diagnosis.ok)


@group.verb("trust")
@click.argument("path", required=False, type=click.Path(exists=True, file_okay=False))
def trust(_: Session, path: str | None) -> Any:
    """Trust the workspace around a folder."""
    return ml.trust(path)


@group.verb("demo")
@click.argument("path", default="nbmlops-demo", type=click.Path(file_okay=False))
@click.option("--loop", is_flag=True, help="Go on: serve the model, replay April to August, and let the loop close.")
def demo(_: Session, path: str, loop: bool) -> Any:
    """Run the demo; what happens is told on stderr, and the result is a table."""
    from rich.console import Console

    from nbmlops.demo.console import ConsoleTeller
    from nbmlops.demo.story import run_demo

    return run_demo(Path(path), ConsoleTeller(Console(stderr=True)), loop=loop)


@group.verb("lint")
@click.argument("target", shell_complete=notebooks)
@click.option("--fix", is_flag=True, help="Show a diff that fixes what can be, and write it if agreed.")
@click.option("--yes", is_flag=True, help="Do not ask before it is written.")
def lint(session: Session, target: str, fix: bool, yes: bool) -> Any:
    """Lint a notebook or a pipeline."""
    from nbmlops.pipelines.linting.finding import Finding

    if fix:
        fixes = session.workspace.pipeline.fix(target, yes=yes)
        return session.judged(fixes, good=all(finding.severity != "error" for finding in fixes.left))
    found = Listing(session.workspace.lint(target), Finding)
    return session.judged(found, good=all(finding.severity != "error" for finding in found))


@group.verb("step")
@click.argument("notebook", required=False, type=click.Path(dir_okay=False))
def step(session: Session, notebook: str | None) -> Any:
    """Read the settings of a step, from the body of the cell or from a notebook."""
    body = session.notebook.body if session.notebook else None
    return ml.step(notebook, settings=body)


@group.verb("reproduce")
@click.argument("run", type=RefParam("run"))
@click.option(
    *("-p", "--param", "params"),
    multiple=True,
    metavar="KEY=VALUE",
    type=KeyValue(),
    help="A parameter that is to be another.",
)
@click.option("--notebook", metavar="PATH", help="Another notebook to execute, such as the one on the disk now.")
@click.option("--data", multiple=True, type=RefParam("data"), help="Another version to read.")
@click.option(
    "--tolerance", type=float, default=1e-9, show_default=True, help="How far numbers may differ, relatively."
)
@click.option("--strict", is_flag=True, help="Execute nothing where a package is another.")
def reproduce(session: Session, run: str, params: tuple[tuple[str, Any], ...], **how: Any) -> Any:
    """Execute a run again; the exit code of a shell is 1 when it is not the same."""
    again = session.workspace.reproduce
    with session.meter.steps(run) as progress:
        done = again(run, mapping(params), progress=progress, **how)
    return session.judged(done, good=done.is_same)


@group.verb("search")
@click.argument("text", nargs=-1)
@click.option(
    "--noun", shell_complete=words("model", "data", "feature", "pipeline", "run", "report"), help="Only of one noun."
)
@click.option("--owner", help="Only what is theirs.")
@click.option("--tag", metavar="KEY[=VALUE]", help="Only what has the tag.")
@click.option("--stale", metavar="SPAN", help="Only what has had no new version for so long: 30d, 12h.")
@click.option("--fresh", metavar="SPAN", help="Only what has had a new version since: 7d, 12h.")
@click.option("--failing", is_flag=True, help="Only what its newest report says no to, and runs that failed.")
@click.option(
    "--quality", metavar="STATUS", shell_complete=words(*QUALITIES), help="Only what its newest report says this of."
)
@click.option("--used/--unused", default=None, help="Only what some run has read, or none has.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=10, show_default=True, help="How many of each noun.")
@click.option("--html", type=click.Path(), metavar="FILE", help="Write what is found as a page of its own.")
def search(session: Session, text: tuple[str, ...], **asked: Any) -> Any:
    """Find what is known of a text."""
    return session.workspace.search(" ".join(text), **asked)


@group.verb("lineage")
@click.argument("ref", type=RefParam("data"))
@click.option("--direction", type=click.Choice(["both", "upstream", "downstream"]), default="both", help="Where to go.")
@click.option("--depth", type=int, default=10, help="How many versions far.")
@click.option("--kind", type=click.Choice(["data", "feature", "model", "pipeline"]), help="Of what kind the name is.")
@click.option("--mermaid", is_flag=True, help="Write it as a Mermaid flowchart.")
def lineage(session: Session, ref: str, mermaid: bool, **how: Any) -> Any:
    """Draw a lineage."""
    graph = session.workspace.lineage(ref, **how)
    return Diagram(graph.mermaid()) if mermaid else graph


@group.verb("story")
@click.argument("name", type=RefParam("model"))
@click.option("--since", metavar="WHEN", help="From when on: a span such as 30d, or a date such as 2026-08-01.")
@click.option("-n", "--limit", type=int, default=200, show_default=True, help="How many moments; the newest are kept.")
@click.option("--html", metavar="FILE", type=click.Path(dir_okay=False), help="Write it as a page of its own.")
@click.option("--markdown", metavar="FILE", type=click.Path(dir_okay=False), help="Write it as Markdown.")
def story(session: Session, name: str, **how: Any) -> Any:
    """Tell the story of a model."""
    return session.workspace.story(name, **how)


@group.verb("serve")
@click.argument("ref", required=False, type=RefParam("model"))
@click.option("--stop", is_flag=True, help="Stop what serves REF; without REF, all of this workspace.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Where to listen; by default where it is free.")
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="A name that callers know this machine by.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="How many processes answer.")
@click.option("--token-file", metavar="PATH", type=click.Path(dir_okay=False), help="The token; made if not there.")
@click.option("--max-body", type=click.IntRange(1), metavar="BYTES", help="How large a request may be.")
@click.option("--max-rows", type=click.IntRange(1), metavar="ROWS", help="How many rows a request may have.")
@click.option("--background", metavar="REF", type=RefParam("data"), help="The table that answers are explained by.")
@click.option("--logs", is_flag=True, help="Log each request: route, status, time, rows; no values.")
@click.option("--capture/--no-capture", default=True, help="Keep requests and answers, as the deployment says.")
def serve(session: Session, ref: str | None, stop: bool, **how: Any) -> Any:
    """Serve; a shell waits until it is stopped, a cell goes on."""
    from nbmlops.render.dispatch import text
    from nbmlops.serving.endpoint.records import Endpoint

    if session.face == "cell" or ref is None or stop:
        found = session.workspace.serve(ref, stop=stop, **how)
        return Listing(found, Endpoint) if isinstance(found, list) else found
    from nbmlops.workspace.endpoints import serve_here

    def started(endpoint: Endpoint, token: str | None) -> None:
        click.echo(text(endpoint))
        # Only for people: what is written to a file stays there, and whoever starts it from a cell has the file.
        if token is not None and sys.stdout.isatty():
            click.echo(f"  the token, which is said only now: {token}")

    serve_here(session.workspace, ref, started, **how)
    return None


@group.verb("score")
@click.argument("name", type=RefParam("model", names_only=True))
@click.option("--within", metavar="SPAN", default="90d", show_default=True, help="How old evidence may be.")
@click.option("--keep/--no-keep", default=True, help="Whether a score that is another joins the history.")
@click.option("--html", type=click.Path(dir_okay=False), metavar="FILE", help="Write the sheet as a page of its own.")
@click.option("--markdown", type=click.Path(dir_okay=False), metavar="FILE", help="Write it as Markdown.")
def score(session: Session, name: str, **how: Any) -> Any:
    """Score a model."""
    return session.workspace.score(name, **how)


@group.verb("log")
@click.argument("values", shell_complete=keys("metrics"), nargs=-1, metavar="[KEY=VALUE]...", type=KeyValue())
@click.option("--step", type=int, help="The step that the values belong to.")
@click.option("-a", "--artifact", multiple=True, type=ObjectParam(), help="A file, a folder or a value to keep.")
def log(session: Session, values: tuple[tuple[str, Any], ...], step: int | None, artifact: tuple[Given, ...]) -> Any:
    """Log metrics, and keep artifacts."""
    if not values and not artifact:
        raise InvalidError("there is nothing to log", hint="`ml log auc=0.91`, or a file: `ml log -a figure.png`")
    run = session.workspace.log(mapping(values), step=step)
    for each in artifact:
        run.artifact(each.value, each.name)
    return run
