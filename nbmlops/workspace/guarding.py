"""Where the policy is asked: each verb of a workspace, when it is called from outside of another verb.

What a verb calls in turn is not asked for again: a role that may run a pipeline need not have what each part of it
does. Nothing stands in between where no policy was adopted.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import cached_property, wraps
from inspect import isroutine
from typing import TYPE_CHECKING, Any, TypeVar

from nbmlops.core.errors import NotFoundError
from nbmlops.core.permissions import NEEDS, needed_by_method
from nbmlops.workspace.foundation import Foundation

if TYPE_CHECKING:
    from nbmlops.store.access.service import Access

__all__ = ["guarded", "refuse"]

T = TypeVar("T", bound=type)
_inside: ContextVar[bool] = ContextVar("nbmlops_inside_a_verb", default=False)


def guarded(workspace: T) -> T:
    """Hold the nouns and the verbs of a workspace class against the policy that its `access` has."""
    for noun in NEEDS:
        if noun and noun in workspace.__dict__:
            setattr(workspace, noun, _Noun(noun, workspace.__dict__[noun]))
    for names in NEEDS[""].values():
        for verb in names.split():
            inner = workspace.__dict__.get(verb)
            if inner is not None and verb != "init":  # which makes the workspace
                setattr(workspace, verb, _TopVerb(verb, inner))
    return workspace


def refuse(open_workspace: Callable[[], Any], noun: str, method: str) -> None:
    """Refuse a method before anything of a line is looked at; whether there is a workspace is the verb's to say.

    Raises
    ------
    RefusedError
        When the policy of the workspace does not allow it.
    """
    try:
        workspace = open_workspace()
    except NotFoundError:
        return
    # The service notes a use of broken glass.
    if isinstance(workspace, Foundation):
        workspace.access.require(noun, method, notes=False)


def _unchecked(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    token = _inside.set(True)
    try:
        return function(*args, **kwargs)
    finally:
        _inside.reset(token)


def _checked(access: Access, noun: str, method: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _inside.get():
            return function(*args, **kwargs)
        access.require(noun, method)
        return _unchecked(function, *args, **kwargs)

    return call


class _Noun:
    """The attribute of a noun: its service, behind the guard where there is a policy."""

    def __init__(self, noun: str, inner: cached_property[Any]) -> None:
        self._noun = noun
        self._make = inner.func
        self.__doc__ = inner.__doc__

    def __get__(self, workspace: Any, owner: type | None = None) -> Any:
        if workspace is None:
            return self
        kept = workspace.__dict__
        if self._noun not in kept:
            # The services that it is made from are its own means.
            kept[self._noun] = _unchecked(self._make, workspace)
        if _inside.get() or workspace.access.policy() is None:
            return kept[self._noun]
        return _Guarded(kept[self._noun], self._noun, workspace.access)

    def __set__(self, workspace: Any, value: Any) -> None:
        workspace.__dict__[self._noun] = value


class _TopVerb:
    """The attribute of a verb of the workspace itself, a method or a property that gives something to call."""

    def __init__(self, verb: str, inner: Any) -> None:
        self._verb = verb
        self._inner = inner
        self._open = needed_by_method("", verb)[0] == "anyone"
        self.__doc__ = inner.__doc__

    def __get__(self, workspace: Any, owner: type | None = None) -> Any:
        if workspace is None:
            return self._inner.__get__(None, owner)
        if _inside.get() or (not self._open and workspace.access.policy() is None):
            return self._inner.__get__(workspace, owner)
        made = _unchecked(self._inner.__get__, workspace, owner)
        guard = _checked if isroutine(made) else _GuardedVerb
        return guard(workspace.access, "", self._verb, made)


class _GuardedVerb:
    """A verb that is an object with methods beside itself, such as the pages of a search: they need what it needs."""

    def __init__(self, access: Access, noun: str, verb: str, made: Any) -> None:
        self._asked = access, noun, verb
        self._made = made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _checked(*self._asked, self._made)(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._made, name)
        return _checked(*self._asked, found) if callable(found) and not name.startswith("_") else found


class _Guarded:
    """A service whose methods ask first; it passes for the service itself."""

    __slots__ = ("_access", "_made", "_noun")

    def __init__(self, made: Any, noun: str, access: Access) -> None:
        self._made = made
        self._noun = noun
        self._access = access

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._made)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._made, name)
        if name.startswith("_") or not callable(found):
            return found
        return _checked(self._access, self._noun, name, found)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _checked(self._access, self._noun, "__call__", self._made)(*args, **kwargs)

    def __dir__(self) -> list[str]:
        return dir(self._made)

    def __repr__(self) -> str:
        return repr(self._made)
