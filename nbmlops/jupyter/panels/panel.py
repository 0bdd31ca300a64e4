"""What a panel is: a name, what may be asked of it, and the lines of the grammar that it can run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import NotFoundError, nearest

if TYPE_CHECKING:
    from nbmlops.render.listing import Listing

__all__ = ["ORDER", "Line", "Panel", "Question", "find", "names"]

Question = Callable[..., Any]
"""Called with the workspace and what the front end gave by name; gives what JSON can hold, or a record."""
Line = Callable[..., list[str]]
"""Called with what the front end gave by name; gives the words of a line of the grammar."""

ORDER = ("runs", "data", "models", "checks", "pipelines", "monitor", "catalog")
"""The panels as they stand beside each other; each is a module beside this one, whose `panel` it is."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes
    ----------
    name : str
        Its name, which is that of its module and of its file in ``web``.
    title : str
        What people read.
    asks : mapping of str to callable
        What may be asked: each one call of a service, and shaping.
    lines : mapping of str to callable
        What may be done: each makes a line of the grammar.
    static : callable
        Given the workspace, the listing that stands where no front end draws the panel.
    apart : frozenset of str
        Those of `lines` that take long: they are run in a process of their own.
    """

    name: str
    title: str
    asks: Mapping[str, Question]
    lines: Mapping[str, Line]
    static: Callable[[Any], Listing[Any]]
    apart: frozenset[str] = field(default=frozenset())


def names() -> list[str]:
    """The panels that there are."""
    return [name for name in ORDER if find_spec(f"nbmlops.jupyter.panels.{name}")]


def find(name: str) -> Panel:
    """The panel of a name.

    Raises
    ------
    NotFoundError
        When there is none.
    """
    known = names()
    if name not in known:
        hint = nearest(name, known) or f"the panels are {', '.join(known)}"
        raise NotFoundError(f"there is no panel {name[:60]!r}", hint=hint)
    found: Panel = import_module(f"nbmlops.jupyter.panels.{name}").panel
    return found
