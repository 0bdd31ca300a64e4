"""Verbs on checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbmlops.checks.records import SECTIONS, STATUSES, Report
from nbmlops.commands.params import Given, ObjectParam
from nbmlops.commands.tree import NounGroup
from nbmlops.core.errors import InvalidError
from nbmlops.render.listing import Listing

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("check", default="data")
_TABLE = ObjectParam("table", or_ref=True)


@group.verb("infer")
@click.argument("values", type=_TABLE, nargs=-1, required=True)
@click.option("--from", "from_", type=click.IntRange(min=2), metavar="N", help="Learn from the newest N versions.")
@click.option("--to", type=click.Path(), metavar="FILE", help="Write the suite to a new file.")
@click.option("--name", help="What to call the suite.")
def infer(session: Session, values: tuple[Given, ...], from_: int | None, to: str | None, name: str | None) -> Any:
    """Learn a suite from versions of a table; the last of several is held out, and tested on."""
    given = [value.value for value in values]
    return session.workspace.check.infer(*given, from_=from_, to=to, name=name or values[-1].name)


@group.verb("data")
@click.argument("value", type=_TABLE)
@click.option("--suite", type=click.Path(exists=True, dir_okay=False), help="A file that holds the suite.")
@click.option("--strict", is_flag=True, help="Fail when a check fails.")
@click.option("--name", help="What the report calls a table without a reference.")
def data(session: Session, value: Given, suite: str | None, strict: bool, name: str | None) -> Any:
    """Judge data by the body of the cell, by a file, or by the version before it."""
    body = session.notebook.body if session.notebook else None
    if body and suite:
        raise InvalidError("there are two suites: the body of the cell, and --suite", hint="leave one out")
    expected = Path(suite).read_text(encoding="utf-8") if suite else body
    report = session.workspace.check.data(value.value, expected, strict=strict, name=name or value.name)
    return session.judged(report, good=report.passed)


@group.verb("list")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many.")
@click.option("--subject", help="Only on this reference, or on all versions of this name.")
@click.option("--status", type=click.Choice(STATUSES), help="Only of this status.")
@click.option("--section", type=click.Choice(SECTIONS), help="Only of this section.")
@click.option("--before", type=click.IntRange(min=1), help="Only with a lower number: the next page.")
def list_(session: Session, limit: int, **wanted: Any) -> Any:
    """List reports."""
    return Listing(session.workspace.check.list(limit, **wanted), Report)


@group.verb("show")
@click.argument("number")
@click.option("--junit", type=click.Path(dir_okay=False), help="A file to write as JUnit XML, for CI systems.")
@click.option("--html", type=click.Path(dir_okay=False), help="A file to write as a page of its own.")
def show(session: Session, number: str, junit: str | None, html: str | None) -> Any:
    """Show a report."""
    return session.workspace.check.show(number, junit=junit, html=html)


@group.verb("diff")
@click.argument("before")
@click.argument("after")
def diff(session: Session, before: str, after: str) -> Any:
    """Compare two reports."""
    return session.workspace.check.diff(before, after)
