"""Parameters that say a date: ``due:%Y-%m`` is the month of the time that a run stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from nbmlops.core.errors import InvalidError
from nbmlops.core.spans import parse_span
from nbmlops.pipelines.cron import zone

__all__ = ["filled", "is_due", "plain"]

_PLAIN = (str, int, float, bool, type(None))
_DUE = re.compile(r"due(?:([+-])(\d+[smhdw]))?:(.*)", re.DOTALL)


def filled(parameters: Mapping[str, Any], at: datetime, zone_name: str = "UTC") -> dict[str, Any]:
    """Parameters with their dates in place.

    Parameters
    ----------
    parameters : mapping
        What a schedule gives to what it starts. A text that begins with ``due:`` is a format of
        `datetime.datetime.strftime` for the logical time, ``due-1d:`` for a day before it; without a format it is
        the time in ISO 8601.
    at : datetime
        The logical time, aware.
    zone_name : str
        The zone whose calendar counts.

    Raises
    ------
    InvalidError
        When a format gives no text that can be kept.

    Examples
    --------
    >>> filled({"month": "due-1d:%Y-%m", "rows": 5}, datetime(2026, 3, 1, 2, tzinfo=UTC), "Europe/Berlin")
    {'month': '2026-02', 'rows': 5}
    """
    return {key: _filled(key, value, at, zone_name) for key, value in parameters.items()}


def is_due(text: str) -> bool:
    """Whether a text is a date that is filled in when a time comes due."""
    return _DUE.fullmatch(text) is not None


def _filled(key: str, value: Any, at: datetime, zone_name: str) -> Any:
    if isinstance(value, Mapping):
        return {name: _filled(f"{key}.{name}", one, at, zone_name) for name, one in value.items()}
    found = _DUE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    sign, span, form = found.groups()
    try:
        # Days are those of the calendar: on the wall clock, a day earlier is the same hour of the day before.
        wall = at.astimezone(zone(zone_name)).replace(tzinfo=None)
        wall += parse_span(span) * (-1 if sign == "-" else 1) if span else parse_span("0")
        local = wall.replace(tzinfo=zone(zone_name))
        return local.strftime(form) if form else local.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    except (ValueError, OverflowError, UnicodeError) as error:
        raise InvalidError(
            f"the parameter {key} cannot be {value!r}: {error}", hint='a format such as "due:%Y-%m-%d"'
        ) from error


def plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the catalog can keep them: dates become text, which a notebook's declaration reads again.

    Raises
    ------
    InvalidError
        When a value is something that lives in this process alone, such as a table.
    """
    return {key: _plain(key, value) for key, value in parameters.items()}


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(key, item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(key, item) for name, item in value.items()}
    if not isinstance(value, _PLAIN):
        raise InvalidError(
            f"the parameter {key} is a {type(value).__name__}, which cannot be kept for later",
            hint="a number, a text, a date, or a list of them",
        )
    return value
