"""Which versions of a remote a reference means, by the listing of its records; few of them need be read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from nbmlops.core.digests import short
from nbmlops.core.errors import AmbiguousError, InvalidError, NotFoundError, nearest
from nbmlops.core.refs import Ref
from nbmlops.store import adoption, provenance
from nbmlops.store.remote_records import Filed, RemoteRecords, Shelf, folder_of

__all__ = ["Directory", "chosen"]


class Directory:
    """What is filed on a remote, listed once for each name, or with `whole` once for all names of a kind.

    Parameters
    ----------
    records : RemoteRecords
        The remote's.
    kinds : collection of str
        Kinds of versions that are followed.
    whole : str, optional
        The kind of which all is wanted.
    """

    def __init__(self, records: RemoteRecords, kinds: Collection[str], whole: str | None = None) -> None:
        self.records = records
        self._kinds = kinds
        self._whole = whole
        self._listed: dict[tuple[str, str, str], list[Filed]] = {}
        self._all: dict[tuple[str, str], list[Filed]] = {}
        self._read: dict[Filed, dict[str, Any]] = {}

    def all(self, kind: str, shelf: Shelf = "versions") -> list[Filed]:
        """All that is filed of a kind."""
        if (kind, shelf) not in self._all:
            self._all[kind, shelf] = self.records.filed(kind, shelf=shelf)
        return self._all[kind, shelf]

    def everything(self, kind: str) -> list[Filed]:
        """All versions of a kind whose bytes are there; raises `NotFoundError` when there are none."""
        if not (found := self.all(kind)):
            hint = "`ml model push` writes there" if kind == "model" else "`ml data push` writes there"
            raise NotFoundError(f"{self.records.where} holds no {kind}", hint=hint)
        return found

    def of(self, kind: str, name: str, shelf: Shelf = "versions") -> list[Filed]:
        """What is filed of a name, by number."""
        key = (shelf, kind, folder_of(name))
        if key not in self._listed:
            if kind == self._whole:
                self._listed[key] = [each for each in self.all(kind, shelf) if each.folder == key[2]]
            else:
                self._listed[key] = self.records.filed(kind, name, shelf)
        return self._listed[key]

    def read(self, filed: Filed) -> dict[str, Any]:
        """Read a record, once."""
        return self.read_all([filed])[0]

    def read_all(self, filed: Sequence[Filed]) -> list[dict[str, Any]]:
        """Read records, each once, side by side."""
        unread = [each for each in dict.fromkeys(filed) if each not in self._read]
        for each, document in zip(unread, self.records.read_all(unread), strict=True):
            self._read[each] = dict(adoption.checked(document, self.records.where))
        return [self._read[each] for each in filed]

    def merged(self, filed: Sequence[Filed]) -> list[dict[str, Any]]:
        """One record for each version, of those that were filed more than once all news."""
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for document in self.read_all(filed):
            groups.setdefault((document["name"], document["digest"], document["created_at"]), []).append(document)
        return [adoption.merged(group) for group in groups.values()]

    def before(self, documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Records of all that some versions were made from, as far as they are filed here."""
        seen = {(each["kind"], each["name"], each["digest"]) for each in documents}
        found: list[dict[str, Any]] = []
        front: list[Mapping[str, Any]] = list(documents)
        while front:
            wanted: list[Filed] = []
            for read in (read for document in front for read in provenance.ancestors(document)):
                key = (read["kind"], read["name"], read["digest"])
                if read["kind"] in self._kinds and key not in seen:
                    seen.add(key)
                    wanted += self._filed(read)
            nearer = self.merged(wanted)
            found += nearer
            front = list(nearer)
        return found

    def _filed(self, read: Mapping[str, Any]) -> list[Filed]:
        """Records of an ancestor: those with its number, if there are such."""
        shelves: tuple[Shelf, Shelf] = ("versions", "lineage")
        there = [each for shelf in shelves for each in self.of(read["kind"], read["name"], shelf)]
        same = [each for each in there if each.digest == read["digest"]]
        exact = [each for each in same if each.number == (read["number"] or 0)]
        return exact or same[:1]


def chosen(directory: Directory, kind: str, refs: Sequence[Ref]) -> list[dict[str, Any]]:
    """Records of the versions that some references mean there.

    Raises
    ------
    NotFoundError
        When there is no such version; the hint says what there is.
    AmbiguousError
        When a reference means several.
    InvalidError
        When it is an alias.
    """
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for ref in refs:
        for document in _meant(directory, kind, ref):
            found[document["name"], document["digest"], document["created_at"]] = document
    return list(found.values())


def _meant(directory: Directory, kind: str, ref: Ref) -> Iterator[dict[str, Any]]:
    if ref.alias is not None:
        there = directory.of(kind, ref.name)
        known = f"{ref.name}@v{there[-1].number}" if there else ref.name
        hint = f"`ml model pull {known}`" if kind == "model" else f"`ml data pull {known}`"
        raise InvalidError(f"{ref} is an alias, and aliases do not travel", hint=hint)
    there = directory.of(kind, ref.name)
    fitting = [each for each in there if _fits(each, ref)]
    if not fitting:
        raise _missing(directory, kind, ref, there)
    last = [each for each in fitting if each.number == fitting[-1].number] if ref.prefix is None else fitting
    documents = directory.merged(last)
    if ref.is_bare or len(documents) == 1:
        yield max(documents, key=lambda each: each["created_at"])
        return
    digests = sorted({each["digest"] for each in documents})
    if len(digests) > 1:
        shown = ", ".join(f"{ref.name}@{short(digest)}" for digest in digests[:5])
        raise AmbiguousError(f"{ref} means {len(digests)} versions there: {shown}", hint="name one by its digest")
    yield max(documents, key=lambda each: (each["number"] or 0, each["created_at"]))


def _fits(filed: Filed, ref: Ref) -> bool:
    if ref.number is not None:
        return filed.number == ref.number
    return ref.prefix is None or filed.digest.startswith(ref.prefix)


def _missing(directory: Directory, kind: str, ref: Ref, there: Sequence[Filed]) -> NotFoundError:
    where = directory.records.where
    if there:
        known = ", ".join(f"v{each.number}" for each in there[-5:])
        return NotFoundError(f"{where} has no {ref}", hint=f"it has {ref.name} {known}")
    known_only = any(_fits(each, ref) for each in directory.of(kind, ref.name, "lineage"))
    if known_only:
        return NotFoundError(f"{where} knows {ref}, but its bytes were not pushed", hint="push it where it was made")
    names = {each.folder for each in directory.all(kind)}
    return NotFoundError(f"{where} has no {kind} named {ref.name!r}", hint=nearest(ref.name, names))
