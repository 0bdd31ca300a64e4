"""JSON of a model's file, read within bounds, and the shape that is asked of it."""

from __future__ import annotations

import json
from typing import Any

from nbmlops.core.errors import CorruptError

__all__ = ["LARGEST", "bounded", "parsed"]

LARGEST = 1 << 30
"""Bytes that a model's file may have in a format whose reader takes it as a whole."""
_DEEPEST = 64


def bounded(content: bytes, what: str) -> bytes:
    """Refuse a file that is too large to be handed to a reader.

    Raises
    ------
    CorruptError
        When it has more than `LARGEST` bytes.
    """
    if len(content) > LARGEST:
        raise CorruptError(f"{what} of {len(content):,} bytes is too large: at most {LARGEST:,} are read")
    return content


def parsed(content: bytes, what: str) -> dict[str, Any]:
    """Read a JSON object that is not too large or too deep, without doubled names.

    Raises
    ------
    CorruptError
        When it is something else.
    """
    try:
        document = json.loads(bounded(content, what).decode(), object_pairs_hook=_single)
        if not isinstance(document, dict):
            raise TypeError("no object")
        _shallow(document)
    except (TypeError, ValueError, RecursionError) as error:
        raise CorruptError(f"the model's file is not {what}: {str(error)[:100]}", hint="`ml store verify`") from None
    return document


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):  # readers disagree about which of the two holds
        raise ValueError("a name occurs twice in one object")
    return found


def _shallow(document: Any) -> None:
    waiting = [(document, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > _DEEPEST:
            raise ValueError(f"nested deeper than {_DEEPEST}")
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting += [(each, depth + 1) for each in inner if isinstance(each, dict | list)]
