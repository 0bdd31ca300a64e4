"""What an erasure took, what it left, and what it could not reach; nothing of it repeats the condition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["Descendant", "Erased", "Erasure", "RemotePurge"]


@dataclass(frozen=True, slots=True)
class Erased:
    """A version that rows left: its digests before and after, and its rows; without `after` it has not happened yet.

    `rows` left it, and it has `left` rows still. None left where only a value in a list of categories did.
    """

    ref: str
    before: str
    after: str | None
    rows: int
    left: int
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Descendant:
    """Something that was made from an erased version, and was not named.

    ``holds`` has rows that meet the condition, ``rewritten`` took rows from the erased files and has files of its own
    now, ``unknown`` cannot be judged: a model, a file, an array, or a table without a column of the condition. ``code``
    keeps the text of a function and what is said of it, never rows, those of its trial neither: a feature.
    """

    kind: str
    ref: str
    state: Literal["holds", "rewritten", "unknown", "clean", "code"]
    rows: int = 0


@dataclass(frozen=True, slots=True)
class RemotePurge:
    """A remote: whether the rows are gone from it, and if not, why.

    `freed` is by how many bytes it is smaller; `unknown` are versions of the names that are there and not here, so that
    nobody looked for such rows in them.
    """

    name: str
    done: bool
    why: str = ""
    freed: int = 0
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure.

    Attributes
    ----------
    id : str
        Its id, as the audit Event has it.
    state : {"planned", "declined", "pending", "done"}
        ``pending`` when a remote was away, or refused: the rest is left for `data erase --resume`.
    names : tuple of str
        The names whose versions were looked through.
    versions : tuple of Erased
        Those that rows left.
    unjudged : tuple of str
        Versions of the names that stay as they are: no tables, or without a column of the condition.
    descendants : tuple of Descendant
        What was made from them.
    records : mapping
        How many recorded texts were changed, by kind: captured sources, params, tags, reports, notebooks ….
    listed : tuple of str
        What holds a value of the condition and was left alone, with what to do about it.
    left_out : tuple of str
        Values of the condition that records were not searched for, each by why not.
    freed : int
        Bytes by which the store is smaller.
    remotes : tuple of RemotePurge
        The remotes.
    at : datetime or None
        When the rows left.
    """

    id: str
    state: Literal["planned", "declined", "pending", "done"]
    names: tuple[str, ...]
    versions: tuple[Erased, ...]
    unjudged: tuple[str, ...] = ()
    descendants: tuple[Descendant, ...] = ()
    records: Mapping[str, int] | None = None
    listed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    freed: int = 0
    remotes: tuple[RemotePurge, ...] = ()
    at: datetime | None = None

    @property
    def rows(self) -> int:
        """Rows that left, over all versions."""
        return sum(version.rows for version in self.versions)

    @property
    def ok(self) -> bool:
        """Whether nothing is left to do."""
        return self.state != "pending"
