"""What the catalog tells, in the order in which it happened, before it is put into the words of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.store.subjects import Subject
    from nbmlops.store.versions import Version

__all__ = ["KINDS", "Dropped", "Fact", "Finished", "Judged", "Maker", "Quality", "RunName", "Saved", "Thing"]

KINDS = ("data", "model", "feature")
"""Kinds of versions that are told of; a frozen pipeline is told of by its runs."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The newest report on a version."""

    number: int
    suite: str
    status: str


@dataclass(frozen=True, slots=True)
class Quality:
    """What a kept profile tells without telling a value: rows, and of each column nulls and distinct values.

    `personal` holds the kind of personal data of each column that has some.
    """

    rows: int
    columns: Mapping[str, tuple[int, int | None]]
    personal: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Thing:
    """A version, with what people say of it, the newest report on it, and what its kept profile tells.

    `is_newest` says whether no live version of its name is newer.
    """

    version: Version
    said: Mapping[str, str]
    judged: Judged | None
    is_newest: bool
    quality: Quality | None = None

    @property
    def owner(self) -> str:
        """Whose it is: as it is described or defined, else as it is tagged, else who saved it."""
        version = self.version
        told = self.said.get("owner") or version.tags.get("owner") or version.detail.get("owner")
        return str(told or version.author)

    @property
    def about(self) -> str:
        """What it is, as people wrote it; empty where nobody did."""
        return str(self.said.get("description") or self.version.detail.get("description") or self.version.message or "")


@dataclass(frozen=True, slots=True)
class RunName:
    """A run that another one is a part of."""

    id: str
    experiment: str
    kind: str
    logical_time: str | None


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has ended.

    Attributes
    ----------
    row : object
        Its row of the catalog.
    params, tags, metrics : mapping
        What it was given, how it is tagged, and the last value of each metric.
    python : str or None
        The version of Python that it ran on.
    notebook : str or None
        Its notebook: where in the project, or by its bare name where it is outside of it.
    parents : tuple of RunName
        The runs that it is a part of, the closest first.
    inputs, outputs : tuple of Thing
        What it read and wrote.
    made_from : mapping
        For each version that it was the first to write, by id, what that was made of: where a cell of the run saved,
        what that cell used.
    """

    row: Any
    params: Mapping[str, Any]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    python: str | None
    notebook: str | None
    parents: tuple[RunName, ...]
    inputs: tuple[Thing, ...]
    outputs: tuple[Thing, ...]
    made_from: Mapping[int, tuple[Thing, ...]]


@dataclass(frozen=True, slots=True)
class Maker:
    """A cell or a script outside of any run, once it has saved all that it did: what it used and what it made."""

    subject: Subject
    at: datetime
    inputs: tuple[Thing, ...]
    outputs: tuple[Thing, ...]


@dataclass(frozen=True, slots=True)
class Saved:
    """A version that no run of this catalog made, what it was made of, and its maker where it is that one's last."""

    thing: Thing
    sources: tuple[Thing, ...]
    maker: Maker | None


@dataclass(frozen=True, slots=True)
class Dropped:
    """A name of which every version was deleted."""

    kind: str
    name: str
    at: datetime


Fact = Finished | Saved | Dropped
