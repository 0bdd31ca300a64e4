"""gc: free what nothing needs, beside writers and readers, and say whose it was.

Kept is what the catalog refers to (`roots`) and what was stored or found stored within the grace. It goes in three
steps, each of which the next gc finishes when this one is cut off: look, outside any transaction; in one transaction,
if nobody stored anything since the look, mark the versions as freed and take the dead out of the index; then let the
packs follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, update

from nbmlops.core.errors import CorruptError, NotFoundError
from nbmlops.store import audit, schema, turns
from nbmlops.store.folders import Folder
from nbmlops.store.index import Index, Known
from nbmlops.store.marking import Marks, Unmarked, look_at, prefixes, take_out
from nbmlops.store.packs import pack_size
from nbmlops.store.reader import Shelves
from nbmlops.store.records import Collected, Freed, Kept
from nbmlops.store.rewriting import compact
from nbmlops.store.roots import Holder, Picture, Roots

if TYPE_CHECKING:
    from nbmlops.store.marking import Prefixes

__all__ = ["NOBODY", "Collector"]

NOBODY = "an interrupted save"
# A pack is written anew when less than this share of it lives: less often would waste disk, more often time.
_MOST_LIVE = 0.5


@dataclass(frozen=True, slots=True)
class _Packs:
    """Packs to be removed and rewritten, the bytes of those nobody entered, what that saves, what stays behind."""

    removed: tuple[str, ...]
    rewritten: tuple[str, ...]
    strays: tuple[int, ...]
    disk: int
    left: int


class Collector:
    """Collects in one store, once.

    Parameters
    ----------
    folder : Folder
        Where the packs lie.
    index : Index
        The catalog's index of them.
    roots : Roots
        What refers to objects.
    """

    def __init__(self, folder: Folder, index: Index, roots: Roots) -> None:
        self._folder = folder
        self._index = index
        self._roots = roots
        self._marks = Marks(Shelves(folder, index))

    def collect(self, grace: timedelta, *, dry_run: bool, progress: Callable[[int], None] | None = None) -> Collected:
        """Free what is not kept; in a dry run only tell."""
        before = self._roots.clock.now() - grace
        # What the last look saw and what is told of it: only the look that counts is of use.
        seen: list[Picture] = []
        told: list[Collected] = []

        def keep(known: Sequence[Known]) -> set[str]:
            seen[:] = [self._roots.picture(before)]
            young = {one.digest for one in known if one.created_at > before}
            return young | seen[0].others | {d for holder in seen[0].live for d in self._roots.of(holder)}

        def look() -> Unmarked:
            return look_at(self._index, self._marks, keep)

        def tell(found: Unmarked) -> Collected:
            packs = self._plan(found, before)
            told[:] = [_told(self._owners(found, seen[0], packs), packs, seen[0], grace)]
            return told[0]

        if dry_run:
            return tell(look())
        take_out(self._index, look, lambda found: self._freeing(seen[0].due, tell(found)), near=self._folder.near)
        return self._follow(told[0], before, progress)

    def _follow(self, told: Collected, before: datetime, progress: Callable[[int], None] | None) -> Collected:
        """Let the packs follow the index, after this gc and any that was cut off."""
        packs = self._plan(Unmarked(0, {}, {}), before)
        done = compact(self._folder, self._index, [*packs.removed, *packs.rewritten], progress)
        gone = set(done.removed)
        removed, rewritten = len(gone.intersection(packs.removed)), len(gone.intersection(packs.rewritten))
        return replace(told, dry_run=False, disk=done.freed, left=packs.left, removed=removed, rewritten=rewritten)

    def _plan(self, dead: Unmarked, before: datetime) -> _Packs:
        usage, sizes = self._index.usage(), self._folder.names()
        for pack, stored in [
            *dead.chunks.values(),
            *((known.pack, known.stored) for known in dead.objects.values() if known.pack),
        ]:
            count, live = usage.get(pack, (1, stored))
            usage[pack] = count - 1, live - stored
        removed, rewritten, strays = [], [], []
        disk = left = 0
        gone = set(self._index.removed())
        for pack, size in sizes.items():
            count, live = usage.get(pack, (0, 0))
            if pack not in usage:
                # Nobody may ever enter what was removed once; of the others a writer may still be on its way.
                if pack not in gone and not self._folder.abandoned(pack, before):
                    continue
                strays.append(size)
            after = pack_size(count, live)
            if not count:
                removed.append(pack)
                disk += size
            elif after < size * _MOST_LIVE:
                rewritten.append(pack)
                disk += size - after
            else:
                left += size - after
        return _Packs(tuple(removed), tuple(rewritten), tuple(strays), disk, left)

    def _owners(self, dead: Unmarked, now: Picture, packs: _Packs) -> list[Freed]:
        """Whose the dead are: each byte is told once, of the oldest of those who had it."""
        bill = _Bill(dead, self._marks)
        freed = [Freed(one.ref, one.kind, *bill.charge(self._of_due(one))) for one in now.due]
        for holder in now.freed:
            objects, stored = bill.charge(self._of_due(holder))
            if objects:
                freed.append(Freed(holder.ref, holder.kind, objects, stored))
        objects, stored = bill.rest()
        stored += sum(packs.strays)
        if objects or stored:
            freed.append(Freed(NOBODY, "nobody", objects, stored))
        return freed

    def _of_due(self, holder: Holder) -> tuple[str, ...]:
        try:
            return self._roots.of(holder)
        except (CorruptError, NotFoundError):  # what it listed cannot be read any more; it goes all the same
            return (holder.root,)

    def _freeing(self, due: Iterable[Holder], told: Collected) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            table, ids, now = schema.version, [holder.id for holder in due], self._roots.clock.now()
            for page in turns.pages(ids):
                query = update(table).where(table.c.id.in_(page))
                connection.execute(query.values(freed_at=now))
            said = {"versions": ids, "bytes": told.bytes, "grace": told.grace}
            audit.append(connection, self._roots.clock, "store.gc", "store", said)

        return work


class _Bill:
    """Charges each dead entry to the first who is asked to pay."""

    def __init__(self, dead: Unmarked, marks: Marks) -> None:
        import numpy as np

        self._marks = marks
        self._objects = dict(dead.objects)
        digests = prefixes(dead.chunks)
        order = np.argsort(digests, kind="stable")
        self._chunks = digests[order]
        self._stored = np.array([stored for _, stored in dead.chunks.values()], np.int64)[order]

    def charge(self, digests: Iterable[str]) -> tuple[int, int]:
        """Number of objects that are paid for, and bytes."""
        import numpy as np

        paid = [self._objects.pop(digest) for digest in dict.fromkeys(digests) if digest in self._objects]
        total = sum(known.stored for known in paid if known.pack)
        singles = prefixes(known.digest for known in paid if not known.pack)
        for listed in [singles, *self._listed(known for known in paid if known.pack)]:
            wanted = np.unique(listed)
            at = np.searchsorted(self._chunks, wanted)
            at = at[at < len(self._chunks)]
            hit = at[self._chunks[at] == wanted[: len(at)]]
            total += int(self._stored[hit].sum())
            self._stored[hit] = 0
        return len(paid), total

    def rest(self) -> tuple[int, int]:
        """What nobody paid for."""
        manifests = sum(known.stored for known in self._objects.values() if known.pack)
        return len(self._objects), int(self._stored.sum()) + manifests

    def _listed(self, objects: Iterable[Known]) -> Iterator[Prefixes]:
        for known in objects:
            try:
                yield from self._marks.listed([known])
            except (CorruptError, NotFoundError):  # it is dead, so its damage harms nobody
                continue


def _told(freed: Sequence[Freed], packs: _Packs, now: Picture, grace: timedelta) -> Collected:
    refs = {holder.id: holder for holder in now.live}
    kept = tuple(Kept(refs[each].ref, refs[each].kind, why) for each, why in sorted(now.pins.items()))
    total = sum(one.bytes for one in freed)
    counts = len(packs.removed), len(packs.rewritten)
    return Collected(True, grace.total_seconds(), tuple(freed), kept, total, packs.disk, packs.left, *counts)
