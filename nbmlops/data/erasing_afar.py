"""The part of an erasure that happens on remotes, and what is left to do of it when one is away.

First what they have and is not here is fetched, to be looked through. The purge comes last, when nothing of the rows is
left here: what it takes is in the catalog, so it can be done at any later time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from nbmlops.core.errors import NbmlopsError
from nbmlops.core.refs import Ref, pinned
from nbmlops.data import queries
from nbmlops.data.erasure_records import RemotePurge
from nbmlops.store import audit, erasures, tombstones
from nbmlops.store.remote_purging import Purged, RemotePurger
from nbmlops.store.remote_records import folder_of
from nbmlops.store.rewriting import Dead
from nbmlops.store.versions import Versions

if TYPE_CHECKING:
    from nbmlops.store.catalog import Connection
    from nbmlops.store.erasures import Intent
    from nbmlops.store.exchange import Exchange
    from nbmlops.store.redaction import Redaction
    from nbmlops.store.remote_records import RemoteRecords

__all__ = ["RemoteEraser"]

Progress = Callable[[int], None]


class RemoteEraser:
    """Purges remotes.

    Parameters
    ----------
    exchange : Exchange
        What goes between this workspace and remotes.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._catalog = exchange.catalog

    def meant(self, besides: Sequence[str]) -> list[str]:
        """All remotes that the project names, and others, which have to be known by their place.

        Raises
        ------
        NotFoundError
            When one of the others is none.
        """
        for other in besides:
            self._exchange.remotes(other)
        return list(dict.fromkeys([*self._exchange.known(), *besides]))

    def planned(self, names: Sequence[str], besides: Sequence[str]) -> tuple[RemotePurge, ...]:
        """The remotes that would be purged, and what each has of some names that would have to be fetched first."""
        lacking = self._lacking(names, besides)
        return tuple(
            RemotePurge(remote, done=False, unknown=tuple(pinned(*each) for each in lacking.get(remote, ())))
            for remote in self.meant(besides)
        )

    def fetch(self, names: Sequence[str], besides: Sequence[str], progress: Progress | None) -> None:
        """Fetch what remotes have of some names and is not here, so that it is looked through like all else.

        What was deleted here, and freed, stays deleted. What cannot be fetched stays unknown: the remote is not called
        purged then.
        """
        for remote, lacking in self._lacking(names, besides).items():
            hidden = self._catalog.read(queries.hidden)
            with suppress(NbmlopsError):
                refs = [Ref(name, prefix=digest) for name, _, digest in lacking]
                self._exchange.pull("data", refs, remote, progress)
            self._catalog.transact(partial(queries.hide_again, hidden))

    def _lacking(self, names: Sequence[str], besides: Sequence[str]) -> dict[str, list[tuple[str, int, str]]]:
        """By remote, name, number and digest of what is there and not here; a remote that is away tells nothing."""
        versions = Versions(self._catalog, self._exchange.clock, "data").everything()
        missing = {one.id for one in versions if one.freed_at is not None or self._exchange.absent(one)}
        here = {(one.name, one.digest) for one in versions if one.id not in missing}
        # What was renamed since it was pushed has its old name there.
        wanted = {one.digest for one in versions if one.id in missing and one.name in names}
        graves = self._catalog.read(tombstones.everything)
        found: dict[str, list[tuple[str, int, str]]] = {}
        for remote in self.meant(besides):
            with suppress(NbmlopsError):  # it is asked again when it is purged, and what it says then is told
                there = _filed(self._exchange.remotes(remote).records, names, wanted)
                found[remote] = [
                    each for each in there if each[::2] not in here and not graves.find("data", *each[::2])
                ]
        return {remote: lacking for remote, lacking in found.items() if lacking}

    def purge(self, intent: Intent, redaction: Redaction, progress: Progress | None) -> tuple[RemotePurge, ...]:
        """Purge the remotes that an erasure waits for; one that fails does not keep the others waiting."""
        return tuple([self._purge(intent, name, redaction, progress) for name in intent.detail.get("remotes", {})])

    def _purge(self, intent: Intent, name: str, redaction: Redaction, progress: Progress | None) -> RemotePurge:
        kept = intent.detail["remotes"][name].get("dead", {})
        before = Dead(frozenset(kept.get("objects", ())), frozenset(kept.get("chunks", ())))

        def note(dead: Dead) -> None:
            told = {"objects": sorted(dead.objects), "chunks": sorted(dead.chunks)}
            self._catalog.transact(lambda c: erasures.note(c, intent.id, name, {"dead": told}))

        doomed, names = self._catalog.read(erasures.doomed), self._catalog.read(erasures.names)
        purger = RemotePurger(self._exchange, doomed, names, redaction, progress)
        try:
            done = purger.purge(self._exchange.remotes(name), before, note)
        except NbmlopsError as error:
            why = str(error)
            self._catalog.transact(lambda c: erasures.note(c, intent.id, name, {"why": why}))
            return RemotePurge(name, done=False, why=why)
        if done.blocked:
            why = f"{', '.join(done.blocked)} there is made of erased rows, and is not here: pull it, then erase again"
        elif done.unknown:
            why = f"{', '.join(done.unknown)} there is not here, and may hold such rows: pull it, then erase again"
        else:
            why = ""
        if why:
            self._catalog.transact(lambda c: erasures.note(c, intent.id, name, {"why": why}))
            return RemotePurge(name, done=False, why=why, freed=done.freed, unknown=done.unknown)
        self._catalog.transact(lambda c: self._settle(c, intent, name, done))
        return RemotePurge(name, done=True, freed=done.freed, unknown=done.unknown)

    def _settle(self, connection: Connection, intent: Intent, name: str, done: Purged) -> None:
        """Whatever erasure waited for this remote, it has been purged for all of them."""
        clock = self._exchange.clock
        erasures.settle(connection, name, clock.now())
        said = {"erasure": intent.id, "records": done.records, "bytes": done.freed}
        audit.append(connection, clock, "data.erase.remote", name, said)


def _filed(records: RemoteRecords, names: Sequence[str], digests: Collection[str]) -> list[tuple[str, int, str]]:
    """Name, number and digest of what is filed under some names, or has one of some digests."""
    called = {folder_of(name): name for name in names}
    found: dict[tuple[str, int, str], None] = {}
    for each in records.filed("data"):
        if each.folder in called:
            found[called[each.folder], each.number, each.digest] = None
        elif each.digest in digests:
            found[records.read(each)["name"], each.number, each.digest] = None
    return list(found)
