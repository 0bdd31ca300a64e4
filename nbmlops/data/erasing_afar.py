"""The part of an erasure that happens on remotes, and what is left to do of it when one is away.

It comes last, when nothing of it is left here: what it takes is in the catalog, so it can be done at any later time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nbmlops.core.errors import NbmlopsError
from nbmlops.data.erasure_records import RemotePurge
from nbmlops.store import audit, erasures
from nbmlops.store.remote_purging import Purged, RemotePurger
from nbmlops.store.rewriting import Dead

if TYPE_CHECKING:
    from nbmlops.store.catalog import Connection
    from nbmlops.store.erasures import Intent
    from nbmlops.store.exchange import Exchange
    from nbmlops.store.redaction import Redaction

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
