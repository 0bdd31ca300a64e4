"""Verbs that look at features: show, search, history, diff."""

from __future__ import annotations

import difflib
from typing import Any

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.core.spans import span_text
from nbmlops.features.definition import Definition, Document
from nbmlops.features.records import FeatureDiff, FeatureRow, FeatureVersion
from nbmlops.features.registry import TABLE, Registry
from nbmlops.store.pages import Page

__all__ = ["Looking"]

_SAID = (
    "entities",
    "sources",
    "time",
    "ttl",
    "on_demand",
    "inputs",
    "owner",
    "description",
    "refs",
    "tags",
    "function",
)


class Looking(Registry):
    """What tells of features."""

    def show(self, ref: str) -> FeatureVersion:
        """What is known of a version: its code, its features, where they come from, its newest offline table.

        Raises
        ------
        NotFoundError
            When there is no such view or service.
        """
        version = self._versions.resolve(ref)
        try:
            table = self._data.show(f"{TABLE}{version.name}").ref
        except NotFoundError:
            table = None
        return self._record(version, table)

    def search(self, text: str) -> list[FeatureRow]:
        """Find views and services that say all words of a text in their name, columns, description, owner or tags.

        Raises
        ------
        InvalidError
            When there is nothing to look for.
        """
        words = text.casefold().split()
        if not words:
            raise InvalidError("there is nothing to look for", hint="`ml feature search delay`")
        found = []
        for row in self._rows():
            said = (row.ref, *row.features, *row.entities, *row.sources, row.owner, row.description)
            places = " ".join(said).casefold()
            if all(word in places for word in words):
                found.append((sum(word in row.name.casefold() for word in words), row))
        return [row for _, row in sorted(found, key=lambda pair: -pair[0])]

    def history(
        self, name: str, *, limit: int | None = None, after: str | None = None, aliased: bool = False
    ) -> list[FeatureVersion]:
        """All versions of a view or service, newest first; `limit`, `after` and `aliased` as in `Data.history`."""
        page = Page.of(name, limit, after, aliased)
        return [self._record(one) for one in self._versions.history(name, page=page)]

    def diff(self, before: str, after: str | None = None) -> FeatureDiff:
        """Tell what differs between two versions: lines of code, features, and what else is said.

        Parameters
        ----------
        before : str
            A version; alone, it is compared with the one before it.
        after : str, optional
            Another version.

        Raises
        ------
        NotFoundError
            When there is no such version, or none before it.
        """
        second = self._versions.resolve(before if after is None else after)
        hint = f"name two versions: `ml feature diff {second.ref} OTHER`"
        first = self._versions.before(second, hint) if after is None else self._versions.resolve(before)
        old, new = self._read(first), self._read(second)
        lines = difflib.unified_diff(_code(old), _code(new), first.ref, second.ref, lineterm="")
        held, holds = _features(old), _features(new)
        changed = [(key, _told(old, key), _told(new, key)) for key in _SAID if _told(old, key) != _told(new, key)]
        changed += [(name, held[name], holds[name]) for name in held.keys() & holds.keys() if held[name] != holds[name]]
        return FeatureDiff(
            first.ref,
            second.ref,
            tuple(lines),
            tuple(name for name in holds if name not in held),
            tuple(name for name in held if name not in holds),
            tuple(sorted(changed)),
        )


def _code(said: Document) -> list[str]:
    return said.source.splitlines() if isinstance(said, Definition) else []


def _features(said: Document) -> dict[str, str]:
    return dict(said.features) if isinstance(said, Definition) else dict.fromkeys(said.refs, "")


def _told(said: Document, key: str) -> str:
    value: Any = getattr(said, key, "")
    if isinstance(value, tuple):
        return ", ".join(value)
    if key == "ttl":
        return "" if value is None or value == "" else span_text(value)
    return str(value) if value is not None else ""
