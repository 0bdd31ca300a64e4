"""The rules by which versions are retired, as ``[tool.nbmlops.retention]`` has them; one that is wrong is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.core.spans import parse_span, span_text

if TYPE_CHECKING:
    from nbmlops.store.version_rows import Version

__all__ = ["REQUESTS", "RetentionRule", "rules_of"]

REQUESTS = "requests"
"""The kind of rules about captured requests."""
_KEYS = ("kind", "names", "tags", "keep", "last")


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """Which versions a rule is about, and how long they stay.

    Attributes
    ----------
    name : str
        What it is called.
    kind : str
        ``data``, ``model``, ``pipeline``, ``feature``, or ``requests`` for captured requests.
    names : tuple of str
        Patterns of names, as in a shell; of requests those of deployments.
    tags : mapping of str to str
        Tags that a version has, of requests the one that answered; the value is a pattern too.
    keep : timedelta or None
        How long each version stays, or each hour of requests.
    last : int
        How many of the newest of each name stay, however old they are; 0 for requests.
    """

    name: str
    kind: str
    names: tuple[str, ...]
    tags: Mapping[str, str]
    keep: timedelta | None
    last: int

    def fits(self, version: Version) -> bool:
        """Whether a version is one that the rule is about."""
        return self.is_about(version.kind, version.name, version.tags)

    def is_about(self, kind: str, name: str, tags: Mapping[str, str]) -> bool:
        """Whether it is about things of a kind, a name and tags."""
        return (
            kind == self.kind
            and any(fnmatchcase(name, pattern) for pattern in self.names)
            and all(fnmatchcase(tags.get(key, ""), said) and key in tags for key, said in self.tags.items())
        )

    def keeps(self, version: Version, place: int, now: datetime) -> bool:
        """Whether it stays: young enough, or among the last; `place` counts those of its name that are newer."""
        return place < self.last or (self.keep is not None and version.created_at > now - self.keep)

    @property
    def told(self) -> str:
        """How long versions stay, in words."""
        newest = f"the last {self.last} of each name" if self.last > 1 else "the newest of each name"
        spans = [] if self.keep is None else [f"all of the last {span_text(self.keep)}"]
        return " and ".join([*spans, *([newest] if self.last else [])])


def rules_of(tables: Mapping[str, Mapping[str, Any]], kinds: Collection[str]) -> list[RetentionRule]:
    """Read the rules, by name.

    Raises
    ------
    InvalidError
        When one has an unknown key, an unknown kind or a wrong value, or keeps everything for ever.
    """
    return [_rule(name, tables[name], kinds) for name in sorted(tables)]


def _rule(name: str, table: Mapping[str, Any], kinds: Collection[str]) -> RetentionRule:
    here = f"[tool.nbmlops.retention.{name}]"
    for key in table:
        if key not in _KEYS:
            hint = nearest(key, _KEYS) or f"the keys are {', '.join(_KEYS)}"
            raise InvalidError(f"{here} has an unknown key {key!r}", hint=hint)
    kind = table.get("kind", "data")
    if kind not in kinds:
        raise InvalidError(f"{here} has an unknown kind {kind!r}", hint=f"a kind is {', '.join(kinds)}")
    names = table.get("names", "*")
    patterns = [names] if isinstance(names, str) else names
    if not isinstance(patterns, list) or not patterns or not all(isinstance(one, str) and one for one in patterns):
        raise InvalidError(f"{here} names must be patterns of names", hint='names = ["raw_*"]')
    tags = table.get("tags", {})
    if not isinstance(tags, Mapping) or not all(isinstance(value, str | int | float) for value in tags.values()):
        raise InvalidError(f"{here} tags must be a table of texts", hint='tags = {source = "survey"}')
    if not {"keep", "last"} & table.keys():
        raise InvalidError(f"{here} does not say how long anything stays", hint='keep = "90d", last = 5, or both')
    if kind == REQUESTS and ("last" in table or "keep" not in table):
        raise InvalidError(f"{here} is about captured requests, which stay by their age alone", hint='keep = "30d"')
    last = table.get("last", 0 if kind == REQUESTS else 1)
    if isinstance(last, bool) or not isinstance(last, int) or last < 0:
        raise InvalidError(f"{here} last must be a number of versions, not {last!r}", hint="last = 5")
    keep = table.get("keep")
    if keep is not None and not isinstance(keep, str):
        raise InvalidError(f"{here} keep must be a span of time, not {keep!r}", hint='keep = "90d"')
    said = {str(key): str(value) for key, value in tags.items()}
    return RetentionRule(name, kind, tuple(patterns), said, None if keep is None else parse_span(keep), last)
