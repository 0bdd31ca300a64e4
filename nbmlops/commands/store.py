"""Verbs on the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands.tree import NounGroup

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("store")


@group.verb("verify")
@click.option("--full", is_flag=True, help="Hash every byte again.")
def verify(session: Session, full: bool) -> Any:
    """Verify."""
    store = session.workspace.store
    with session.meter.bytes("verifying") as progress:
        found = store.verify(full=full, progress=progress)
    return session.judged(found, good=found.ok)


@group.verb("repair")
@click.option("--from", "source", required=True, metavar="URL", help="A remote, folder or URL that was pushed to.")
def repair(session: Session, source: str) -> Any:
    """Repair."""
    done = session.workspace.store.repair(source)
    return session.judged(done, good=not done.missing)


@group.verb("stats")
@click.option("--grace", default="14d", show_default=True, metavar="SPAN", help="The grace that gc would go by.")
def stats(session: Session, grace: str) -> Any:
    """Count."""
    store = session.workspace.store
    with session.meter.bytes("counting") as progress:
        return store.stats(grace=grace, progress=progress)


@group.verb("gc")
@click.option("--dry-run", is_flag=True, help="Only tell what would be freed.")
@click.option("--grace", default="14d", show_default=True, metavar="SPAN", help="What is younger is kept: 14d, 12h, 0.")
def gc(session: Session, dry_run: bool, grace: str) -> Any:
    """Collect."""
    store = session.workspace.store
    with session.meter.bytes("rewriting packs") as progress:
        return store.gc(dry_run=dry_run, grace=grace, progress=progress)


@group.verb("backup")
@click.argument("path", metavar="FILE", type=click.Path())
def backup(session: Session, path: str) -> Any:
    """Copy the catalog."""
    with session.meter.bytes("copying the catalog") as progress:
        return session.workspace.store.backup(path, progress=progress)


@group.verb("restore")
@click.argument("path", metavar="FILE", type=click.Path())
@click.option("--replace", is_flag=True, help="Let go what the catalog holds now.")
def restore(session: Session, path: str, *, replace: bool) -> Any:
    """Restore the catalog."""
    with session.meter.bytes("restoring the catalog") as progress:
        return session.workspace.store.restore(path, replace=replace, progress=progress)
