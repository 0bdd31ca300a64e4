"""Personal data in a value that a report is about to show: told that it is there, never shown in full."""

from __future__ import annotations

import re
from typing import Any

from nbmlops.profiling.personal.identifiers import is_card
from nbmlops.profiling.personal.kinds import KINDS, masked
from nbmlops.profiling.personal.names import SPECIAL, is_person, told_by_name

__all__ = ["hidden", "hidden_group", "hidden_value"]

# What one value tells by its form and its test; other kinds need a column to be told from codes.
_FORMS = [(re.compile(kind.form, re.ASCII), kind.test) for kind in KINDS if not kind.share]
_WORTH = re.compile(r"@|(?:\d\D*){6}|:[0-9A-Fa-f]*:")
_LONGEST = 400


def hidden(text: str, column: str = "") -> str:
    """A text with what is personal in it masked; all of it where the column's name says so.

    Examples
    --------
    >>> hidden("write to ann.lee@example.org"), hidden("N14228"), hidden("Lee", "surname")
    ('write to a••.•••@•••••••.••g', 'N14228', '•••')
    """
    text = text[:_LONGEST]
    if (column and told_by_name(column)) or is_person(text):
        return masked(text)
    if _WORTH.search(text) is None:
        return text
    for form, test in _FORMS:
        text = form.sub(lambda hit, test=test: masked(hit[0]) if test(hit[0]) else hit[0], text)  # type: ignore[misc]
    return text


def hidden_value(value: Any, column: str) -> Any:
    """A value of a column as a report may show it: text as `hidden` gives it, masked numbers of persons and of cards.

    Examples
    --------
    >>> hidden_value(4917012345678, "phone"), hidden_value(17, "dep_delay"), hidden_value(None, "phone")
    ('4•••••••••••8', 17, None)
    >>> hidden_value(4111111111111111.0, "paid_with")
    '4••••••••••••••1'
    """
    if isinstance(value, str):
        return hidden(value, column)
    if value is None or isinstance(value, bool):
        return value
    digits = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return masked(digits) if told_by_name(column) or is_card(digits) else value


def hidden_group(level: str, column: str) -> str:
    """A level that rows are grouped by: as `hidden`, but that a group such as a race keeps its name.

    Examples
    --------
    >>> hidden_group("Lee", "surname"), hidden_group("none", "religion")
    ('•••', 'none')
    """
    return hidden(level, "" if told_by_name(column) == SPECIAL else column)
