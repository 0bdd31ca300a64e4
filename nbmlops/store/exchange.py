"""Push versions to a remote and pull them from it, with what they were made from; the same for data and models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from nbmlops.core.clock import Clock
from nbmlops.core.errors import NotFoundError, RefusedError
from nbmlops.core.refs import Ref
from nbmlops.store import adoption, lineage, provenance
from nbmlops.store.catalog import Catalog, Connection
from nbmlops.store.objects import ObjectStore
from nbmlops.store.provenance import RunBook
from nbmlops.store.records import Pull, Push, Taken
from nbmlops.store.remote import Remote
from nbmlops.store.remote_records import PROTOCOL, Shelf, filed_as
from nbmlops.store.selection import Directory, chosen
from nbmlops.store.versions import Version, Versions

__all__ = ["Exchange", "Holding"]

Progress = Callable[[int], None]
Document = dict[str, Any]
_WRITERS = 16


class Holding(Protocol):
    """What a noun knows of the bytes of its versions."""

    def needs(self, version: Version) -> list[str]:
        """Objects that a version cannot be read without, its root first."""

    def parts(self, version: Version) -> list[str]:
        """More objects, which those name; asked once they are here."""

    def check(self, version: Version) -> None:
        """Raise `CorruptError` unless the objects, which are here now, give the version's digest."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What goes between this workspace and remotes.

    `holdings` has what each noun knows of its bytes, by its kind; `remotes` opens a remote by its name, or a folder or
    URL, or with None the only one there is; `cache` is a folder for what was read of them, which may be lost.
    """

    catalog: Catalog
    objects: ObjectStore
    clock: Clock
    runs: RunBook
    holdings: Mapping[str, Holding]
    remotes: Callable[[str | None], Remote]
    cache: Path

    def push(self, kind: str, refs: Sequence[str], to: str | None, progress: Progress | None = None) -> Push:
        """Send versions, all of a kind by default: first their bytes, then a record of each.

        Raises
        ------
        RefusedError
            When one has no number yet.
        NotFoundError
            When one is not here, or only known here.
        UnavailableError
            When the remote cannot be used now; what arrived stays.
        """
        remote = self.remotes(to)
        meant = [version for version in self._meant(kind, refs) if not self.absent(version) or self._say(version, refs)]
        remote.records.check()
        wanted: dict[str, None] = {}
        for version in meant:
            holding = self.holdings[version.kind]
            wanted.update(dict.fromkeys([*holding.needs(version), *holding.parts(version)]))
        sent = self.objects.push(wanted, remote.folder, progress, self.cache)
        filed = self._file(remote, meant, everything=not refs)
        return Push(remote.name, tuple(v.ref for v in meant), filed, *_figures(sent))

    def pull(self, kind: str, refs: Sequence[Ref], from_: str | None, progress: Progress | None = None) -> Pull:
        """Fetch versions, all of a kind by default, and the records of what they were made from.

        Raises
        ------
        RefusedError
            Inside a pipeline run, or when a version is deleted here.
        NotFoundError
            When the remote has no such version.
        CorruptError
            When what it has is not what it claims.
        UnavailableError
            When the remote cannot be used now; what arrived stays.
        """
        if lineage.current().pipeline_run_id:
            raise RefusedError("a pipeline run reads what was there when it started", hint="pull before it is run")
        remote = self.remotes(from_)
        remote.records.check()
        directory = Directory(remote.records, self._holds(), whole=None if refs else kind)
        documents = self._present(remote, chosen(directory, kind, refs), strict=bool(refs))
        versions = [adoption.as_version(document) for document in documents]
        new, figures = self._fetch(remote, versions, progress)
        before = directory.before(documents)
        return self._adopt(remote, documents, before, new, figures)

    def absent(self, version: Version) -> bool:
        """Whether a version is only known here: its bytes were never pulled."""
        return bool(self.objects.missing(self.holdings[version.kind].needs(version)))

    def _versions(self, kind: str) -> Versions:
        return Versions(self.catalog, self.clock, kind)

    def _meant(self, kind: str, refs: Sequence[str]) -> list[Version]:
        versions = self._versions(kind)
        if not refs:
            return [version for newest in versions.newest() for version in reversed(versions.history(newest.name))]
        meant = {version.id: version for version in map(versions.resolve, refs)}
        for version in meant.values():
            if version.number is None:
                raise RefusedError(
                    f"{version.ref} has no number yet", hint="push it when the pipeline run that wrote it has committed"
                )
        return list(meant.values())

    @staticmethod
    def _say(version: Version, refs: Sequence[str]) -> bool:
        """Refuse what was asked for by name and is only known here; of all versions, leave it out."""
        if refs:
            raise NotFoundError(
                f"{version.ref} is known here, its bytes are not", hint=f"`ml {version.kind} pull {version.ref}` first"
            )
        return False

    # --- push -------------------------------------------------------------------------------------

    def _file(self, remote: Remote, meant: Sequence[Version], *, everything: bool) -> int:
        """Write the records that are not there: of ancestors first, so that nobody meets one that is not."""
        documents, before = self.catalog.read(lambda c: self._told(c, meant))
        kinds = {version.kind for version in meant}
        directory = Directory(remote.records, self._holds(), whole=next(iter(kinds)) if everything and kinds else None)
        remote.records.begin()
        count = 0
        for shelf, told in (("lineage", before), ("versions", documents)):
            wanted = [each for each in told if not self._filed(directory, each, shelf)]  # type: ignore[arg-type]
            with ThreadPoolExecutor(_WRITERS) as pool:
                written = pool.map(lambda each, at=shelf: remote.records.write(each, at), wanted)
                count += sum(each is not None for each in written)
        return count

    def _filed(self, directory: Directory, document: Mapping[str, Any], shelf: Shelf) -> bool:
        own = filed_as(document, shelf)
        for shelf_there in dict.fromkeys((shelf, "versions")):
            for each in directory.of(document["kind"], document["name"], shelf_there):
                if each.digest != own.digest:
                    continue
                if each.uid == own.uid:
                    return True
                # It may have come from there, and have another number here.
                if each.number != own.number and directory.read(each)["created_at"] == document["created_at"]:
                    return True
        return False

    def _told(self, connection: Connection, meant: Iterable[Version]) -> tuple[list[Document], list[Document]]:
        """Records of versions, and of all that they were made from."""
        documents: dict[tuple[str, str, str, int | None], dict[str, Any]] = {}

        def record(version: Version) -> dict[str, Any]:
            key = (version.kind, version.name, version.digest, version.number)
            if key not in documents:
                documents[key] = self._document(connection, version)
            return documents[key]

        own = [record(version) for version in meant]
        among = {id(each) for each in own}
        waiting, seen = list(own), set(documents)
        while waiting:
            for read in provenance.ancestors(waiting.pop()):
                key = (read["kind"], read["name"], read["digest"], read["number"])
                if read["kind"] in self.holdings and key not in seen:
                    seen.add(key)
                    row_id = provenance.row_of(connection, read)
                    if row_id is not None:
                        waiting.append(record(self._versions(read["kind"]).get_in(connection, row_id)))
        return own, [each for each in documents.values() if id(each) not in among]

    def _document(self, connection: Connection, version: Version) -> dict[str, Any]:
        document: dict[str, Any] = {
            "protocol": PROTOCOL,
            **{key: getattr(version, key) for key in ("kind", "name", "number", "digest", "root", "size", "author")},
            "created_at": version.created_at.isoformat(),
            "message": version.message,
            "tags": dict(version.tags),
            "run_id": version.run_id,
            "detail": dict(version.detail),
            "needs": self.holdings[version.kind].needs(version),
            "written": provenance.written(connection, version.kind, version.id),
        }
        return document | {"runs": self.runs.told(connection, provenance.run_ids(document))}

    # --- pull -------------------------------------------------------------------------------------

    def _holds(self) -> frozenset[str]:
        return frozenset(self.holdings)

    def _present(self, remote: Remote, documents: Sequence[Document], *, strict: bool) -> list[Document]:
        """Records that may be taken: none of a version that is deleted here."""

        def work(connection: Connection) -> list[Document]:
            kept = []
            for document in documents:
                version = adoption.as_version(document)
                row = adoption.here(connection, version)
                if row is None or row.deleted_at is None:
                    kept.append(document)
                elif strict:
                    raise RefusedError(
                        f"{version.ref} of {remote.name} is deleted here",
                        hint=f"`ml {version.kind} restore {version.name}@v{row.number}`",
                    )
            return kept

        return self.catalog.read(work)

    def _fetch(
        self, remote: Remote, versions: Sequence[Version], progress: Progress | None
    ) -> tuple[dict[str, int], tuple[int, int, int, int]]:
        """Get the bytes, then prove them; bytes that came for each version by its digest, and all figures."""
        missing = {version.digest: self.absent(version) for version in versions}
        wanted = {v.digest: self.holdings[v.kind].needs(v) for v in versions}
        came = self.objects.pull([d for each in wanted.values() for d in each], remote.folder, progress, self.cache)
        parts = {v.digest: self.holdings[v.kind].parts(v) for v in versions}
        more = self.objects.pull([d for each in parts.values() for d in each], remote.folder, progress, self.cache)
        new = came.new_bytes | more.new_bytes
        for version in versions:
            if missing[version.digest] or any(d in new for d in wanted[version.digest]):
                self.holdings[version.kind].check(version)
        counted: set[str] = set()
        bytes_of: dict[str, int] = {}
        for digest, objects in wanted.items():
            own = [each for each in dict.fromkeys([*objects, *parts[digest]]) if each not in counted]
            counted.update(own)
            bytes_of[digest] = sum(new.get(each, 0) for each in own)
        figures = tuple(a + b for a, b in zip(_figures(came.transfer), _figures(more.transfer), strict=True))
        return bytes_of, figures  # type: ignore[return-value]

    def _adopt(
        self,
        remote: Remote,
        documents: Sequence[Mapping[str, Any]],
        before: Sequence[Mapping[str, Any]],
        new: Mapping[str, int],
        figures: tuple[int, int, int, int],
    ) -> Pull:
        """Add rows and edges, all in one transaction."""
        now = self.clock.now()

        def work(connection: Connection) -> Pull:
            runs = self.runs.adopt(connection, [run for each in (*before, *documents) for run in each["runs"]])
            ids: dict[tuple[str, str, str], int] = {}
            taken = []
            for document in documents:
                version = adoption.as_version(document)
                added = adoption.adopt(connection, version, now, new_bytes=new[version.digest], named=True)
                ids[version.kind, version.name, version.digest] = added.id
                state = "new" if added.new else "filled" if new[version.digest] else "here"
                here = f"{version.name}@v{added.number}"
                taken.append(Taken(version.ref, here, version.digest, state))
            for document in sorted(before, key=lambda each: each["number"] or 0, reverse=True):
                version = adoption.as_version(document)
                added = adoption.adopt(connection, version, now, new_bytes=0, named=False)
                ids.setdefault((version.kind, version.name, version.digest), added.id)
            for document in (*documents, *before):
                provenance.tell(connection, document, ids)
            return Pull(remote.name, tuple(taken), len(before), tuple(runs), *figures)

        return self.catalog.transact(work)


def _figures(done: Any) -> tuple[int, int, int, int]:
    return done.objects, done.chunks, done.bytes_sent, done.bytes_skipped
