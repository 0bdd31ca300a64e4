"""Verbs that send versions of data to remotes and fetch them: push and pull."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.core.refs import Ref
from nbmlops.data.keeping import Keeping

if TYPE_CHECKING:
    from nbmlops.store.records import Pull, Push

__all__ = ["Travelling"]

Progress = Callable[[int], None]


class Travelling(Keeping):
    """What goes between workspaces."""

    def push(self, *refs: str, to: str | None = None, progress: Progress | None = None) -> Push:
        """Send versions to a remote; only what is missing there travels, and a record of each follows its bytes.

        Parameters
        ----------
        *refs : str
            What to push: ``flights`` is its newest version; all versions of all data by default.
        to : str, optional
            A remote's name, a folder or a URL; may be left out where the project has one remote.
        progress : callable, optional
            Called with numbers of bytes as they are sent.

        Raises
        ------
        NotFoundError
            When there is no such version or remote, or the bytes of one are not here.
        RefusedError
            When one was written by a pipeline run that has not committed.
        UnavailableError
            When the remote cannot be used now; what arrived stays, and the next push goes on from there.
        """
        return self.exchange.push("data", refs, to, progress)

    def pull(
        self, *refs: str, from_: str | None = None, locked: bool = False, progress: Progress | None = None
    ) -> Pull:
        """Fetch versions from a remote, with the lineage of each; every byte is hashed again before it is kept.

        Parameters
        ----------
        *refs : str
            What to pull, as it is called there: ``flights`` is the newest version there; all of it by default.
        from_ : str, optional
            A remote's name, a folder or a URL; may be left out where the project has one remote.
        locked : bool
            Take the content that ``nbmlops.lock`` names, of the names given or of all in it.
        progress : callable, optional
            Called with numbers of bytes as they come.

        Raises
        ------
        NotFoundError
            When the remote has no such version.
        RefusedError
            Inside a pipeline run, or when a version is deleted here.
        CorruptError
            When what the remote has is not what it claims; it is not added.
        UnavailableError
            When the remote cannot be used now; what arrived stays, and the next pull goes on from there.
        """
        parsed = [self._pinned(ref) for ref in refs or self._names()] if locked else [Ref.parse(ref) for ref in refs]
        return self.exchange.pull("data", parsed, from_, progress)

    def _names(self) -> tuple[str, ...]:
        names = tuple(self._lock.read())
        if not names:
            raise NotFoundError(f"{self._lock.name} names nothing", hint="pull by name: `ml data pull NAME`")
        return names

    def _pinned(self, ref: str) -> Ref:
        parsed = Ref.parse(ref)
        if not parsed.is_bare:
            raise InvalidError(
                f"{ref} names a version already, so the lock has no say", hint=f"`ml data pull {parsed.name} --locked`"
            )
        return Ref(parsed.name, prefix=self.locked(parsed.name))
