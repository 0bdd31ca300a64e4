"""stats: whose the stored bytes are, and what plain copies would take.

One pass over the index gives each chunk and each manifest a line in arrays of numbers, 21 bytes a line. Then one
holder after the other claims its lines, so that memory does not grow with the number of versions. As in `marking`, of
each digest the first eight bytes are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from nbmlops.core.errors import CorruptError, NotFoundError
from nbmlops.store.folders import Folder
from nbmlops.store.index import Index, Known
from nbmlops.store.manifests import EMPTY
from nbmlops.store.marking import Marks, prefixes
from nbmlops.store.reader import Shelves
from nbmlops.store.records import Share, Stats
from nbmlops.store.roots import Holder, Roots

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nbmlops.store.marking import Prefixes

__all__ = ["Census"]

T = TypeVar("T")

_PAGE = 500
_NOBODY, _SEVERAL, _RECENT = -1, -2, -3
_NAMES = {"artifact": "artifacts of runs", "report": "reports of checks"}


class _Lines:
    """Entries of the index, ordered by the beginnings of their digests: bytes as stored, and who holds each."""

    def __init__(self, pages: Iterable[tuple[Sequence[str], Sequence[int]]]) -> None:
        import numpy as np

        keys, stored = [np.empty(0, "<u8")], [np.empty(0, np.int64)]
        for digests, sizes in pages:
            keys.append(prefixes(digests))
            stored.append(np.array(sizes, np.int64))
        unordered = np.concatenate(keys)
        order = np.argsort(unordered, kind="stable")
        self._keys = unordered[order]
        self._stored = np.concatenate(stored)[order]
        self._owner = np.full(len(order), _NOBODY, np.int32)
        self._asked = np.zeros(len(order), bool)

    def __len__(self) -> int:
        return len(self._keys)

    def ask(self, digests: Prefixes) -> None:
        """Note the lines of these entries for the next `claim` or `spare`."""
        import numpy as np

        if len(self._keys):
            at = np.minimum(np.searchsorted(self._keys, digests), len(self._keys) - 1)
            self._asked[at[self._keys[at] == digests]] = True

    def claim(self, holder: int) -> int:
        """Give what was asked for to a holder; its bytes."""
        import numpy as np

        (hit,) = np.nonzero(self._asked)
        self._asked[hit] = False
        self._owner[hit] = np.where(self._owner[hit] == _NOBODY, holder, _SEVERAL)
        return int(self._stored[hit].sum())

    def spare(self) -> None:
        """Note as recent what was asked for and nobody holds."""
        self._owner[self._asked & (self._owner == _NOBODY)] = _RECENT
        self._asked[:] = False

    def held(self, digests: Sequence[str]) -> NDArray[np.bool_]:
        """For each of these entries, which are here, whether anybody holds it."""
        import numpy as np

        return np.asarray(self._owner[np.searchsorted(self._keys, prefixes(digests))] != _NOBODY)

    def of(self, holder: int) -> int:
        """Bytes that only this holder has."""
        return int(self._stored[self._owner == holder].sum())


@dataclass(slots=True)
class _Claim:
    """Who asks for objects, and which; `logical` are bytes of plain copies."""

    kind: str
    name: str
    versions: int = 0
    deleted: int = 0
    elsewhere: int = 0
    logical: int = 0
    holders: list[Holder] = field(default_factory=list)
    digests: frozenset[str] = frozenset()


class Census:
    """Counts in one store, once.

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
        self._unread: set[str] = set()
        # A manifest is a line of its object; an object without one takes no bytes but its chunk's.
        self._chunks = _Lines(_columns(index))
        known = _pages(index.all_objects())
        self._objects = _Lines(([one.digest for one in page], [_manifest(one) for one in page]) for page in known)

    def take(self, grace: timedelta, progress: Callable[[int], None] | None = None) -> Stats:
        """Count."""
        before = self._roots.clock.now() - grace
        claims = self._claims(before)
        stored = []
        for number, claim in enumerate(claims):
            for digests in self._digests(claim):
                self._ask(digests)
            stored.append(self._claim(number))
            if progress is not None:
                progress(stored[-1])
        self._spare(before)
        sizes, packs = self._folder.names(), self._index.packs()
        shares = [self._share(number, *both) for number, both in enumerate(zip(claims, stored, strict=True))]
        shared = self._of(_SEVERAL)
        return Stats(
            holders=tuple(sorted(shares, key=lambda one: (-one.stored, -one.logical, one.kind, one.name))),
            packs=len(packs),
            objects=len(self._objects),
            chunks=len(self._chunks),
            disk=sum(sizes.values()),
            held=sum(one.own for one in shares) + shared,
            shared=shared,
            recent=self._of(_RECENT),
            free=None if self._unread else self._of(_NOBODY) + self._strays(sizes, packs, before),
            grace=grace.total_seconds(),
            missing=tuple(pack for pack in packs if pack not in sizes and self._folder.size(pack) is None),
            unread=len(self._unread),
        )

    def _claims(self, before: datetime) -> list[_Claim]:
        """Who holds objects: names with versions, then runs and reports if they hold any."""
        picture = self._roots.picture(before)
        copies = self._roots.copies((*picture.live, *picture.due, *picture.freed))
        claims: dict[tuple[str, str], _Claim] = {}
        for page in _pages(picture.live):
            here = self._here(page)
            for holder in page:
                claim = claims.setdefault((holder.kind, holder.name), _Claim(holder.kind, holder.name))
                if holder.root not in here:
                    claim.elsewhere += 1
                    continue
                claim.holders.append(holder)
                claim.versions += 1
                claim.deleted += holder.deleted_at is not None
                claim.logical += copies[holder.id]
        others = [
            _Claim(each.kind, _NAMES[each.kind], each.count, logical=each.size, digests=each.digests)
            for each in self._roots.recorded()
            if each.count
        ]
        return [*claims.values(), *others]

    def _here(self, holders: Sequence[Holder]) -> set[str]:
        """Roots that are stored."""
        roots = {holder.root for holder in holders}
        return {*self._index.objects(roots), *self._index.places(roots), EMPTY}

    def _digests(self, claim: _Claim) -> Iterator[Sequence[str]]:
        """All objects that are asked for, each once, in pages."""
        wanted = dict.fromkeys(sorted(claim.digests))
        for holder in claim.holders:
            try:
                wanted.update(dict.fromkeys(self._roots.of(holder)))
            except (CorruptError, NotFoundError):
                self._unread.add(holder.root)
                wanted[holder.root] = None
        yield from _pages(wanted)

    def _ask(self, digests: Sequence[str]) -> None:
        """Ask for objects and for all that they are made of."""
        asked = prefixes(digests)
        self._objects.ask(asked)
        self._chunks.ask(asked)
        for listed in self._listed([known for known in self._index.objects(digests).values() if known.pack]):
            self._chunks.ask(listed)

    def _listed(self, page: Sequence[Known]) -> Iterator[Prefixes]:
        try:
            yield from list(self._marks.listed(page))
            return
        except (CorruptError, NotFoundError):
            pass  # which one it is shows when they are read one by one
        for known in page:
            try:
                yield from self._marks.listed([known])
            except CorruptError:
                self._unread.add(known.digest)
            except NotFoundError:  # a gc beside this one took it
                continue

    def _claim(self, number: int) -> int:
        return self._objects.claim(number) + self._chunks.claim(number)

    def _spare(self, before: datetime) -> None:
        """Set apart what nobody holds but a gc would not touch yet."""
        for page in _pages(self._index.all_objects()):
            there = self._objects.held([known.digest for known in page])
            young = [one.digest for one, held in zip(page, there, strict=True) if not held and one.created_at > before]
            self._ask(young)
        self._objects.spare()
        self._chunks.spare()

    def _share(self, number: int, claim: _Claim, stored: int) -> Share:
        own = self._of(number)
        counts = claim.versions, claim.deleted, claim.elsewhere
        return Share(claim.kind, claim.name, *counts, claim.logical, own, stored - own)

    def _of(self, holder: int) -> int:
        return self._objects.of(holder) + self._chunks.of(holder)

    def _strays(self, sizes: Mapping[str, int], packs: Iterable[str], before: datetime) -> int:
        """Bytes of packs that no line of the index names, and that nobody will enter any more."""
        known, gone = set(packs), set(self._index.removed())
        strays = (pack for pack in sizes if pack not in known)
        return sum(sizes[pack] for pack in strays if pack in gone or self._folder.abandoned(pack, before))


def _columns(index: Index) -> Iterator[tuple[list[str], list[int]]]:
    for page in index.all_chunks():
        yield [digest for digest, _, _ in page], [stored for _, _, stored in page]


def _manifest(known: Known) -> int:
    return known.stored if known.pack else 0


def _pages(records: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(records)
    while page := list(islice(waiting, _PAGE)):
        yield page
