"""What a project asks of its data and its models, as read from ``pyproject.toml``.

::

    [tool.nbmlops.policy]
    personal = "refuse"                       # or "warn", "allow": what personal data in a table does to a report
    licences = ["CC0-1.0", "internal"]        # a version of data has one of these as its tag licence
    origin = true                             # of a version it is known where it came from

    [tool.nbmlops.policy.allowed]
    "customers.email" = "contract of 2026"    # personal data that may be there, and why

    [tool.nbmlops.policy.retention]
    customers = "365 days"                    # no version is older; "*" is for all data

    [tool.nbmlops.policy.denied]
    "*" = ["ssn", "*_email"]                  # columns that no model may use
    delay = ["tailnum"]                       # or only this one
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, Literal, Self, get_args

from nbmlops.core.errors import InvalidError, nearest

__all__ = ["Policy"]

Personal = Literal["refuse", "warn", "allow"]
_KEYS = ("personal", "licences", "origin", "allowed", "retention", "denied")
_SPAN = re.compile(r"(\d+) ?(day|week|month|year)s?")
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_WHERE = "[tool.nbmlops.policy] in pyproject.toml"


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one project.

    Attributes
    ----------
    personal : {"refuse", "warn", "allow"}
        Whether personal data in a table fails a report, warns, or is not looked for.
    licences : tuple of str or None
        Licences that data may have; None asks for none.
    origin : bool
        Whether the origin of data has to be known.
    allowed : mapping of str to str
        ``NAME.COLUMN`` -> why personal data may be there.
    retention : mapping of str to timedelta
        Name of data, or ``*`` -> how old a version may be.
    denied : mapping of str to tuple of str
        Name of a model, or ``*`` -> patterns of columns that it may not use.
    """

    personal: Personal = "refuse"
    licences: tuple[str, ...] | None = None
    origin: bool = False
    allowed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    retention: Mapping[str, timedelta] = field(default_factory=lambda: MappingProxyType({}))
    denied: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Self:
        """Read the rules from the table ``[tool.nbmlops.policy]``.

        Raises
        ------
        InvalidError
            When a key is unknown or a value cannot be read.
        """
        for key in table:
            if key not in _KEYS:
                raise InvalidError(
                    f"{_WHERE} has an unknown key {key!r}",
                    hint=nearest(key, _KEYS) or f"the keys are {', '.join(_KEYS)}",
                )
        personal = table.get("personal", "refuse")
        if personal not in get_args(Personal):
            raise InvalidError(f"{_WHERE} has personal = {personal!r}", hint='"refuse", "warn" or "allow"')
        origin = table.get("origin", False)
        if not isinstance(origin, bool):
            raise InvalidError(f"{_WHERE} has origin = {origin!r}", hint="true or false")
        licences = table.get("licences")
        return cls(
            personal=personal,
            licences=None if licences is None else _texts("licences", licences),
            origin=origin,
            allowed=_mapping("allowed", table, _reason),
            retention=_mapping("retention", table, _span),
            denied=_mapping("denied", table, _texts),
        )

    def allowed_because(self, name: str, column: str) -> str | None:
        """Why personal data may be in a column of some data; None where it may not."""
        return self.allowed.get(f"{name}.{column}")

    def longest(self, name: str) -> timedelta | None:
        """How old a version of some data may be; None for any age."""
        return self.retention.get(name, self.retention.get("*"))

    def forbidding(self, model: str, column: str) -> str | None:
        """The pattern by which a model may not use a column; None where it may."""
        patterns = (*self.denied.get("*", ()), *self.denied.get(model, ()))
        return next((pattern for pattern in patterns if fnmatchcase(column.lower(), pattern.lower())), None)


def _mapping(key: str, table: Mapping[str, Any], read: Any) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, Mapping):
        raise InvalidError(f"[tool.nbmlops.policy.{key}] must be a table")
    return MappingProxyType({name: read(f"{key}.{name}", each) for name, each in value.items()})


def _texts(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
        raise InvalidError(f"{_WHERE} has {key} = {value!r}", hint='a list of texts, as in ["CC0-1.0", "internal"]')
    return tuple(value)


def _reason(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidError(f"{_WHERE} has {key} = {value!r}", hint="say why, as a text")
    return value


def _span(key: str, value: Any) -> timedelta:
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None or not int(found[1]) or len(found[1]) > 5:
        raise InvalidError(
            f"{_WHERE} has {key} = {value!r}", hint='as in "90 days", "6 months" (of 30 days), "3 years"'
        )
    return timedelta(days=int(found[1]) * _DAYS[found[2]])
