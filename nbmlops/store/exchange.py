"""Push versions to a remote and pull them from it, with what they were made from; the same for data and models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbmlops.core.clock import Clock
from nbmlops.core.errors import ConflictError, NotFoundError, RefusedError
from nbmlops.core.refs import Ref
from nbmlops.store import adoption, lineage, provenance
from nbmlops.store.catalog import Catalog, Connection
from nbmlops.store.objects import ObjectStore
from nbmlops.store.provenance import RunBook
from nbmlops.store.receiving import Holding, Receiver
from nbmlops.store.records import Pull, Push
from nbmlops.store.remote import Remote
from nbmlops.store.remote_bytes import take_back
from nbmlops.store.remote_records import PROTOCOL, Shelf, filed_as
from nbmlops.store.remote_tombstones import Graves
from nbmlops.store.selection import Directory
from nbmlops.store.versions import Version, Versions

__all__ = ["Exchange"]

Progress = Callable[[int], None]
Document = dict[str, Any]
_WRITERS = 16


@dataclass(frozen=True, slots=True)
class Exchange:
    """What goes between this workspace and remotes.

    `holdings` has what each noun knows of its bytes, by its kind; `remotes` opens a remote by its name, or a folder or
    URL, or with None the only one there is; `cache` is a folder for what was read of them, which may be lost; `known`
    gives the names of all remotes.
    """

    catalog: Catalog
    objects: ObjectStore
    clock: Clock
    runs: RunBook
    holdings: Mapping[str, Holding]
    remotes: Callable[[str | None], Remote]
    cache: Path
    known: Callable[[], Sequence[str]] = tuple

    def push(self, kind: str, refs: Sequence[str], to: str | None, progress: Progress | None = None) -> Push:
        """Send versions, all of a kind by default: first their bytes, then a record of each.

        Raises
        ------
        RefusedError
            When one has no number yet, or holds rows that were erased there.
        NotFoundError
            When one is not here, or only known here.
        UnavailableError
            When the remote cannot be used now; what arrived stays.
        """
        remote = self.remotes(to)
        there = [version for version in self._meant(kind, refs) if not self.absent(version) or self._say(version, refs)]
        remote.records.check()
        known = remote.tombstones.listed(kind)
        meant, erased = self._spared(remote, there, refs, known)
        wanted = dict.fromkeys(digest for version in meant for digest in self.all_needs(version))
        sent = self.objects.push(wanted, remote.folder, progress, self.cache)
        if (new := remote.tombstones.listed(kind)) != known:
            self._take_back(remote, meant, new)
        filed = self._file(remote, meant, new, everything=not refs)
        figures = (sent.objects, sent.chunks, sent.bytes_sent, sent.bytes_skipped)
        return Push(remote.name, tuple(version.ref for version in meant), filed, *figures, erased)

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
        return Receiver(self.catalog, self.objects, self.clock, self.runs, self.holdings, self.cache).pull(
            self.remotes(from_), kind, refs, progress
        )

    def absent(self, version: Version) -> bool:
        """Whether a version is only known here: its bytes were never pulled."""
        return bool(self.objects.missing(self.holdings[version.kind].needs(version)))

    def needs(self, version: Version) -> list[str]:
        """Objects that a version cannot be read without, its root first, but the files of a folder."""
        return self.holdings[version.kind].needs(version)

    def all_needs(self, version: Version) -> list[str]:
        """All objects that a version, which is here, cannot be read without."""
        return [*self.needs(version), *self.holdings[version.kind].parts(version)]

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
                f"{version.ref} is known here, its bytes are not",
                hint=f"`ml model pull {version.ref}`" if version.kind == "model" else f"`ml data pull {version.ref}`",
            )
        return False

    def _spared(
        self, remote: Remote, versions: Sequence[Version], refs: Sequence[str], known: frozenset[str]
    ) -> tuple[list[Version], tuple[str, ...]]:
        """Versions that may go there, and references of those that hold what was erased there; refused if named."""
        spared, erased = list(versions), tuple[str, ...]()
        if known and versions:
            graves = remote.tombstones.read(versions[0].kind, known)
            spared = [version for version in versions if not self._is_erased(version, graves)]
            left = {version.id for version in spared}
            erased = tuple(version.ref for version in versions if version.id not in left)
        if erased and refs:
            raise RefusedError(
                f"{erased[0]} holds rows that were erased from {remote.name}",
                hint=f"erase them here too: `ml data erase {erased[0].partition('@')[0]}`",
            )
        return spared, erased

    def _is_erased(self, version: Version, graves: Graves) -> bool:
        held = graves.find(version.kind, version.name, version.digest)
        return held is not None or graves.holds(self.all_needs(version))

    def _take_back(self, remote: Remote, sent: Sequence[Version], known: frozenset[str]) -> None:
        """Remove again what was sent and was erased there meanwhile."""
        spared, erased = self._spared(remote, sent, (), known)
        if erased:
            left = {version.id for version in spared}
            back = [digest for version in sent if version.id not in left for digest in self.all_needs(version)]
            take_back(remote, self.holdings, set(back).difference(*map(self.all_needs, spared)))
            raise ConflictError(
                f"rows of {', '.join(erased)} were erased from {remote.name} while they were pushed",
                hint=f"erase them here too: `ml data erase {erased[0].partition('@')[0]}`",
            )

    # --- push -------------------------------------------------------------------------------------

    def _file(self, remote: Remote, meant: Sequence[Version], erased: frozenset[str], *, everything: bool) -> int:
        """Write the records that are not there: of ancestors first, so that nobody meets one that is not."""
        documents, before = self.catalog.read(lambda c: self._told(c, meant))
        if erased and meant:
            graves = remote.tombstones.read(meant[0].kind, erased)
            documents, before = [graves.told(each) for each in documents], [graves.told(each) for each in before]
            before = [each for each in before if not graves.find(each["kind"], each["name"], each["digest"])]
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
            "detail": adoption.travelling(version.detail),
            "needs": self.holdings[version.kind].needs(version),
            "written": provenance.written(connection, version.kind, version.id),
        }
        return document | {"runs": self.runs.told(connection, provenance.run_ids(document))}

    def _holds(self) -> frozenset[str]:
        return frozenset(self.holdings)
