"""What may be typed next where a word names something: what a `shell_complete` of a click parameter gives.

Everything here is asked for while a key is pressed, so the catalog is only glanced at (`nbmlops.store.glance`), and
where there is no workspace, or one that cannot be opened, nothing is offered: the command itself will say so.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from click import Argument
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    import click

    from nbmlops.commands.session import Session
    from nbmlops.store.glance import Glance

__all__ = [
    "Offer",
    "aliases",
    "artifacts",
    "columns",
    "data_condition",
    "experiments",
    "files",
    "glanced",
    "items",
    "keys",
    "measures",
    "notebooks",
    "offering",
    "refs",
    "remotes",
    "reports",
    "run_condition",
    "run_order",
    "schedules",
    "steps",
    "subjects",
    "words",
]

_log = logging.getLogger(__name__)

Offer = Callable[["click.Context", "click.Parameter", str], list[CompletionItem]]
_Find = Callable[["Session", "click.Context", str], Iterable[str]]
_REFERRING = ("ref", "before", "value", "current", "table", "refs", "values")
"""Parameters whose word may be a table, in the order in which they are asked."""
_GROUPS: tuple[Literal["metrics", "params", "tags"], ...] = ("metrics", "params", "tags")
_JOINING = ("and", "or", "not", "in", "is null", "is not null")
_TOKEN = re.compile(r"[^\s()=<>!,]*$")
_SUBSCRIPT = re.compile(r"(metrics|params|tags)\[['\"]([^'\"\]]*)$")
_VALUE = re.compile(r"\b(status|kind|experiment)\s*(?:!=|==?)\s*(['\"]?)([\w.-]*)$")
_VALUES = {
    "status": ("running", "finished", "failed", "killed"),
    "kind": ("run", "step", "pipeline", "proof"),
}


def items(known: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """The known words that begin so, each once, as click wants them."""
    return [CompletionItem(word) for word in dict.fromkeys(known) if word.startswith(incomplete)]


def offering(find: _Find) -> Offer:
    """What click asks for words, from a function that gives all that are known."""

    def offer(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
        session: Session | None = ctx.obj
        if session is None:
            return []
        try:
            return items(find(session, ctx, incomplete), incomplete)
        except Exception:  # noqa: BLE001 - who presses Tab gets words or none, and goes on typing
            _log.debug("nothing can be offered for %r", incomplete, exc_info=True)
            return []

    return offer


def glanced(session: Session) -> Glance:
    """A glance at the names of the session's workspace."""
    from nbmlops.workspace.glance import glance_at

    return glance_at(session.workspace)


def words(*known: str) -> Offer:
    """Offer the words of a closed list."""
    return offering(lambda *_: known)


def refs(session: Session, noun: str, incomplete: str, *, names_only: bool = False, deleted: bool = False) -> list[str]:
    """References of a noun that may be meant: names, and behind ``@`` aliases, versions and digests."""
    glance: Any = glanced(session)
    if noun == "run":
        found = glance.experiments(incomplete)
        return found if names_only else [*glance.runs(incomplete), *found]
    name, at, meant = incomplete.partition("@")
    if at and not names_only:
        found = glance.refs(noun, name, deleted=deleted)
        return [*found, *(glance.digests(noun, name) if meant and set(meant) <= set("0123456789abcdef") else ())]
    declared = session.workspace.settings.pipelines if noun == "pipeline" else ()
    return sorted({*declared, *glance.names(noun, incomplete, deleted=deleted)})


def files(incomplete: str, *, folders: bool = False, endings: tuple[str, ...] = ()) -> Iterator[str]:
    """Paths that begin so: folders with a ``/`` behind them, and files, all or those of some endings."""
    head, slash, start = incomplete.rpartition("/")
    place = Path(f"{head}{slash}" or ".").expanduser()
    try:
        found = sorted(place.iterdir())
    except OSError:
        return
    for path in found:
        if not path.name.startswith(start) or (path.name.startswith(".") and not start):
            continue
        if path.is_dir():
            yield f"{head}{slash}{path.name}/"
        elif not folders and (not endings or path.suffix in endings):
            yield f"{head}{slash}{path.name}"


def _named(ctx: click.Context, *parameters: str) -> str:
    """The word that the line gives to the first of some parameters that has one."""
    # An option without its value, which is being typed, keeps click from handing the words to the parameters.
    names = (param.name for param in ctx.command.params if isinstance(param, Argument))
    words = {**dict(zip(names, ctx.args, strict=False)), **{key: value for key, value in ctx.params.items() if value}}
    found = next((words[name] for name in parameters if words.get(name)), "")
    last = found[-1] if isinstance(found, tuple) else found
    return last if isinstance(last, str) else ""


def _columns_of(session: Session, ctx: click.Context) -> list[str]:
    """Columns of the table that the line names: a variable's, else those of a version."""
    word = _named(ctx, *_REFERRING)
    if not word:
        return []
    held = session.notebook.variables.get(word) if session.notebook else None
    if held is not None:
        return [str(column) for column in getattr(held, "columns", ())]
    return glanced(session).columns(word)


def _columns(session: Session, ctx: click.Context, incomplete: str) -> Iterator[str]:
    head, comma, _ = incomplete.rpartition(",")
    given = set(head.split(","))
    yield from (f"{head}{comma}{column}" for column in _columns_of(session, ctx) if column not in given)


columns = offering(_columns)
"""Columns of the table that the line names, also behind a comma."""
experiments = offering(lambda session, _, start: glanced(session).experiments(start))
"""Names of experiments."""
measures = offering(lambda session, _, start: glanced(session).keys("metrics", start))
"""Names of metrics."""
remotes = offering(lambda session, *_: session.workspace.remote.names())
"""Names of remotes."""
reports = offering(lambda session, *_: glanced(session).reports())
"""Numbers of reports."""
subjects = offering(lambda session, *_: glanced(session).subjects())
"""What reports are on."""
artifacts = offering(lambda session, ctx, _: glanced(session).artifacts(_named(ctx, "ref")))
"""What the run that the line names has kept."""


def _notebooks(session: Session, _: click.Context, incomplete: str) -> Iterator[str]:
    yield from files(incomplete, endings=(".ipynb",))
    yield from refs(session, "pipeline", incomplete)


notebooks = offering(_notebooks)
"""Notebooks and pipelines."""


def keys(group: Literal["metrics", "params", "tags"]) -> Offer:
    """Offer the names of a group that runs have, each with its ``=``."""
    return offering(lambda session, _, start: [f"{key}=" for key in glanced(session).keys(group, start)])


def schedules(*, deleted: bool = False) -> Offer:
    """Offer the names of schedules."""
    return offering(lambda session, *_: glanced(session).schedules(deleted=deleted))


def aliases(noun: Literal["data", "model", "pipeline"]) -> Offer:
    """Offer the aliases of what the line names, then all of the noun."""

    def find(session: Session, ctx: click.Context, _: str) -> list[str]:
        named = _named(ctx, "ref", "name")
        glance = glanced(session)
        return [*(glance.aliases(noun, named.partition("@")[0]) if named else ()), *glance.aliases(noun)]

    return offering(find)


def _steps(session: Session, ctx: click.Context, _: str) -> Iterator[str]:
    name = _named(ctx, "name").partition("@")[0]
    for pattern in session.workspace.settings.pipelines.get(name, ()):
        yield from sorted(path.stem for path in session.workspace.marker.root.glob(pattern))


steps = offering(_steps)
"""Steps of the pipeline that the line names."""


def _parted(incomplete: str) -> tuple[str, str]:
    """A condition up to the word that is being typed, and that word."""
    token = _TOKEN.search(incomplete)
    at = token.start() if token else len(incomplete)
    return incomplete[:at], incomplete[at:]


def _run_condition(session: Session, _: click.Context, incomplete: str) -> Iterator[str]:
    from nbmlops.tracking.filtering import FIELDS

    glance: Any = glanced(session)
    if value := _VALUE.search(incomplete):
        field, quote, start = value.groups()
        head = incomplete[: value.start(2)]
        for word in _VALUES.get(field) or glance.experiments(start):
            yield f"{head}{quote or _other(incomplete)}{word}{quote or _other(incomplete)}"
    if inside := _SUBSCRIPT.search(incomplete):
        head, closing = incomplete[: inside.start(2)], incomplete[inside.start(2) - 1]
        yield from (f"{head}{key}{closing}]" for key in glance.keys(inside[1], inside[2]))
        return
    head, token = _parted(incomplete)
    group, dot, start = token.partition(".")
    if dot and group in _GROUPS:
        yield from (f"{head}{_field(group, key, incomplete)}" for key in glance.keys(group, start))
        return
    yield from (f"{head}{word}" for word in (*(f"{group}." for group in _GROUPS), *FIELDS, *(_JOINING if head else ())))


def _field(group: str, key: str, around: str) -> str:
    if key.isidentifier():
        return f"{group}.{key}"
    quote = _other(around)
    return f"{group}[{quote}{key}{quote}]"


def _other(text: str) -> str:
    """A quote that does not end the one around a text: what stands inside is not what stands around."""
    return '"' if '"' in text else "'"


def _data_condition(session: Session, ctx: click.Context, incomplete: str) -> Iterator[str]:
    head, _ = _parted(incomplete)
    yield from (f"{head}{word}" for word in (*_columns_of(session, ctx), *(_JOINING if head else ())))


def _run_order(session: Session, ctx: click.Context, incomplete: str) -> Iterator[str]:
    sign = "-" if incomplete.startswith("-") else ""
    found = _run_condition(session, ctx, incomplete.removeprefix("-"))
    yield from (f"{sign}{word}" for word in found)


run_condition = offering(_run_condition)
"""Fields of runs in a condition, and the values that a field has."""
data_condition = offering(_data_condition)
"""Columns of the table that the line names, in a condition."""
run_order = offering(_run_order)
"""Fields of runs, also behind ``-``."""
