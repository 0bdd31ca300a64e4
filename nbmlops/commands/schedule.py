"""Verbs on schedules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands.offers import schedules, words
from nbmlops.commands.params import KeyValue, RefParam, mapping
from nbmlops.commands.tree import JSON, NounGroup
from nbmlops.render.dispatch import json as to_json
from nbmlops.render.dispatch import text
from nbmlops.render.listing import Listing

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("schedule")
_PARALLEL = click.option("--parallel", type=click.IntRange(min=1), help="How many run at once; the cores by default.")


@group.verb("add")
@click.argument("target", type=RefParam("pipeline"))
@click.argument("cron", required=False)
@click.option("--tz", metavar="ZONE", help="The time zone of CRON; UTC by default.")
@click.option("--every", metavar="SPAN", help="Start again and again, such as 6h.")
@click.option(
    "--on",
    metavar="EVENT",
    help="Start after data:, model:, report:, drift:, monitor: or stale:NAME, or commit.",
)
@click.option("--older", metavar="AGE", help="With --on stale:MODEL, the age that is too old, such as 30d.")
@click.option(
    "--catchup",
    shell_complete=words("all", "latest", "none"),
    default="latest",
    show_default=True,
    metavar="RULE",
    help="Missed times: all, latest, none.",
)
@click.option(
    "--overlap",
    shell_complete=words("queue", "forbid", "replace"),
    default="queue",
    show_default=True,
    metavar="RULE",
    help="While one runs: queue, forbid, replace.",
)
@click.option("--late", default="15m", show_default=True, metavar="SPAN", help="After what time a start is late.")
@click.option(
    *("-p", "--param", "params"),
    multiple=True,
    metavar="KEY=VALUE",
    type=KeyValue(),
    help='What it is given; "day=due:%Y-%m-%d" is the day that it stands for.',
)
@click.option("--name", help="What to call the schedule; as its target by default.")
@click.option("--action", default="pipeline", show_default=True, help="What kind of thing it starts.")
def add(session: Session, target: str, params: tuple[tuple[str, Any], ...], **asked: Any) -> Any:
    """Add a schedule."""
    return session.workspace.schedule.add(target, params=mapping(params), **asked)


@group.verb("list")
def list_(session: Session) -> Any:
    """List schedules."""
    from nbmlops.pipelines.schedules.records import Schedule

    return Listing(session.workspace.schedule.list(), Schedule)


@group.verb("show")
@click.argument("name", shell_complete=schedules())
def show(session: Session, name: str) -> Any:
    """Show a schedule."""
    return session.workspace.schedule.show(name)


@group.verb("next")
@click.argument("name", shell_complete=schedules())
@click.option("-n", "--number", type=click.IntRange(min=1), default=5, show_default=True, help="How many.")
def next_(session: Session, name: str, number: int) -> Any:
    """List the next times."""
    from nbmlops.pipelines.schedules.records import Upcoming

    return Listing(session.workspace.schedule.next(name, number), Upcoming)


@group.verb("history")
@click.argument("name", shell_complete=schedules())
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
def history(session: Session, name: str, limit: int) -> Any:
    """List what has come due."""
    from nbmlops.pipelines.schedules.records import Fire

    return Listing(session.workspace.schedule.history(name, limit), Fire)


@group.verb("pause")
@click.argument("name", shell_complete=schedules())
def pause(session: Session, name: str) -> Any:
    """Pause."""
    return session.workspace.schedule.pause(name)


@group.verb("resume")
@click.argument("name", shell_complete=schedules())
def resume(session: Session, name: str) -> Any:
    """Resume."""
    return session.workspace.schedule.resume(name)


@group.verb("run")
@click.option("--once", is_flag=True, help="Start what is due now, wait for its end, and return.")
@_PARALLEL
def run(session: Session, once: bool, parallel: int | None) -> Any:
    """Be the daemon: a line for each fire, with --json a line of JSON."""
    context = click.get_current_context()
    as_json = context.meta.get(JSON)

    def tell(said: Any) -> None:
        click.echo(json.dumps(to_json(said), ensure_ascii=False) if as_json else text(said))

    vigil = session.workspace.schedule.run(once=once, parallel=parallel, tell=tell)
    session.judged(vigil, good=vigil.is_good)
    if not as_json:
        return vigil
    # One line like the others, in place of a document.
    tell(vigil)
    context.meta[JSON] = False
    return None


@group.verb("unit")
@click.option("--to", metavar="FOLDER", help="Where to write it; only shown by default.")
def unit(session: Session, to: str | None) -> Any:
    """Write the unit of systemd."""
    return session.workspace.schedule.unit(to=to)


@group.verb("delete")
@click.argument("name", shell_complete=schedules())
def delete(session: Session, name: str) -> Any:
    """Delete, until restored."""
    return session.workspace.schedule.delete(name)


@group.verb("restore")
@click.argument("name", shell_complete=schedules(deleted=True))
def restore(session: Session, name: str) -> Any:
    """Restore, paused."""
    return session.workspace.schedule.restore(name)


@group.verb("rename")
@click.argument("old", shell_complete=schedules())
@click.argument("new")
def rename(session: Session, old: str, new: str) -> Any:
    """Rename."""
    return session.workspace.schedule.rename(old, new)
