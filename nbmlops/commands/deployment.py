"""Verbs on deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands.params import RefParam
from nbmlops.commands.tree import NounGroup
from nbmlops.render.listing import Listing

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("deployment")
_NAME = click.argument("name", type=RefParam("model"))


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
