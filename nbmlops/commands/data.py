"""Verbs on data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands.offers import aliases, columns, data_condition, remotes
from nbmlops.commands.paging import DELETED, NONE_DELETED, paged
from nbmlops.commands.params import Given, KeyValue, ObjectParam, RefParam, mapping
from nbmlops.commands.tree import NounGroup
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("data")
_REF, _NAME = RefParam("data"), RefParam("data", names_only=True)
_Pairs = tuple[tuple[str, Any], ...]
_MESSAGE = click.option("-m", "--message", help="Why it was made.")
_TAGS = click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", type=KeyValue(), help="A tag of the version.")
_ALIAS = click.option("--alias", shell_complete=aliases("data"), help="An alias to move to it.")
_TAGGED = click.option(
    "--tag", "tags", multiple=True, metavar="KEY=VALUE", type=KeyValue(), help="Only versions with this tag."
)


def _listed(versions: Any, nothing: str = "") -> Any:
    from nbmlops.data.records import DataVersion
    from nbmlops.render.listing import Listing

    return Listing(versions, DataVersion, nothing=nothing)


@group.verb("save")
@click.argument("value", required=False, type=ObjectParam("table", or_url=True, unless=("query", "query_file")))
@click.argument("name", required=False, type=_NAME)
@click.option("--as", "as_", type=click.Choice(["table", "file"]), help="Save a file as the table in it, or as it is.")
@click.option("--query", is_eager=True, metavar="SQL", help="A query whose rows to save; then only NAME is given.")
@click.option("--query-file", is_eager=True, type=click.Path(), metavar="FILE", help="A file that holds the query.")
@click.option("--from", "from_", metavar="URL", help="The database to ask, as postgresql://host/database.")
@_MESSAGE
@_TAGS
@_ALIAS
@click.option("--allow-empty", is_flag=True, help="Save a table without rows.")
def save(session: Session, value: Given | None, name: str | None, tags: _Pairs, **how: Any) -> Any:
    """Save an object; its variable's name is the default name."""
    data = session.workspace.data
    value, name = _what(session, value, name, [how.pop(option) for option in ("query", "query_file", "from_")])
    with session.meter.bytes("saving") as progress:
        return data.save(value.value, name or value.name, tags=mapping(tags), progress=progress, **how)


def _what(session: Session, value: Given | None, name: str | None, asked: list[Any]) -> tuple[Given, str | None]:
    """What to save and its name: an object, or the rows of a query, where the only word is the name."""
    query, file, url = asked
    if query is None and file is None:
        if url is not None:
            raise InvalidError("--from says which database to ask, but not what", hint="add --query SQL")
        if value is None:
            raise InvalidError("data save needs VALUE", hint="`ml data save VALUE [NAME]`")
        return value, name
    usage = "`ml data save --query SQL --from URL NAME`"
    if value is None or name is not None:
        raise InvalidError("the rows of a query need one name, and nothing besides", hint=usage)
    if url is None:
        raise InvalidError("--query needs --from, the URL of a database", hint=usage)
    if query is not None and file is not None:
        raise InvalidError("the query is either given or in a file", hint="leave out --query or --query-file")
    # In a cell the URL may be in a variable, so that a password in it stays out of the notebook.
    known = session.notebook.variables if session.notebook else {}
    url = known.get(url, url)
    from nbmlops.data.query import Query

    return Given(Query(query, url) if file is None else Query.in_file(file, url)), value.value


@group.verb("track")
@click.argument("where")
@click.argument("name", required=False, type=_NAME)
@_MESSAGE
@_TAGS
@_ALIAS
def track(session: Session, where: str, name: str | None, tags: _Pairs, **how: Any) -> Any:
    """Track; the file's own name is the default name."""
    data = session.workspace.data
    with session.meter.bytes("reading") as progress:
        return data.track(where, name, tags=mapping(tags), progress=progress, **how)


@group.verb("load")
@click.argument("ref", type=_REF)
@click.option("--columns", shell_complete=columns, help="Columns to read, apart by commas.")
@click.option("--where", shell_complete=data_condition, help="A condition for the rows to read, as in 'month = 2'.")
@click.option("--sample", type=int, help="How many rows to draw at random, the same ones each time.")
@click.option("--as", "as_", type=click.Choice(["pandas", "arrow", "polars", "numpy", "path"]), help="What to give.")
@click.option("--to", type=click.Path(), help="Where to write it; .parquet or .csv for a table, .npy for an array.")
@click.option("--overwrite", is_flag=True, help="Write over what is there.")
@click.option("--locked", is_flag=True, help="Take what nbmlops.lock names.")
def load(session: Session, ref: str, columns: str | None, locked: bool, **how: Any) -> Any:
    """Load into a variable, or in a shell into a file."""
    if session.face == "shell" and how["to"] is None:
        raise InvalidError("a shell has no variable to load into", hint=f"`ml data load {ref} --to FILE`")
    names = None if columns is None else [name.strip() for name in columns.split(",")]
    data = session.workspace.data
    if not locked:
        # The exact version, so that what is said is what is loaded.
        session.source = ref = data.show(ref).ref
    return data.load(ref, columns=names, locked=locked, **how)


@group.verb("list")
@_TAGGED
@DELETED
def list_(session: Session, tags: _Pairs, deleted: bool) -> Any:
    """List names."""
    found = session.workspace.data.list(tags=mapping(tags), deleted=deleted)
    return _listed(found, NONE_DELETED if deleted else "")


@group.verb("show")
@click.argument("ref", type=_REF)
def show(session: Session, ref: str) -> Any:
    """Show a version."""
    return session.workspace.data.show(ref)


@group.verb("history")
@click.argument("name", type=_NAME)
@_TAGGED
@paged
def history(session: Session, name: str, tags: _Pairs, **page: Any) -> Any:
    """List versions."""
    return session.workspace.data.history(name, tags=mapping(tags), **page)


@group.verb("tag")
@click.argument("ref", type=_REF)
@click.argument("tags", nargs=-1, metavar="[KEY=VALUE]...", type=KeyValue())
@click.option("--remove", multiple=True, metavar="KEY", help="A tag to take off.")
def tag(session: Session, ref: str, tags: _Pairs, remove: tuple[str, ...]) -> Any:
    """Tag a version."""
    return session.workspace.data.tag(ref, mapping(tags), remove=remove)


@group.verb("alias")
@click.argument("ref", type=_REF)
@click.argument("alias", shell_complete=aliases("data"))
@click.option("--remove", is_flag=True, help="Take it off instead.")
def alias(session: Session, ref: str, alias: str, remove: bool) -> Any:
    """Move an alias."""
    return session.workspace.data.alias(ref, alias, remove=remove)


@group.verb("diff")
@click.argument("before", type=_REF)
@click.argument("after", required=False, type=_REF)
@click.option("--key", shell_complete=columns, help="Columns that tell rows apart, apart by commas.")
@click.option("--sample", type=int, default=10, show_default=True, help="How many cells and rows to show.")
def diff(session: Session, before: str, after: str | None, key: str | None, sample: int) -> Any:
    """Diff."""
    names = [name.strip() for name in key.split(",")] if key else ()
    return session.workspace.data.diff(before, after, key=names, sample=sample)


@group.verb("profile")
@click.argument("value", type=ObjectParam("table", or_ref=True))
def profile(session: Session, value: Given) -> Any:
    """Tell what a table holds."""
    with session.meter.bytes("reading") as progress:
        return session.workspace.data.profile(value.value, progress=progress)


@group.verb("blame")
@click.argument("ref", type=_REF)
@click.option("--column", shell_complete=columns, help="The column; all by default.")
@click.option("--key", shell_complete=columns, help="Columns that tell rows apart, apart by commas.")
def blame(session: Session, ref: str, column: str | None, key: str | None) -> Any:
    """Blame."""
    names = [name.strip() for name in key.split(",")] if key else ()
    return session.workspace.data.blame(ref, column=column, key=names)


@group.verb("delete")
@click.argument("ref", type=_REF)
@click.option("--unlock", is_flag=True, help="Take it out of nbmlops.lock too.")
def delete(session: Session, ref: str, unlock: bool) -> Any:
    """Delete, until restored."""
    return _listed(session.workspace.data.delete(ref, unlock=unlock))


@group.verb("restore")
@click.argument("ref", type=RefParam("data", deleted=True))
def restore(session: Session, ref: str) -> Any:
    """Restore."""
    return _listed(session.workspace.data.restore(ref))


@group.verb("rename")
@click.argument("old", type=_NAME)
@click.argument("new")
def rename(session: Session, old: str, new: str) -> Any:
    """Rename."""
    return session.workspace.data.rename(old, new)


@group.verb("concat")
@click.argument("refs", nargs=-1, required=True, type=_REF)
@click.option("--name", required=True, help="What to call it.")
@_MESSAGE
@_TAGS
@_ALIAS
def concat(session: Session, refs: tuple[str, ...], name: str, tags: _Pairs, **asked: Any) -> Any:
    """Put tables one below another."""
    data = session.workspace.data
    with session.meter.bytes(f"saving {name}") as progress:
        return data.concat(refs, name, tags=mapping(tags), progress=progress, **asked)


@group.verb("push")
@click.argument("refs", nargs=-1, type=_REF)
@click.option(
    "--to",
    shell_complete=remotes,
    metavar="REMOTE",
    help="A remote's name, a folder or a URL; the only remote by default.",
)
def push(session: Session, refs: tuple[str, ...], to: str | None) -> Any:
    """Push."""
    data = session.workspace.data
    with session.meter.bytes("pushing") as progress:
        return data.push(*refs, to=to, progress=progress)


@group.verb("pull")
@click.argument("refs", nargs=-1, type=_REF)
@click.option(
    "--from",
    "from_",
    shell_complete=remotes,
    metavar="REMOTE",
    help="A remote's name, a folder or a URL; the only one by default.",
)
@click.option("--locked", is_flag=True, help="Take what nbmlops.lock names.")
def pull(session: Session, refs: tuple[str, ...], from_: str | None, locked: bool) -> Any:
    """Pull."""
    data = session.workspace.data
    with session.meter.bytes("pulling") as progress:
        return data.pull(*refs, from_=from_, locked=locked, progress=progress)


@group.verb("erase")
@click.argument("names", nargs=-1, type=_NAME)
@click.option("--where-file", type=click.Path(), help="A file that holds the condition; without it, it is asked for.")
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@click.option("--yes", is_flag=True, help="Do not ask before it happens.")
@click.option("--resume", is_flag=True, help="Complete what was cut off, or what a remote was away from.")
@click.option(
    "--remote",
    "remotes",
    shell_complete=remotes,
    multiple=True,
    metavar="REMOTE",
    help="A place, besides the named remotes.",
)
@click.option("--derived", is_flag=True, help="From tables too that were made from these.")
@click.option("--certificate", type=click.Path(), metavar="FILE", help="Sign what was erased: .json, .html or .md.")
def erase(session: Session, names: tuple[str, ...], **how: Any) -> Any:
    """Erase."""
    data = session.workspace.data
    with session.meter.bytes("erasing") as progress:
        done = data.erase(*names, progress=progress, **how)
    return session.judged(done, good=done.ok)
