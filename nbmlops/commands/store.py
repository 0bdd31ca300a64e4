"""Verbs on the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands.offers import words
from nbmlops.commands.params import RefParam
from nbmlops.commands.tree import NounGroup
from nbmlops.core.errors import InvalidError
from nbmlops.core.permissions import ROLES
from nbmlops.render.listing import Listing

if TYPE_CHECKING:
    from nbmlops.commands.session import Session
    from nbmlops.store.holds import Hold

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


@group.verb("audit")
@click.option("--who", metavar="NAME", help="Whose doing it was; * stands for any text.")
@click.option("--action", metavar="ACTION", help="What was done, such as data.erase or model.*.")
@click.option("--subject", metavar="NAME", help="On what; a name means all its versions.")
@click.option("--since", metavar="WHEN", help="From when on: a span such as 30d, or a date such as 2026-08-01.")
@click.option("--until", metavar="WHEN", help="Before when.")
@click.option("--limit", type=int, default=100, show_default=True, help="How many at most.")
@click.option("--after", type=int, metavar="NUMBER", help="The number of the last event of the page before.")
@click.option("--verify", is_flag=True, help="Tell whether the trail is whole, and remember its end.")
@click.option("--against", type=click.Path(), metavar="FILE", help="With --verify: an export that it has to hold.")
@click.option("--export", metavar="FORM", shell_complete=words("jsonl", "cef"), help="Write it for a SIEM: jsonl, cef.")
@click.option("--to", type=click.Path(), metavar="FILE", help="With --export: the file.")
def audit(session: Session, *, verify: bool, against: str | None, export: str | None, to: str | None, **of: Any) -> Any:
    """List, verify or export the audit trail."""
    store = session.workspace.store
    if (export is None) != (to is None):
        raise InvalidError("an export needs its form and its file", hint="`ml store audit --export jsonl --to FILE`")
    if against is not None and not verify:
        raise InvalidError("--against goes with --verify", hint=f"`ml store audit --verify --against {against}`")
    if verify:
        found = store.verify_audit(against)
        return session.judged(found, good=found.ok)
    if export is not None and to is not None:
        del of["limit"]
        with session.meter.bytes("exporting the audit trail") as progress:
            return store.export_audit(export, to, progress=progress, **of)
    from nbmlops.store.audit import Event

    return Listing(store.audit(**of), Event)


@group.verb("export")
@click.argument("form", shell_complete=words("openlineage", "datahub"))
@click.argument("path", metavar="FILE", type=click.Path())
@click.option("--since", metavar="WHEN", help="From when on: a span such as 30d, or a date such as 2026-08-01.")
@click.option("--namespace", metavar="NAME", help="What it is told under; by default what only this workspace has.")
def export(session: Session, form: str, path: str, **of: Any) -> Any:
    """Write the catalog for others."""
    with session.meter.bytes("exporting the catalog") as progress:
        return session.workspace.store.export(form, path, progress=progress, **of)


@group.verb("hold")
@click.argument("refs", nargs=-1, required=True, type=RefParam("data"))
@click.option("--reason", required=True, metavar="TEXT", help="Why; whoever is refused is told.")
@click.option(
    "--kind", type=click.Choice(["data", "model", "pipeline", "feature", "run"]), help="Of what kind they are."
)
def hold(session: Session, refs: tuple[str, ...], reason: str, kind: str | None) -> Any:
    """Place holds."""
    return _holds(session.workspace.store.hold(*refs, reason=reason, kind=kind))


@group.verb("release")
@click.argument("holds", nargs=-1, required=True)
@click.option("--reason", required=True, metavar="TEXT", help="Why.")
def release(session: Session, holds: tuple[str, ...], reason: str) -> Any:
    """Release holds."""
    return _holds(session.workspace.store.release(*holds, reason=reason))


@group.verb("holds")
@click.option("--released", is_flag=True, help="List those that were released too.")
def holds_(session: Session, released: bool) -> Any:
    """List holds."""
    return _holds(session.workspace.store.holds(released=released))


def _holds(found: list[Hold]) -> Any:
    from nbmlops.store.holds import Hold

    return Listing(found, Hold)


@group.verb("retention")
def retention(session: Session) -> Any:
    """List the rules."""
    from nbmlops.store.retention_rules import RetentionRule

    return Listing(session.workspace.store.retention(), RetentionRule)


@group.verb("retain")
@click.option("--apply", is_flag=True, help="Delete them; without it they are only told.")
def retain(session: Session, *, apply: bool) -> Any:
    """Delete what the rules keep no longer."""
    return session.workspace.store.retain(apply=apply)


@group.verb("certificate")
@click.argument("erasure", required=False)
@click.option("--to", type=click.Path(), metavar="FILE", help="Write it to a file: .json, .html or .md.")
@click.option("--verify", type=click.Path(), metavar="FILE", help="Verify one that was written to a file.")
def certificate(session: Session, erasure: str | None, to: str | None, verify: str | None) -> Any:
    """Sign what an erasure did, or verify what was signed."""
    store = session.workspace.store
    if verify is not None:
        if erasure is not None or to is not None:
            raise InvalidError("a file is verified by itself", hint=f"`ml store certificate --verify {verify}`")
        return store.verify_certificate(verify)
    return store.certificate(erasure, to)


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


@group.verb("policy")
@click.option(
    "--set", "file", metavar="FILE", type=click.Path(dir_okay=False), help="Make this file the one that counts."
)
def policy(session: Session, file: str | None) -> Any:
    """Show or adopt the policy."""
    return session.workspace.store.policy(file)


@group.verb("break-glass")
@click.argument("reason")
def break_glass(session: Session, reason: str) -> Any:
    """Break the glass."""
    return session.workspace.store.break_glass(reason)


@group.verb("grant")
@click.argument("user", required=False)
@click.argument("role", required=False, shell_complete=words(*ROLES))
@click.option("--list", "listed", is_flag=True, help="Only list who has which role.")
def grant(session: Session, user: str | None, role: str | None, *, listed: bool) -> Any:
    """Grant a role."""
    from nbmlops.store.access.records import Grant

    return Listing(session.workspace.store.grant(user, role, listed=listed), Grant)


@group.verb("revoke")
@click.argument("user")
def revoke(session: Session, user: str) -> Any:
    """Revoke a role."""
    from nbmlops.store.access.records import Grant

    return Listing(session.workspace.store.revoke(user), Grant)
