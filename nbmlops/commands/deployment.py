"""Verbs on deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands.offers import words
from nbmlops.commands.params import KeyValue, RefParam, mapping
from nbmlops.commands.tree import NounGroup
from nbmlops.render.listing import Listing

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("deployment")
_NAME = click.argument("name", type=RefParam("model"))
_RISK = click.option("--risk", type=float, default=0.05, show_default=True, help="The chance to tell equal ones apart.")
_MEASURE = click.option(
    "--measure",
    metavar="NAME",
    shell_complete=words("accuracy", "brier", "absolute error"),
    help="What is compared: accuracy, brier, absolute error.",
)


@group.verb("list")
def list_(session: Session) -> Any:
    """List deployments."""
    from nbmlops.serving.records import Deployment

    return Listing(session.workspace.deployment.list(), Deployment)


@group.verb("show")
@_NAME
def show(session: Session, name: str) -> Any:
    """Show a deployment."""
    return session.workspace.deployment.show(name)


@group.verb("history")
@_NAME
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
def history(session: Session, name: str, limit: int) -> Any:
    """List changes."""
    from nbmlops.serving.records import DeploymentChange

    return Listing(session.workspace.deployment.history(name, limit=limit), DeploymentChange)


@group.verb("split")
@_NAME
@click.argument("shares", nargs=-1)
@click.option("--sticky", metavar="COLUMN", help="The column or header whose value chooses the share.")
@click.option("--off", is_flag=True, help="Serve the alias to all again.")
def split(session: Session, name: str, shares: tuple[str, ...], sticky: str | None, off: bool) -> Any:
    """Share out the callers."""
    return session.workspace.deployment.split(name, *shares, sticky=sticky, off=off)


@group.verb("shadow")
@_NAME
@click.argument("refs", nargs=-1)
@click.option("--off", is_flag=True, help="Let none do so any more.")
def shadow(session: Session, name: str, refs: tuple[str, ...], off: bool) -> Any:
    """Let versions answer unheard."""
    return session.workspace.deployment.shadow(name, *refs, off=off)


@group.verb("ramp")
@_NAME
@click.argument("challenger")
@click.option("--to", type=float, default=50, show_default=True, help="The percentage at the end.")
@click.option("--step", type=float, default=10, show_default=True, help="The percentage of each step.")
@click.option("--every", default="1h", show_default=True, metavar="SPAN", help="How long each step lasts.")
def ramp(session: Session, name: str, challenger: str, **said: Any) -> Any:
    """Give a challenger more and more callers."""
    return session.workspace.deployment.ramp(name, challenger, **said)


@group.verb("challenge")
@_NAME
@click.argument("pipeline", type=RefParam("pipeline"))
@click.option("--on", metavar="EVENT", required=True, help="Train after monitor:, drift: or data:NAME, and others.")
@click.option(
    *("-p", "--param", "params"),
    multiple=True,
    metavar="KEY=VALUE",
    type=KeyValue(),
    help='What the pipeline is given; "month=due-1d:%m" is of the day before the event.',
)
@click.option("--share", type=float, metavar="PERCENT", help="The callers that it answers; by default it is in shadow.")
@click.option("--least", default="1w", show_default=True, metavar="SPAN", help="How long it is tested at least.")
@click.option("--within", default="8w", show_default=True, metavar="SPAN", help="How long it is tested at most.")
@click.option("--every", default="1d", show_default=True, metavar="SPAN", help="How long it is between two looks.")
@_MEASURE
@_RISK
def challenge(session: Session, name: str, pipeline: str, params: tuple[tuple[str, Any], ...], **said: Any) -> Any:
    """Train a challenger after an event."""
    return session.workspace.deployment.challenge(name, pipeline, mapping(params), **said)


@group.verb("set")
@_NAME
@click.option("--alias", metavar="ALIAS", help="The alias that answers whom no share takes.")
@click.option("--sampled", type=float, metavar="SHARE", help="The share of the requests whose rows are kept, 0 to 1.")
@click.option("--unseen", metavar="RULE", shell_complete=words("refuse", "null", "pass"), help="Refuse, null, pass.")
@click.option(
    "--personal",
    multiple=True,
    metavar="COLUMN=RULE",
    type=KeyValue(),
    help="What is kept of an input column: keep, drop, hash.",
)
def set_(session: Session, name: str, personal: tuple[tuple[str, Any], ...], **said: Any) -> Any:
    """Say how it serves and what is kept."""
    return session.workspace.deployment.set(name, personal=mapping(personal), **said)


@group.verb("test")
@_NAME
@click.option("--challenger", default="challenger", show_default=True, metavar="REF", help="Its alias or version.")
@click.option("--champion", metavar="REF", help="Whom it is compared with; the alias that is served by default.")
@_MEASURE
@_RISK
def test(session: Session, name: str, **said: Any) -> Any:
    """Compare the challenger with the champion."""
    return session.workspace.deployment.test(name, **said)


@group.verb("replay")
@click.argument("request")
@click.option("--explain", is_flag=True, help="Tell what each input added to the answer.")
@click.option("--background", metavar="REF", type=RefParam("data"), help="The table that it is explained against.")
def replay(session: Session, request: str, **how: Any) -> Any:
    """Answer a captured request again."""
    return session.workspace.deployment.replay(request, **how)


@group.verb("forget")
@_NAME
@click.option("--older", metavar="SPAN", required=True, help="Remove hours that ended so long ago, such as 30d.")
def forget(session: Session, name: str, older: str) -> Any:
    """Remove what was captured long ago."""
    return session.workspace.deployment.forget(name, older=older)
