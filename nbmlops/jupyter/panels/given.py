"""What a front end gives by name, held against the signature of what it is given to."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from nbmlops.core.errors import InvalidError, nearest

__all__ = ["checked"]

_LONGEST = 20_000
"""Characters of a text, and things in a list."""


def checked(function: Callable[..., Any], given: Any, what: str, *, skip: int = 0) -> dict[str, Any]:
    """Give what was given, when the function takes it.

    Parameters
    ----------
    function : callable
        Its parameters have the types ``str``, ``int``, ``float``, ``bool``, ``None``, lists and mappings of these.
    given : object
        What came, as JSON has it.
    what : str
        What an error calls the function.
    skip : int
        How many of the first parameters are not the front end's to give.

    Raises
    ------
    InvalidError
        When something is missing, unknown, of another type, or too long.
    """
    if not isinstance(given, Mapping):
        raise InvalidError(f"{what} is asked with params by name, not {_kind(given)}", hint='"params": {}')
    wanted = list(inspect.signature(function).parameters.values())[skip:]
    known = [parameter.name for parameter in wanted]
    for name in given:
        if name not in known:
            hint = nearest(str(name), known) or (f"it takes {', '.join(known)}" if known else "it takes none")
            raise InvalidError(f"{what} takes no {str(name)[:60]!r}", hint=hint)
    missing = [each.name for each in wanted if each.default is inspect.Parameter.empty and each.name not in given]
    if missing:
        raise InvalidError(f"{what} needs {' and '.join(missing)}", hint=f"it takes {', '.join(known)}")
    types = _types(function, wanted)
    for name, value in given.items():
        if not _fits(value, types.get(name, Any)):
            raise InvalidError(f"{name} of {what} is to be {_written(types[name])}, not {_kind(value)}")
    return dict(given)


def _types(function: Callable[..., Any], wanted: list[inspect.Parameter]) -> dict[str, Any]:
    # Only of what is given: the workspace's own type is not imported when the program runs.
    written = {each.name: each.annotation for each in wanted if each.annotation is not inspect.Parameter.empty}
    return get_type_hints(SimpleNamespace(__annotations__=written), globalns=getattr(function, "__globals__", {}))


def _fits(value: Any, kind: Any) -> bool:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if origin is not None:
        return _holds(value, origin, inner)
    if kind is Any:
        return _within(value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind in {None, NoneType}:
        return value is None
    return type(value) is kind and (not isinstance(value, str) or len(value) <= _LONGEST)


def _holds(value: Any, origin: Any, inner: tuple[Any, ...]) -> bool:
    if isinstance(value, list) and issubclass(list, origin):
        return len(value) <= _LONGEST and all(_fits(one, inner[0]) for one in value)
    if isinstance(value, dict) and issubclass(dict, origin):
        return len(value) <= _LONGEST and all(_fits(key, str) and _fits(one, inner[1]) for key, one in value.items())
    return False


def _within(value: Any) -> bool:
    """Whether no part of a value is too long."""
    if isinstance(value, dict):
        return len(value) <= _LONGEST and all(_within(one) for one in value.values())
    return not isinstance(value, list | str) or (
        len(value) <= _LONGEST and (isinstance(value, str) or all(map(_within, value)))
    )


def _kind(value: Any) -> str:
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"a text of {len(value):,} characters"
    return {str: "a text", list: "a list", dict: "a mapping", NoneType: "nothing", bool: "true or false"}.get(
        type(value), f"a {type(value).__name__}"
    )


def _written(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind)) if get_origin(kind) is None else str(kind).replace("typing.", "")
