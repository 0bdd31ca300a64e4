"""Settings of an estimator as params of a run."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

__all__ = ["kind_of", "params_of", "plain", "plain_all"]

_LONGEST = 500
"""Characters of a value that is no number; the rest is cut off."""
_MANY = 50
"""Items of a list that is kept as such."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _LONGEST


def kind_of(thing: Any) -> str:
    """Full name of the class of a thing."""
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def params_of(estimator: Any) -> dict[str, Any]:
    """What ``get_params`` gives, with dots for double underscores, each value as `plain` gives it."""
    return plain_all(estimator.get_params(deep=True))


def plain_all(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by names with dots for double underscores, each value as `plain` gives it."""
    return {str(name).replace("__", "."): plain(value) for name, value in settings.items()}


def plain(value: Any) -> Any:
    """A value that a run can keep: numbers, texts, short lists as they are; estimators and functions by their names.

    Examples
    --------
    >>> plain([1, 0.5, None]), plain(len), plain({"l1": 0.5})
    ([1, 0.5, None], 'builtins.len', {'l1': 0.5})
    """
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and len(value) <= _MANY:
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple) and len(value) <= _MANY:
        return [plain(each) for each in value]
    return _cut(value if isinstance(value, str) else _named(value))


def _named(value: Any) -> str:
    if hasattr(value, "get_params") or isinstance(value, type):
        return (value if isinstance(value, type) else type(value)).__qualname__
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "shape"):  # what is in a table or an array is data, and no setting
        return f"{type(value).__qualname__} of shape {value.shape}"
    return _short.repr(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
