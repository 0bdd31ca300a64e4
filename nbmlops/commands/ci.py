"""Verbs of continuous integration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands.params import RefParam
from nbmlops.commands.tree import NounGroup

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("ci", alone="run")


@group.verb("run")
@click.argument("names", nargs=-1, type=RefParam("pipeline", names_only=True))
@click.option("--rows", type=int, default=1_000, show_default=True, help="How many rows of each table the sample has.")
@click.option("--quick", is_flag=True, help="Leave the run on all rows out.")
@click.option("--timeout", type=float, metavar="SECONDS", help="How long each run of a pipeline may take.")
@click.option("--junit", type=click.Path(), metavar="FILE", help="Write the report as JUnit XML.")
def run(session: Session, names: tuple[str, ...], **how: Any) -> Any:
    """Lint, test and run pipelines."""
    ci = session.workspace.ci
    with session.meter.steps("ci") as progress:
        report = ci.run(*names, progress=progress, **how)
    return session.judged(report, good=report.passed)


@group.verb("init")
@click.argument("target", metavar="TARGET")
@click.option("--force", is_flag=True, help="Replace a file that is another.")
def init(session: Session, target: str, force: bool) -> Any:
    """Write a workflow."""
    return session.workspace.ci.init(target, force=force)
