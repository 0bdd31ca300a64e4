"""Keywords that a verb takes besides its own parameters, one for each field of a record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from nbmlops.core.errors import InvalidError, nearest

__all__ = ["check_known", "check_one_of"]


def check_known(record: type[Any], given: Iterable[str], none: str) -> None:
    """Raise `InvalidError` when a keyword is no field of a record; `none` begins the message, as ``a run has no``."""
    names = [each.name for each in fields(record)]
    for key in given:
        if key not in names:
            raise InvalidError(f"{none} {key!r}", hint=nearest(key, names) or f"the keywords are {', '.join(names)}")


def check_one_of(key: str, value: object, words: tuple[str, ...]) -> None:
    """Raise `InvalidError` when the value of a keyword is none of some words."""
    if value not in words:
        hint = nearest(str(value), words) or f"one of {', '.join(words)}"
        raise InvalidError(f"{key} cannot be {value!r}", hint=hint)
