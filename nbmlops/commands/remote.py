"""Verbs on remotes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands.offers import remotes
from nbmlops.commands.tree import NounGroup
from nbmlops.render.listing import Listing
from nbmlops.workspace.remotes import RemoteName

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("remote")


@group.verb("add")
@click.argument("name")
@click.argument("where")
def add(session: Session, name: str, where: str) -> Any:
    """Add a remote."""
    return session.workspace.remote.add(name, where)


@group.verb("list")
def list_(session: Session) -> Any:
    """List remotes."""
    return Listing(session.workspace.remote.list(), RemoteName)


@group.verb("remove")
@click.argument("name", shell_complete=remotes)
def remove(session: Session, name: str) -> Any:
    """Remove a remote."""
    return session.workspace.remote.remove(name)
