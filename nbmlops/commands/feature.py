"""Verbs on features."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands.offers import columns, words
from nbmlops.commands.paging import DELETED, NONE_DELETED, NONE_THERE, paged
from nbmlops.commands.params import Given, KeyValue, ObjectParam, RefParam, mapping
from nbmlops.commands.tree import NounGroup
from nbmlops.core.errors import InvalidError, NotFoundError, nearest
from nbmlops.render.listing import Listing

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("feature", default="define")
_REF, _NAME = RefParam("feature"), RefParam("feature", names_only=True)


def _rows(records: Any, nothing: str = "") -> Any:
    from nbmlops.features.records import FeatureRow

    return Listing(records, FeatureRow, nothing=nothing)


@group.verb("define")
@click.argument("function")
@click.option("--name", type=_NAME, help="What to call the view; the function's name by default.")
@click.option("--entity", multiple=True, metavar="COLUMN", help="A key column; once for each.")
@click.option(
    *("--from", "from_"),
    multiple=True,
    metavar="DATA",
    type=RefParam("data"),
    help="A source, once for each parameter of the function; on demand a table to try it on.",
)
@click.option("--time", metavar="COLUMN", help="The column of the event time in what the function returns.")
@click.option("--ttl", metavar="SPAN", shell_complete=words("1d", "7d", "4w"), help="How long a value is valid, as 7d.")
@click.option("--on-demand", is_flag=True, help="Compute it on the request, from its inputs.")
@click.option("--inputs", multiple=True, metavar="COLUMNS", help="On demand: columns of the request, or VIEW:FEATURE.")
@click.option("--owner", help="Who looks after it; whoever defines it by default.")
@click.option("--description", metavar="TEXT", help="What it is; the function's docstring by default.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", type=KeyValue(), help="A tag.")
@click.option("-m", "--message", help="Why this version was made.")
def define(session: Session, function: str, name: str | None, tags: tuple[tuple[str, Any], ...], **said: Any) -> Any:
    """Define a view by the function in the body of the cell, by one of the notebook, or by FILE.py:NAME."""
    notebook = session.notebook
    if notebook is None:
        found = _of_file(function)
    else:
        if notebook.body is not None:
            notebook.execute(notebook.body, {})
        found = _of_notebook(session, function)
    return session.workspace.feature.define(found, name, tags=mapping(tags), **said)


def _of_notebook(session: Session, name: str) -> Callable[..., Any]:
    known = session.notebook.variables if session.notebook else {}
    found = known.get(name)
    if not inspect.isroutine(found):
        functions = [each for each, value in known.items() if inspect.isfunction(value)]
        raise NotFoundError(
            f"there is no function {name!r} in this notebook",
            hint=nearest(name, functions) or f"define it in the body: def {name}(table): …",
        )
    return found


def _of_file(where: str) -> Callable[..., Any]:
    file, colon, name = where.rpartition(":")
    path = Path(file)
    if not colon or path.suffix != ".py":
        raise InvalidError(f"{where!r} names no function of a file", hint="write FILE.py:FUNCTION")
    if not path.is_file():
        raise NotFoundError(f"there is no file {path}", hint="write FILE.py:FUNCTION")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InvalidError(
            f"{path} does not run: {type(error).__name__}: {error}", hint="run it with python"
        ) from error
    functions = {each: value for each, value in vars(module).items() if inspect.isfunction(value)}
    if name not in functions:
        raise NotFoundError(f"{path} has no function {name!r}", hint=nearest(name, functions) or "name one of its own")
    return functions[name]


@group.verb("list")
@DELETED
def list_(session: Session, deleted: bool) -> Any:
    """List views and services."""
    return _rows(session.workspace.feature.list(deleted=deleted), NONE_DELETED if deleted else "")


@group.verb("show")
@click.argument("ref", type=_REF)
def show(session: Session, ref: str) -> Any:
    """Show a version."""
    return session.workspace.feature.show(ref)


@group.verb("search")
@click.argument("text")
def search(session: Session, text: str) -> Any:
    """Search."""
    return _rows(
        session.workspace.feature.search(text), f"nothing is said of {text!r}; all there is: `ml feature list`"
    )


@group.verb("history")
@click.argument("name", type=_NAME)
@paged
def history(session: Session, name: str, **page: Any) -> Any:
    """List versions."""
    from nbmlops.features.records import FeatureVersion

    return Listing(session.workspace.feature.history(name, **page), FeatureVersion, nothing=NONE_THERE)


@group.verb("diff")
@click.argument("before", type=_REF)
@click.argument("after", type=_REF, required=False)
def diff(session: Session, before: str, after: str | None) -> Any:
    """Tell what differs."""
    return session.workspace.feature.diff(before, after)


@group.verb("service")
@click.argument("name", type=_NAME)
@click.argument("features", type=_REF, nargs=-1, required=True)
@click.option("--owner", help="Who looks after it; whoever defines it by default.")
@click.option("--description", metavar="TEXT", default="", help="What it is for.")
def service(session: Session, name: str, features: tuple[str, ...], owner: str | None, description: str) -> Any:
    """Define a service."""
    return session.workspace.feature.service(name, features, owner=owner, description=description)


@group.verb("compute")
@click.argument("ref", type=_REF)
@click.option("--again", is_flag=True, help="Compute it even when that has been done.")
def compute(session: Session, ref: str, again: bool) -> Any:
    """Compute an offline table."""
    return session.workspace.feature.compute(ref, again=again)


@group.verb("training")
@click.argument("spine", type=ObjectParam("table", or_ref=True))
@click.argument("features", type=_REF, nargs=-1, required=True)
@click.option(
    "--time", shell_complete=columns, metavar="COLUMN", help="The time of the event; the only one by default."
)
@click.option("--label", shell_complete=columns, metavar="COLUMN", help="The column to be predicted.")
@click.option("--name", type=RefParam("data", names_only=True), help="What to call the training set.")
@click.option("-m", "--message", help="Why it was made.")
@click.option("--memory", type=click.FloatRange(min=0.1), metavar="MB", help="What the join may take of the memory.")
def training(session: Session, spine: Given, features: tuple[str, ...], **asked: Any) -> Any:
    """Make a training set."""
    return session.workspace.feature.training(spine.value, features, **asked)


@group.verb("usage")
@click.argument("name", type=_NAME, required=False)
@click.option("--dead", is_flag=True, help="Only those that nobody uses.")
def usage(session: Session, name: str | None, dead: bool) -> Any:
    """Tell who uses features."""
    from nbmlops.features.records import FeatureUsage

    found = session.workspace.feature.usage(name, dead=dead)
    return Listing(found, FeatureUsage, nothing="every feature is used" if dead else "")


@group.verb("retire")
@click.argument("name", type=_NAME)
@click.option("-m", "--message", default="nobody needs it", show_default=True, help="Why.")
def retire(session: Session, name: str, message: str) -> Any:
    """Retire a view or a service."""
    return session.workspace.feature.retire(name, message=message)


@group.verb("delete")
@click.argument("ref", type=_REF)
def delete(session: Session, ref: str) -> Any:
    """Delete, until restored."""
    return _rows(session.workspace.feature.delete(ref))


@group.verb("restore")
@click.argument("ref", type=RefParam("feature", deleted=True))
def restore(session: Session, ref: str) -> Any:
    """Restore."""
    return _rows(session.workspace.feature.restore(ref))


@group.verb("rename")
@click.argument("old", type=_NAME)
@click.argument("new")
def rename(session: Session, old: str, new: str) -> Any:
    """Rename."""
    return session.workspace.feature.rename(old, new)


@group.verb("materialize")
@click.argument("views", type=_REF, nargs=-1)
@click.option("--since", metavar="TIME", help="Only rows of event times from here on, which are added.")
@click.option("--until", metavar="TIME", help="Only rows of event times before this.")
@click.option("--again", is_flag=True, help="Write everything anew; keys that are no more go.")
def materialize(session: Session, views: tuple[str, ...], since: str | None, until: str | None, again: bool) -> Any:
    """Bring views online."""
    from nbmlops.features.online.records import Materialized

    with session.meter.steps("materialize") as progress:
        found = session.workspace.feature.materialize(*views, since=since, until=until, again=again, progress=progress)
    return Listing(found, Materialized)


@group.verb("online")
@click.argument("keys")
@click.argument("features", type=_REF, nargs=-1, required=True)
@click.option(
    "--down",
    type=click.Choice(["error", "stale"]),
    default="error",
    show_default=True,
    help="What becomes of it when the store is down: an error, or the last values known.",
)
def online(session: Session, keys: str, features: tuple[str, ...], down: str) -> Any:
    """Read features by key."""
    return session.workspace.feature.online(keys, features, down=down)


@group.verb("freshness")
@click.argument("views", type=_REF, nargs=-1)
def freshness(session: Session, views: tuple[str, ...]) -> Any:
    """Tell how fresh views are online."""
    from nbmlops.features.online.records import Freshness

    return Listing(session.workspace.feature.freshness(*views), Freshness)


@group.verb("export")
@click.option("--feast", metavar="FOLDER", required=True, help="A folder, which is made: a repository of Feast.")
def export(session: Session, feast: str) -> Any:
    """Write all views for others."""
    return session.workspace.feature.export(feast=feast)
