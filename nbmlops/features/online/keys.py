"""Keys as whoever asks writes them: columns, rows, a table, or a text of a line."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from nbmlops.core.errors import InvalidError

__all__ = ["as_numbers", "columns_of"]


def columns_of(keys: Any) -> dict[str, Sequence[Any]]:
    """Keys as columns, from rows, columns, a table or a text."""
    if type(keys) is dict and len(keys) == 1:  # mostly: be quick
        ((name, values),) = keys.items()
        if type(values) is list:
            return {str(name): values.copy()}
    if isinstance(keys, str):
        keys = [_pairs(row) for row in keys.split(";") if row.strip()]
    if hasattr(keys, "to_pandas"):
        keys = keys.to_pandas()
    if hasattr(keys, "columns") and hasattr(keys, "iloc"):
        return {str(name): keys[name].tolist() for name in keys.columns}
    if isinstance(keys, Mapping):
        columns: dict[str, Sequence[Any]] = {
            str(name): list(values) if isinstance(values, Sequence) and not isinstance(values, str) else [values]
            for name, values in keys.items()
        }
    elif isinstance(keys, Sequence) and keys and all(isinstance(row, Mapping) for row in keys):
        names = list(keys[0])
        if any(list(row) != names for row in keys):
            raise InvalidError("the rows have different keys", hint="name the same entities in each row")
        columns = {str(name): [row[name] for row in keys] for name in names}
    else:
        raise InvalidError("these are no keys", hint='give {"carrier": ["AA"]}, a table, or carrier=AA')
    if len({len(values) for values in columns.values()}) != 1:
        raise InvalidError("the keys are columns of different lengths", hint="give as many values in each")
    return columns


def _pairs(row: str) -> dict[str, str]:
    found = {}
    for word in row.split(","):
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise InvalidError(f"{word.strip()!r} is no key", hint="write carrier=AA, or carrier=AA,origin=JFK")
        found[name.strip()] = value.strip()
    return found


def as_numbers(values: Sequence[Any]) -> Sequence[Any]:
    """Texts of a line as the numbers that they are, when all of them are; an input of a function has no type.

    Examples
    --------
    >>> as_numbers(["600", "1.5"]), as_numbers(["007", "8"]), as_numbers(["1", "JFK"])
    ([600, 1.5], ['007', '8'], ['1', 'JFK'])
    """
    found = []
    for value in values:
        try:
            number = json.loads(value)
        except ValueError:
            return values
        if type(number) not in {int, float} or not math.isfinite(number):
            return values
        found.append(number)
    return found
