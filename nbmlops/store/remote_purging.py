"""Bring a remote in line with what was erased here: successors there, old records and old bytes gone.

It is told by tombstones and the digests of objects alone, so it can be done, or done again, at any time later; values
in records are searched for besides while their condition is known. The order lets it be cut off anywhere: tombstones,
by which nobody brings the old content back; the bytes of the successors; their records; then the old records go, then
the old bytes. A push that came meanwhile is met by looking once more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import ConflictError
from nbmlops.core.refs import pinned
from nbmlops.store import adoption, tombstones
from nbmlops.store.remote_bytes import dead_there, filed_there
from nbmlops.store.remote_records import Filed, filed_as
from nbmlops.store.rewriting import Dead, rewrite
from nbmlops.store.scrubbing import kept_of, subject_without
from nbmlops.store.versions import Version, Versions

if TYPE_CHECKING:
    from nbmlops.store.exchange import Exchange
    from nbmlops.store.redaction import Redaction
    from nbmlops.store.remote import Remote
    from nbmlops.store.remote_tombstones import Graves

__all__ = ["Purged", "RemotePurger"]

Progress = Callable[[int], None]
_TURNS = 5
# Members of records that are no free text.
_FIXED = frozenset(
    "at created_at detail digest ended_at experiment git id kind metrics name needs number parent_id params protocol "
    "root run_id runs size started_at status tags written".split()
)
_CONTENT = ("digest", "root", "size")


@dataclass(slots=True)
class Purged:
    """What was done on a remote.

    `records` were written anew or removed; `freed` is by how many bytes its packs are smaller; `blocked` are versions
    there, by reference, that are not here, or not as they should be, and cannot be read without what was erased;
    `unknown` are versions of the erased names that are there and not here.
    """

    records: int = 0
    freed: int = 0
    blocked: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(slots=True)
class _Turn:
    """One look at a remote: what stays of its records, what is to take the place of others, what stands in the way."""

    staying: dict[Filed, Mapping[str, Any]] = field(default_factory=dict)
    anew: dict[Filed, tuple[Mapping[str, Any], Version | None]] = field(default_factory=dict)
    gone: list[Filed] = field(default_factory=list)
    doomed: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)


class RemotePurger:
    """Purges remotes of what was erased here.

    Parameters
    ----------
    exchange : Exchange
        What goes between this workspace and remotes.
    doomed : collection of str
        Digests of all objects that erasures took out of this store.
    names : collection of str
        Names of data whose rows were erased.
    redaction : Redaction
        Values to be taken out of records; one that is empty finds none.
    progress : callable, optional
        Told bytes as they are sent and looked through.
    """

    def __init__(
        self,
        exchange: Exchange,
        doomed: Collection[str],
        names: Collection[str],
        redaction: Redaction,
        progress: Progress | None = None,
    ) -> None:
        self._exchange = exchange
        self._doomed = frozenset(doomed)
        self._names = frozenset(names)
        self._redaction = redaction
        self._progress = progress
        self._graves: Graves = exchange.catalog.read(tombstones.everything)
        versions = Versions(exchange.catalog, exchange.clock, "data").everything()
        self._own = {(one.name, one.digest): one for one in versions if one.freed_at is None}
        self._born = {one.created_at: one for one in versions}

    def purge(self, remote: Remote, dead: Dead, note: Callable[[Dead], None]) -> Purged:
        """Do all of it.

        Parameters
        ----------
        remote : Remote
            The remote.
        dead : Dead
            What an earlier purge of it, which was cut off, had written down.
        note : callable
            Writes down what is about to be removed.

        Raises
        ------
        UnavailableError
            When the remote cannot be used now.
        CorruptError
            When something there that is to stay is damaged.
        ConflictError
            When others keep pushing what was erased.
        """
        remote.refuse_missing()
        remote.records.check()
        remote.folder.sweep()
        if not any(filed_there(remote, self._exchange.holdings)) and not remote.folder.names():
            return Purged()
        remote.records.begin()
        for gone in self._graves.all:
            remote.tombstones.write(gone)
        done = Purged()
        for _ in range(_TURNS):
            turn = self._look(remote)
            done.records += self._replace(remote, turn)
            staying = [document for filed, document in turn.staying.items() if filed.shelf == "versions"]
            dead = dead_there(remote, self._exchange.holdings, staying, turn.doomed, dead)
            note(dead)
            freed = rewrite(remote.folder, dead, self._progress)
            done.freed += freed.freed
            done.blocked, done.unknown = tuple(sorted(turn.blocked)), tuple(sorted(turn.unknown))
            if not (turn.anew or turn.gone or freed.removed):
                return done
        raise ConflictError(f"others keep pushing to {remote.name} what was erased", hint="purge it when they are done")

    # --- look -------------------------------------------------------------------------------------

    def _look(self, remote: Remote) -> _Turn:
        turn, filed = _Turn(doomed=set(self._doomed)), list(filed_there(remote, self._exchange.holdings))
        for each, document in zip(filed, remote.records.read_all(filed), strict=True):
            adoption.checked(document, remote.where)
            new, version = self._renewed(turn, each, document)
            if new is None:
                turn.gone.append(each)
            elif new == document:
                turn.staying[each] = document
            else:
                turn.anew[each] = new, version
        return turn

    def _renewed(
        self, turn: _Turn, filed: Filed, document: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any] | None, Version | None]:
        """A record as it has to be, and the version whose bytes have to be there for that; None for one that goes."""
        new, version = self._graves.told(document), None
        if document["kind"] == "data":
            name, digest = self._here(document)
            led = self._graves.successor("data", name, digest)
            own = self._own.get((name, led))
            if led != digest:
                turn.doomed.update(document["needs"])
                if own is None or (filed.shelf == "versions" and self._exchange.absent(own)):
                    return None, None
                version = own
            elif filed.shelf == "versions" and not self._doomed.isdisjoint(document["needs"]):
                if own is None or not self._doomed.isdisjoint(self._exchange.needs(own)):
                    turn.blocked.add(pinned(document["name"], document["number"], digest))
                else:
                    version = own
            elif name in self._names and filed.shelf == "versions" and not self._looked_through(document, own):
                turn.unknown.add(pinned(document["name"], document["number"], digest))
            if version is not None:
                new |= {key: getattr(version, key) for key in _CONTENT} | {"needs": self._exchange.needs(version)}
                new |= {"detail": adoption.travelling(version.detail)}
        return (self._redacted(new) if self._redaction else self._said(new)), version

    def _here(self, document: Mapping[str, Any]) -> tuple[str, str]:
        """Name and digest of a version that a record tells of, by its name here when it was given another."""
        name, digest = document["name"], document["digest"]
        if self._graves.find("data", name, digest) is None and (name, digest) not in self._own:
            renamed = self._born.get(adoption.as_version(document).created_at)
            if renamed is not None and self._graves.find("data", renamed.name, digest):
                return renamed.name, digest
        return name, digest

    def _looked_through(self, document: Mapping[str, Any], own: Version | None) -> bool:
        """Whether a version is here with its bytes, under this name or the one that it was given since."""
        if own is None:
            born = self._born.get(adoption.as_version(document).created_at)
            own = born and self._own.get((born.name, document["digest"]))
        return own is not None and not self._exchange.absent(own)

    def _said(self, document: dict[str, Any]) -> dict[str, Any]:
        """A record in which what is known here of a version and of its runs is said as it is said here by now."""
        own = self._born.get(adoption.as_version(document).created_at)
        if own is not None and own.kind == document["kind"]:
            document |= {"message": own.message, "tags": dict(own.tags)}
        ids = [run["id"] for run in document["runs"]]
        known = {run["id"]: run for run in self._exchange.catalog.read(lambda c: self._exchange.runs.told(c, ids))}
        return document | {"runs": [known.get(run["id"], run) for run in document["runs"]]}

    def _redacted(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        clear = self._redaction
        clean: dict[str, Any] = clear.json(document, _FIXED)
        clean["tags"] = clear.json(document["tags"], fixed=())
        clean["detail"] = clear.json(document["detail"], kept_of(document["detail"]))
        clean["runs"] = [
            {
                **clear.json(run, _FIXED),
                "params": clear.json(run["params"], fixed=()),
                "tags": clear.json(run["tags"], fixed=()),
            }
            for run in document["runs"]
        ]
        clean["written"] = [{**write, "by": subject_without(clear, write["by"])} for write in document["written"]]
        return clean

    # --- replace ----------------------------------------------------------------------------------

    def _replace(self, remote: Remote, turn: _Turn) -> int:
        """Send the successors and their records, then remove the old ones."""
        wanted: list[str] = []
        for filed, (_, version) in turn.anew.items():
            if filed.shelf == "versions" and version is not None:
                wanted += self._exchange.all_needs(version)
        if wanted:
            self._exchange.objects.push(wanted, remote.folder, self._progress, self._exchange.cache)
        for filed, (document, _) in turn.anew.items():
            at = filed_as(document, filed.shelf)
            remote.records.write(document, filed.shelf)
            turn.staying[at] = document
        for filed in (*turn.anew, *turn.gone):
            if filed not in turn.staying:
                remote.records.remove(filed)
        return len(turn.anew) + len(turn.gone)
