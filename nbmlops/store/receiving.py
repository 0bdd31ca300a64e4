"""Take versions from a remote: choose by its records, fetch and prove the bytes, then add rows and lineage at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from nbmlops.core.clock import Clock
from nbmlops.core.errors import RefusedError
from nbmlops.core.refs import Ref, pinned
from nbmlops.store import adoption, provenance, tombstones, turns
from nbmlops.store.catalog import Catalog, Connection
from nbmlops.store.objects import ObjectStore
from nbmlops.store.provenance import RunBook
from nbmlops.store.records import Pull, Taken, Transfer
from nbmlops.store.remote import Remote
from nbmlops.store.remote_records import Filed, folder_of
from nbmlops.store.remote_tombstones import Graves
from nbmlops.store.selection import Directory, chosen
from nbmlops.store.turns import CollectedError
from nbmlops.store.versions import Version, Versions

__all__ = ["Holding", "Receiver"]

Progress = Callable[[int], None]
Document = Mapping[str, Any]
_TURNS = 5


class Holding(Protocol):
    """What a noun knows of the bytes of its versions."""

    def needs(self, version: Version) -> list[str]:
        """Objects that a version cannot be read without, its root first."""

    def parts(self, version: Version, read: Callable[[str], bytes] | None = None) -> list[str]:
        """More objects, which those name; `read` gives an object, by default one that is here."""

    def recognise(self, version: Version) -> None:
        """Raise `CorruptError` unless what is told of a version is what its kind has; asks for no bytes."""

    def check(self, version: Version) -> None:
        """Raise `CorruptError` unless the objects, which are here now, give the version's digest."""


@dataclass(slots=True)
class _Fetched:
    """Bytes that came for each version, by its place in the order of the records, and which objects hold them."""

    new_bytes: dict[int, int] = field(default_factory=dict)
    objects: list[str] = field(default_factory=list)
    transfer: Transfer = field(default_factory=lambda: Transfer(0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Receiver:
    """One workspace that takes; its fields are those of `Exchange`."""

    catalog: Catalog
    objects: ObjectStore
    clock: Clock
    runs: RunBook
    holdings: Mapping[str, Holding]
    cache: Path

    def pull(self, remote: Remote, kind: str, refs: Sequence[Ref], progress: Progress | None) -> Pull:
        """Take versions, all of a kind when none is named; see `Exchange.pull`."""
        remote.refuse_missing()
        remote.records.check()
        directory = Directory(remote.records, frozenset(self.holdings), whole=None if refs else kind)
        there = remote.tombstones.read(kind)
        graves = self._graves(there)
        here: list[Taken] = []
        if refs:
            documents = chosen(directory, kind, [graves.follow(kind, ref) for ref in refs])
        else:
            here, new = self._known(kind, directory.everything(kind))
            documents = directory.merged(new)
        kept, held = self._present(
            remote, self._spared(remote, graves, documents, strict=bool(refs)), strict=bool(refs)
        )
        before = self._spared(remote, graves, directory.before(kept), strict=False)
        for document in (*kept, *before):
            self.holdings[document["kind"]].recognise(adoption.as_version(document))
        pulled = self._take(remote, (kept, held, before, here), progress)
        return replace(pulled, erased=self._learn(remote, there))

    def _graves(self, there: Graves) -> Graves:
        """What was erased there, and here."""
        own = self.catalog.read(tombstones.everything)
        return Graves([*own.all, *there.all]) if there else own

    def _spared(self, remote: Remote, graves: Graves, documents: Sequence[Document], *, strict: bool) -> list[Document]:
        """Records but those of contents that were erased, each with what it was made from as that is called now."""
        if not graves:
            return list(documents)
        gone = [each for each in documents if graves.find(each["kind"], each["name"], each["digest"])]
        if gone and strict:
            version = adoption.as_version(gone[0])
            raise RefusedError(
                f"{version.ref} of {remote.name} holds rows that were erased",
                hint=f"`ml data erase --resume --remote {remote.name}` takes them out there",
            )
        return [graves.told(each) for each in documents if not any(each is one for one in gone)]

    def _learn(self, remote: Remote, graves: Graves) -> tuple[str, ...]:
        """Take the tombstones over; what of them is here still, which is told and not touched."""
        if not graves:
            return ()

        def work(connection: Connection) -> list[str]:
            left = [gone for gone in graves.all if not tombstones.learn(connection, gone, remote.name)]
            return [pinned(gone.name, None, gone.digest) for gone in left]

        return tuple(dict.fromkeys(self.catalog.transact(work)))

    def _take(
        self,
        remote: Remote,
        choice: tuple[list[Document], frozenset[int], Sequence[Document], list[Taken]],
        progress: Progress | None,
        turn: int = 1,
    ) -> Pull:
        """Fetch, then adopt; anew when a gc removed meanwhile what an earlier turn had brought."""
        kept, held, before, here = choice
        fetched = self._fetch(remote, kept, held, progress)
        try:
            taken, runs = self.catalog.transact(lambda c: self._adopt(c, kept, before, fetched))
        except CollectedError:
            if turn == _TURNS:
                raise
            return self._take(remote, choice, progress, turn + 1)
        done, versions = fetched.transfer, (*here, *taken)
        figures = (done.objects, done.chunks, done.bytes_sent, done.bytes_skipped)
        return Pull(remote.name, versions, len(before), runs, *figures)

    def _known(self, kind: str, filed: Iterable[Filed]) -> tuple[list[Taken], list[Filed]]:
        """What is here under the same number, which need not be read, and the rest."""
        versions = Versions(self.catalog, self.clock, kind)
        own = {
            (folder_of(one.name), one.number, one.digest): one
            for newest in versions.newest()
            for one in versions.history(newest.name)
        }
        holding = self.holdings[kind]
        lacking = self.objects.missing(digest for one in own.values() for digest in holding.needs(one))
        here, new = {}, []
        for each in filed:
            one = own.get((each.folder, each.number, each.digest))
            if one is not None and lacking.isdisjoint(holding.needs(one)):
                here[one.ref] = Taken(one.ref, one.ref, one.digest, "here")
            else:
                new.append(each)
        return list(here.values()), new

    def _present(
        self, remote: Remote, documents: Sequence[Document], *, strict: bool
    ) -> tuple[list[Document], frozenset[int]]:
        """Records that may be taken, none of a version that is deleted here; and those whose bytes are here."""

        def work(connection: Connection) -> list[tuple[Document, Version | None]]:
            found: list[tuple[Document, Version | None]] = []
            for document in documents:
                version = adoption.as_version(document)
                row = adoption.here(connection, version)
                # What a gc freed comes back by being asked for by its name.
                if row is None or (strict and row.freed_at is not None):
                    found.append((document, None))
                elif row.deleted_at is None:
                    own = Versions(self.catalog, self.clock, version.kind).get_in(connection, row.id)
                    found.append((document, own))
                elif strict:
                    raise RefusedError(
                        f"{version.ref} of {remote.name} is deleted here",
                        hint=f"`ml {version.kind} restore {pinned(version.name, row.number, row.digest)}`",
                    )
            return found

        found = self.catalog.read(work)
        held = {
            number
            for number, (_, own) in enumerate(found)
            if own is not None and not self.objects.missing(self.holdings[own.kind].needs(own))
        }
        return [document for document, _ in found], frozenset(held)

    def _fetch(
        self, remote: Remote, documents: Sequence[Document], held: frozenset[int], progress: Progress | None
    ) -> _Fetched:
        """Get the bytes that are not here, then prove each version by them."""
        wanted = {n: adoption.as_version(each) for n, each in enumerate(documents) if n not in held}
        needs = {n: self.holdings[one.kind].needs(one) for n, one in wanted.items()}
        came = self._pull(remote, needs.values(), progress)
        # What a folder holds, its listing tells, which is here now.
        parts = {n: self.holdings[one.kind].parts(one) for n, one in wanted.items()}
        more = self._pull(remote, parts.values(), progress)
        fetched, counted = _Fetched(), set[str]()
        for n, one in wanted.items():
            self.holdings[one.kind].check(one)
            own = dict.fromkeys([*needs[n], *parts[n]])
            fetched.new_bytes[n] = sum((came[1] | more[1]).get(each, 0) for each in own if each not in counted)
            counted.update(own)
        fetched.objects = list(counted)
        (a, _), (b, _) = came, more
        fetched.transfer = Transfer(
            a.objects + b.objects, a.chunks + b.chunks, a.bytes_sent + b.bytes_sent, a.bytes_skipped + b.bytes_skipped
        )
        return fetched

    def _pull(
        self, remote: Remote, digests: Iterable[list[str]], progress: Progress | None
    ) -> tuple[Transfer, dict[str, int]]:
        wanted = list(dict.fromkeys(each for some in digests for each in some))
        if not wanted:
            return Transfer(0, 0, 0, 0), {}
        came = self.objects.pull(wanted, remote.folder, progress, self.cache)
        return came.transfer, came.new_bytes

    def _adopt(
        self, connection: Connection, documents: Sequence[Document], before: Sequence[Document], fetched: _Fetched
    ) -> tuple[list[Taken], tuple[tuple[str, str], ...]]:
        """Add rows and edges."""
        turns.hold(connection, fetched.objects)
        now = self.clock.now()
        runs = self.runs.adopt(connection, [run for each in (*before, *documents) for run in each["runs"]])
        ids = provenance.Ids()
        taken = []
        for number, document in enumerate(documents):
            version = adoption.as_version(document)
            came = fetched.new_bytes.get(number)
            added = adoption.adopt(connection, version, now, new_bytes=came, named=True)
            ids.add(document, added.id)
            state = "new" if added.new else "here" if came is None else "filled"
            own = pinned(version.name, added.number, version.digest)
            taken.append(Taken(version.ref, own, version.digest, state))
        for document in sorted(before, key=lambda each: each["number"] or 0, reverse=True):
            version = adoption.as_version(document)
            ids.add(document, adoption.adopt(connection, version, now, new_bytes=None, named=False).id)
        for document in (*documents, *before):
            provenance.tell(connection, document, ids)
        return taken, tuple(runs)
