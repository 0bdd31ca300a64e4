"""Verbs on monitors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands.offers import words
from nbmlops.commands.params import Given, ObjectParam, RefParam
from nbmlops.commands.tree import NounGroup
from nbmlops.render.listing import Listing

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("monitor")
_KINDS = words(
    *("calibration", "dependencies", "drift", "fairness", "invariants", "metric", "performance"),
    *("pipeline", "quality", "skew", "stability", "staleness"),
)


@group.verb("add")
@click.argument("name")
@click.argument("deployment", type=RefParam("model"))
@click.argument("kind", shell_complete=_KINDS)
@click.option(
    "--reference", metavar="REF", help="Data, a suite's file, before, or a pipeline; the training data by default."
)
@click.option("--window", metavar="SPAN", default="1d", show_default=True, help="How far back it looks.")
@click.option("--bound", type=float, metavar="NUMBER", help="From where on it fails; the kind's own by default.")
@click.option("--metric", metavar="METRIC", help="Of quality: which; accuracy by default.")
@click.option(
    *("--severity", "severity"),
    default="fail",
    show_default=True,
    metavar="RULE",
    shell_complete=words("fail", "warn"),
    help="What becomes of a bound that is not kept: fail, warn.",
)
@click.option("--owner", metavar="WHO", help="Who is asked; you by default.")
@click.option("--code", metavar="FUNCTION", help="Of skew and metric: a function, as features.py:make or a.ipynb:make.")
@click.option("--key", metavar="COLUMN", help="Of skew: the input by which rows are found again.")
@click.option("--column", metavar="COLUMN", help="Of fairness, quality and calibration: by whose groups.")
@click.option(
    "--better", metavar="WHICH", shell_complete=words("high", "low"), help="Of metric: which figures are better."
)
@click.option("--features", is_flag=True, help="Of skew: make the features that the model was trained on again.")
def add(session: Session, name: str, deployment: str, kind: str, **asked: Any) -> Any:
    """Add a monitor."""
    return session.workspace.monitor.add(name, deployment, kind, **asked)


@group.verb("list")
@click.argument("deployment", required=False, type=RefParam("model"))
def list_(session: Session, deployment: str | None) -> Any:
    """List monitors."""
    from nbmlops.monitoring.records import Monitor

    return Listing(session.workspace.monitor.list(deployment), Monitor)


@group.verb("show")
@click.argument("name")
@click.option("--html", type=click.Path(), metavar="FILE", help="Write it as a page of its own.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=100, show_default=True, help="How many reports.")
def show(session: Session, name: str, html: str | None, limit: int) -> Any:
    """Show a monitor."""
    return session.workspace.monitor.show(name, html=html, limit=limit)


@group.verb("simulate")
@click.argument("name")
@click.option(
    "--by",
    metavar="STEP",
    default="month",
    show_default=True,
    shell_complete=words("hour", "day", "week", "month"),
    help="How long each window is: hour, day, week, month.",
)
@click.option("--since", metavar="DATE", help="The first day; all that was captured by default.")
@click.option("--until", metavar="DATE", help="The day after the last.")
def simulate(session: Session, name: str, **asked: Any) -> Any:
    """Look at the past."""
    return session.workspace.monitor.simulate(name, **asked)


@group.verb("run")
@click.argument("names", nargs=-1)
@click.option("--strict", is_flag=True, help="Fail when one does not pass.")
def run(session: Session, names: tuple[str, ...], strict: bool) -> Any:
    """Look now."""
    from nbmlops.checks.records import Report

    reports = session.workspace.monitor.run(*names, strict=strict)
    return session.judged(Listing(reports, Report), good=all(report.passed for report in reports))


@group.verb("labels")
@click.argument("deployment", type=RefParam("model"))
@click.argument("data", type=ObjectParam("table", or_ref=True))
@click.option("--key", metavar="COLUMN", help="An input by which labels meet their rows; the request's _id by default.")
@click.option("--label", metavar="COLUMN", help="The column with the labels.")
@click.option("--at", metavar="COLUMN", help="The column that says when each was known; now by default.")
def labels(session: Session, deployment: str, data: Given, **said: Any) -> Any:
    """Take in labels."""
    return session.workspace.monitor.labels(deployment, data.value, **said)


@group.verb("history")
@click.argument("name")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
def history(session: Session, name: str, limit: int) -> Any:
    """List reports."""
    from nbmlops.checks.records import Report

    return Listing(session.workspace.monitor.history(name, limit=limit), Report)


@group.verb("alerts")
@click.argument("deployment", required=False, type=RefParam("model"))
@click.option("--closed", is_flag=True, help="Those that are over too.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many.")
def alerts(session: Session, deployment: str | None, closed: bool, limit: int) -> Any:
    """List alerts."""
    from nbmlops.monitoring.alerts.records import Alert

    return Listing(session.workspace.monitor.alerts(deployment, closed=closed, limit=limit), Alert)


@group.verb("digest")
@click.option("--since", metavar="SPAN", default="1d", show_default=True, help="How far back it goes.")
@click.option("--send", is_flag=True, help="Hand it to those whom the project names.")
def digest(session: Session, since: str, send: bool) -> Any:
    """Tell the rest."""
    return session.workspace.monitor.digest(since=since, send=send)


@group.verb("silence")
@click.argument("name")
@click.argument("span")
def silence(session: Session, name: str, span: str) -> Any:
    """Tell nobody for some time."""
    return session.workspace.monitor.silence(name, span)


@group.verb("pause")
@click.argument("name")
def pause(session: Session, name: str) -> Any:
    """Leave it out."""
    return session.workspace.monitor.pause(name)


@group.verb("resume")
@click.argument("name")
def resume(session: Session, name: str) -> Any:
    """Run it again."""
    return session.workspace.monitor.resume(name)


@group.verb("delete")
@click.argument("name")
def delete(session: Session, name: str) -> Any:
    """Delete, until restored."""
    return session.workspace.monitor.delete(name)


@group.verb("restore")
@click.argument("name")
def restore(session: Session, name: str) -> Any:
    """Restore."""
    return session.workspace.monitor.restore(name)
