"""The types of what follows a verb: an object, a reference, ``KEY=VALUE``."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from click.shell_completion import CompletionItem

from nbmlops.commands.braces import expanded
from nbmlops.commands.offers import items, offering, refs
from nbmlops.core.errors import InvalidError, NotFoundError, nearest
from nbmlops.store.addresses import scheme_of

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # generic from click 8.4 on

__all__ = ["Given", "KeyValue", "ObjectParam", "RefParam", "mapping", "variables"]

_TABLES = frozenset({"pandas", "polars", "pyarrow"})
_CONSTANTS = {"True": True, "False": False, "None": None}


@dataclass(frozen=True, slots=True)
class Given:
    """An object and the name of the variable that held it; for a path or a reference there is no name."""

    value: Any
    name: str | None = None


class ObjectParam(_ParamType):
    """An object: in a cell the name of a variable, or a path; in a shell a path.

    Parameters
    ----------
    kind : {"any", "table", "estimator"}
        What to offer when completing.
    or_ref : bool
        Whether a reference may stand instead; what is neither a variable nor a path is one then.
    or_url : bool
        Whether the address of a file or a folder may stand instead.
    unless : tuple of str
        Names of options beside any of which the word is left as it is.
    """

    name = "object"

    def __init__(
        self,
        kind: Literal["any", "table", "estimator"] = "any",
        *,
        or_ref: bool = False,
        or_url: bool = False,
        unless: tuple[str, ...] = (),
    ) -> None:
        self.kind = kind
        self.or_ref = or_ref
        self.or_url = or_url
        self.unless = unless

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        """Find the object.

        Raises
        ------
        NotFoundError
            When there is no such variable, and the word is no path.
        """
        if ctx is None or ctx.resilient_parsing or isinstance(value, Given):
            return value
        if any(isinstance(ctx.params.get(name), str) for name in self.unless):  # click has a sign of its own for none
            return Given(value)
        session: Session = ctx.obj
        known = session.notebook.variables if session.notebook else {}
        if value in known:
            return Given(known[value], value)
        if Path(value).exists() and (session.face == "shell" or not value.isidentifier()):
            return Given(Path(value))
        if scheme := scheme_of(value):
            if self.or_url:
                return Given(value)
            raise InvalidError(
                f"an address that begins with {scheme}:// cannot be used here",
                hint="save what lies there first: `ml data save URL NAME`",
            )
        if self.or_ref and Path(value).suffix not in {".parquet", ".pq", ".csv"}:
            return Given(value)
        if session.notebook is None or not value.isidentifier():
            hint = (
                _neighbours(Path(value))
                if session.face == "shell"
                else "name a variable; an expression needs one first: df = …"
            )
            raise NotFoundError(f"there is no file {value}", hint=hint)
        names = [name for name in known if not name.startswith("_")]
        raise NotFoundError(
            f"there is no variable {value!r} in this notebook",
            hint=nearest(value, names) or "run the cell that defines it first",
        )

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Offer variables of the kind that is wanted, in a shell files, and where a reference may stand, those."""
        session: Session | None = ctx.obj
        if session is None or session.notebook is None:
            found = [CompletionItem(incomplete, type="file")]
        else:
            found = items(variables(session, self.kind), incomplete)
        if self.or_ref:
            known = {item.value for item in found}
            saved = RefParam("model" if self.kind == "estimator" else "data").shell_complete(ctx, param, incomplete)
            found += [item for item in saved if item.value not in known]
        if not found or "/" in incomplete:
            found.append(CompletionItem(incomplete, type="file"))
        return found


class RefParam(_ParamType):
    """A reference such as ``flights@v3``, or with `names_only` a bare name, of one noun; `deleted`, to restore it."""

    name = "ref"

    def __init__(
        self,
        noun: Literal["data", "feature", "model", "pipeline", "run"],
        *,
        names_only: bool = False,
        deleted: bool = False,
    ) -> None:
        self.noun = noun
        self.names_only = names_only
        self.deleted = deleted

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Offer the names there are, and after ``@`` versions and aliases."""
        offer = offering(
            lambda session, _, start: refs(session, self.noun, start, names_only=self.names_only, deleted=self.deleted)
        )
        return offer(ctx, param, incomplete)


class KeyValue(_ParamType):
    """A pair ``key=value``.

    In a cell, ``{expr}`` in the value is Python, computed with the notebook's variables; a value that is
    one such expression is its object, not its text.

    Parameters
    ----------
    typed : bool
        Whether ``6``, ``0.5``, ``true`` and JSON are read as what they say, or stay text.
    """

    name = "key=value"

    def __init__(self, *, typed: bool = False) -> None:
        self.typed = typed

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        """Take the pair apart.

        Raises
        ------
        InvalidError
            When there is no ``=``, no key, or an expression fails.
        """
        if ctx is None or ctx.resilient_parsing or isinstance(value, tuple):
            return value
        key, equals, text = value.partition("=")
        if not equals or not key:
            raise InvalidError(
                f"{value!r} is not of the form key=value", hint=f"write it without spaces: {key or 'auc'}=0.91"
            )
        session: Session = ctx.obj
        found = expanded(text, session.evaluate) if session.notebook else text
        return key, _literal(found) if self.typed and isinstance(found, str) and found == text else found


def _neighbours(path: Path) -> str | None:
    """The files beside a missing one whose names are nearest."""
    folder = path.parent
    return nearest(path.name, (each.name for each in folder.iterdir())) if folder.is_dir() else None


def mapping(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Join pairs.

    Raises
    ------
    InvalidError
        When a key is there twice.
    """
    joined: dict[str, Any] = {}
    for key, value in pairs:
        if key in joined:
            raise InvalidError(f"{key} is given twice", hint="leave one of them out")
        joined[key] = value
    return joined


def variables(session: Session, kind: str = "any") -> list[str]:
    """Names of the notebook's variables of a kind, without modules, functions and IPython's own."""
    held = session.notebook.variables if session.notebook else {}
    return sorted(name for name, value in held.items() if not name.startswith("_") and _is_of(value, kind))


def _is_of(value: Any, kind: str) -> bool:
    if kind == "table":
        return type(value).__module__.partition(".")[0] in _TABLES
    if kind == "estimator":
        return hasattr(type(value), "fit")
    hidden = inspect.ismodule(value) or inspect.isroutine(value) or inspect.isclass(value)
    return not hidden and type(value).__module__.partition(".")[0] not in {"IPython", "typing"}


def _literal(text: str) -> Any:
    """Read a number, a truth value or JSON; anything else is text."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    # int() refuses more digits than this, and then so does JSON.
    if len(text) > sys.get_int_max_str_digits() > 0:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
