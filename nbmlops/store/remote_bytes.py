"""Which bytes the records of a remote need, and the removal of others that must not be there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.store import adoption
from nbmlops.store.purging import dead_at, read_at
from nbmlops.store.remote_records import Filed, Shelf
from nbmlops.store.rewriting import Dead, rewrite
from nbmlops.store.shelf import Shelf as Packs

if TYPE_CHECKING:
    from nbmlops.store.receiving import Holding
    from nbmlops.store.remote import Remote

__all__ = ["dead_there", "filed_there", "take_back"]

_SHELVES: tuple[Shelf, Shelf] = ("versions", "lineage")


def filed_there(remote: Remote, kinds: Iterable[str]) -> Iterator[Filed]:
    """Where all records of some kinds lie."""
    for kind in kinds:
        for shelf in _SHELVES:
            yield from remote.records.filed(kind, shelf=shelf)


def dead_there(
    remote: Remote,
    holdings: Mapping[str, Holding],
    documents: Iterable[Mapping[str, Any]],
    doomed: Iterable[str],
    before: Dead,
) -> Dead:
    """What is dead, of what is doomed: all but what some records need.

    Parameters
    ----------
    remote : Remote
        The remote.
    holdings : mapping of str to Holding
        What each kind knows of its bytes.
    documents : iterable of mapping
        The records of all versions that are to stay readable there.
    doomed : iterable of str
        Objects that are to go.
    before : Dead
        What an earlier removal that was cut off had written down.
    """
    packs, keep = Packs(remote.folder), set[str]()
    for document in documents:
        version = adoption.as_version(document)
        keep.update(document["needs"])
        keep.update(holdings[version.kind].parts(version, lambda digest: read_at(packs, digest)))
    return dead_at(packs, before.objects.union(doomed) - keep, keep, before.chunks)


def take_back(remote: Remote, holdings: Mapping[str, Holding], objects: Iterable[str]) -> None:
    """Remove objects that were sent and must not be there, unless a record needs them."""
    filed = [each for each in filed_there(remote, holdings) if each.shelf == "versions"]
    documents = remote.records.read_all(filed)
    rewrite(remote.folder, dead_there(remote, holdings, documents, objects, Dead(frozenset(), frozenset())))
