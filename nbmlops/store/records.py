"""What the object store answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "Backup",
    "CatalogExport",
    "Collected",
    "Damage",
    "Freed",
    "Kept",
    "Pull",
    "Push",
    "Reindexed",
    "Repair",
    "Share",
    "Stats",
    "Taken",
    "Transfer",
    "Verification",
]


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of the catalog: its file, the revision of its tables, how many rows it has, and its size in bytes."""

    path: str
    revision: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class CatalogExport:
    """What was written for another catalog.

    Attributes
    ----------
    path, form : str
        The file, and whose form it has.
    namespace : str
        What the names of jobs and datasets are told under.
    runs, names : int
        How many runs are told of, and how many names of data, models and features.
    entries : int
        How many events or other records the file holds.
    running : tuple of str
        Runs that were left out, as they have not ended.
    until : datetime
        When it was read: an export since then tells the rest.
    bytes : int
        Its size.
    """

    path: str
    form: str
    namespace: str
    runs: int
    names: int
    entries: int
    running: tuple[str, ...]
    until: datetime
    bytes: int


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is not as it was stored.

    `object` is an object that it touches, or None when it touches none. `chunk` is empty when a whole
    pack or a manifest is damaged; `pack` is empty when the index has no place for the chunk.
    """

    object: str | None
    chunk: str
    pack: str
    why: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` looked at and found; `bytes` are those of the packs, `full` whether each was re-hashed."""

    objects: int
    chunks: int
    bytes: int
    full: bool
    damages: tuple[Damage, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damages


@dataclass(frozen=True, slots=True)
class Repair:
    """Digests of chunks and objects that are good again, and of those that no source had."""

    repaired: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a push did: objects that the target now has, chunks sent, bytes sent, bytes that it had already."""

    objects: int
    chunks: int
    bytes_sent: int
    bytes_skipped: int


@dataclass(frozen=True, slots=True)
class Push:
    """What was pushed where: the versions, new records, and figures of their bytes as in `Transfer`.

    `erased` are versions that were left out, for they hold rows that were erased there.
    """

    remote: str
    versions: tuple[str, ...]
    records: int
    objects: int
    chunks: int
    bytes_sent: int
    bytes_skipped: int
    erased: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """A version that was pulled: its reference there and here, its digest, and what had to be done for it.

    `state` is ``new``, ``here`` when all of it was here, or ``filled`` when only its bytes were missing.
    """

    there: str
    here: str
    digest: str
    state: str


@dataclass(frozen=True, slots=True)
class Pull:
    """What was pulled: the versions, how many others came as lineage, runs whose names differ there and here.

    `erased` are versions, as they are called here, that hold rows which were erased there; those of the remote that
    hold rows which were erased here do not come.
    """

    remote: str
    versions: tuple[Taken, ...]
    lineage: int
    runs: tuple[tuple[str, str], ...]
    objects: int
    chunks: int
    bytes_sent: int
    bytes_skipped: int
    erased: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What the packs told the index again; `unreadable` names the packs whose own index is damaged."""

    packs: int
    chunks: int
    objects: int
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Freed:
    """Whose bytes go: a version by its reference, or `kind` ``nobody``; `bytes` as stored, each told once."""

    owner: str
    kind: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A deleted version past its grace that stays, and why."""

    ref: str
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Collected:
    """What a gc freed, or in a dry run would free.

    `bytes` are those of the entries that nothing needs. `disk` is by how much the packs shrink, of which `removed`
    go and `rewritten` are written anew; `left` bytes stay in packs that are mostly alive, until more of them is dead.
    `grace` is in seconds.
    """

    dry_run: bool
    grace: float
    freed: tuple[Freed, ...]
    kept: tuple[Kept, ...]
    bytes: int
    disk: int
    left: int
    removed: int
    rewritten: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one holder of bytes takes: all versions of a name, all artifacts of runs, or all reports.

    `kind` is ``data``, ``model``, ``pipeline``, ``artifact`` or ``report``. `versions` are those whose bytes are
    kept here, of which `deleted` are deleted; `elsewhere` are known without their bytes. `logical` is what a plain copy
    of each would take. As stored, each chunk counts once: `own` are the bytes that only this holder has, `shared` those
    that others have too.
    """

    kind: str
    name: str
    versions: int
    deleted: int
    elsewhere: int
    logical: int
    own: int
    shared: int

    @property
    def stored(self) -> int:
        """Bytes as stored."""
        return self.own + self.shared

    @property
    def ratio(self) -> float | None:
        """How many times as much plain copies would take; None where nothing is stored."""
        return self.logical / self.stored if self.stored else None


@dataclass(frozen=True, slots=True)
class Stats:
    """What is in the store, and whose it is.

    Attributes
    ----------
    holders : tuple of Share
        Who holds bytes, the largest first.
    packs, objects, chunks : int
        How many there are; `disk` is the size of the packs' files together.
    held : int
        Bytes as stored that any holder has, each once; `shared` of them are those of several holders.
    recent : int
        Bytes that no holder has, but that were stored, or found stored, within the grace.
    free : int or None
        Bytes that a gc with this grace would free; None where damage hides whose some bytes are.
    grace : float
        In seconds.
    missing : tuple of str
        Packs that should be there and are not.
    unread : int
        Objects of which it cannot be told what they are made of; what they have counts as nobody's.
    """

    holders: tuple[Share, ...]
    packs: int
    objects: int
    chunks: int
    disk: int
    held: int
    shared: int
    recent: int
    free: int | None
    grace: float
    missing: tuple[str, ...] = ()
    unread: int = 0

    @property
    def versions(self) -> int:
        """Versions of data, models and pipelines whose bytes are kept here."""
        return sum(one.versions for one in self.holders if one.kind in ("data", "model", "pipeline"))

    @property
    def logical(self) -> int:
        """Bytes that plain copies of everything would take."""
        return sum(one.logical for one in self.holders)

    @property
    def ratio(self) -> float | None:
        """How many times as much plain copies would take as what is held; None where nothing is."""
        return self.logical / self.held if self.held else None
