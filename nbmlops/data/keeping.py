"""Verbs on versions of data by their names: list, show, history, delete, restore, rename; and the lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.digests import short
from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError
from nbmlops.core.refs import Ref
from nbmlops.data.afterwards import Afterwards
from nbmlops.data.lockfile import LockFile
from nbmlops.data.records import DataRow, DataVersion
from nbmlops.data.saving import Tables
from nbmlops.render.listing import Listing
from nbmlops.store import lineage
from nbmlops.store.judging import newest_report, newest_reports
from nbmlops.store.pages import Page
from nbmlops.store.tags import checked
from nbmlops.store.version_rows import Part

if TYPE_CHECKING:
    from nbmlops.store.aliases import Aliases
    from nbmlops.store.exchange import Exchange
    from nbmlops.store.lineage import Lineage
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.versions import Version, Versions

__all__ = ["Keeping"]

Progress = Callable[[int], None]
_SHOWN = Part(values=("format", "rows"), lengths=("columns",))


class Keeping:
    """What can be done with versions without looking into them."""

    def __init__(
        self,
        versions: Versions,
        aliases: Aliases,
        objects: ObjectStore,
        lineage: Lineage,
        lock: LockFile,
        scratch: Path,
        exchange: Callable[[], Exchange],
        trusted: Callable[[], bool],
    ) -> None:
        self._versions = versions
        self._aliases = aliases
        self._objects = objects
        self._lineage = lineage
        self._lock = lock
        self._scratch = scratch
        self._tables = Tables(versions, objects, scratch)
        self._open_exchange = exchange
        self._trusted = trusted
        self._later = Afterwards()

    def close(self) -> None:
        """End what goes on in the background."""
        self._later.stop()

    @cached_property
    def exchange(self) -> Exchange:
        """What goes to remotes and comes from them."""
        return self._open_exchange()

    def show(self, ref: str) -> DataVersion:
        """What is known of a version."""
        version = self._versions.resolve(ref)
        return replace(DataVersion.of(version), judged=newest_report(self._versions, version))

    def history(
        self,
        name: str,
        *,
        tags: Mapping[str, Any] | None = None,
        limit: int | None = None,
        after: str | None = None,
        aliased: bool = False,
    ) -> Listing[DataVersion]:
        """All versions of a name, newest first: what each holds, and who made it, where and at which commit.

        Parameters
        ----------
        name : str
            The name.
        tags : mapping, optional
            Only versions that have these.
        limit : int, optional
            How many at most.
        after : str, optional
            The last version of the page before.
        aliased : bool
            Only versions that an alias is on.

        Raises
        ------
        NotFoundError
            When nothing has that name, or there is no version `after`.
        InvalidError
            When `limit` is below 1, or `after` is of another name.
        """
        page = Page.of(name, limit, after, aliased)
        found = self._versions.history(name, checked(tags or {}), page)
        judged = newest_reports(self._versions, found)
        records = (replace(DataVersion.of(version), judged=judged.get(version.id)) for version in found)
        return Listing(records, DataVersion, "history", "no version matches")

    def rows(self, name: str, *, limit: int | None = None, after: str | None = None) -> list[DataRow]:
        """What a table shows of the versions of a name, newest first; asked and raised for as in `history`."""
        found = self._versions.history(name, None, Page.of(name, limit, after, False), _SHOWN)
        judged = newest_reports(self._versions, found)
        return [DataRow.of(version, judged.get(version.id)) for version in found]

    def newest_rows(self) -> list[DataRow]:
        """What a table shows of the newest version of every name."""
        return [DataRow.of(version) for version in self._versions.newest(None, _SHOWN)]

    def placed(self) -> dict[str, dict[str, str]]:
        """Where all aliases are: for each name that has some, alias -> the reference of its version."""
        return self._aliases.placed()

    def deleted_rows(self) -> list[DataRow]:
        """What a table shows of each version that was deleted and can be restored, the last first."""
        return [DataRow.of(version) for version in self._versions.hidden(_SHOWN)]

    def outline(self, name: str, every: int = 100) -> tuple[int, list[str]]:
        """How many versions a name has, and after which ones the pages of its history begin, but for the first."""
        return self._versions.outline(name, every)

    def delete(self, ref: str, *, unlock: bool = False) -> list[DataVersion]:
        """Hide a version, or with a bare name all of them, until `restore` or the end of the grace period.

        Parameters
        ----------
        ref : str
            What to delete.
        unlock : bool
            Take it out of ``nbmlops.lock`` too, which otherwise holds it.

        Raises
        ------
        RefusedError
            While an alias or the lock refers to it.
        """
        name = Ref.parse(ref).name
        locked = None if unlock else self._now(name, self._lock.read().get(name))

        def guard(version: Version) -> None:
            if version.digest == locked:
                raise RefusedError(
                    f"{version.ref} cannot be deleted: nbmlops.lock names it", hint=f"`ml data delete {ref} --unlock`"
                )

        gone = self._versions.delete(ref, guard=guard)
        if unlock and self._now(name, self._lock.read().get(name)) in {version.digest for version in gone}:
            self._lock.update({name: None})
        return [DataVersion.of(version) for version in gone]

    def _now(self, name: str, digest: str | None) -> str | None:
        """The digest that a locked one has by now: rows of it may have been erased since git kept the lock."""
        from nbmlops.store import tombstones

        return digest and tombstones.successor_of(self._versions.catalog, "data", name, digest)

    def restore(self, ref: str) -> list[DataVersion]:
        """Bring back what was deleted."""
        return [DataVersion.of(version) for version in self._versions.restore(ref)]

    def rename(self, old: str, new: str) -> DataVersion:
        """Give all versions of a name another name, in the lock too."""
        self._versions.rename(old, new)
        locked = self._lock.read().get(old)
        if locked:
            self._lock.update({old: None, new: locked})
        return self.show(new)

    def lock_newest(self, names: Sequence[str]) -> None:
        """Write into the lock what some names mean now, when the file's turn comes; others may save meanwhile."""
        self._lock.refresh(names, lambda name: self._versions.resolve(name).digest)

    def _resolve(self, ref: str, locked: bool) -> Version:
        parsed = Ref.parse(ref)
        if not locked:
            return self._versions.resolve(parsed)
        if not parsed.is_bare:
            raise InvalidError(
                f"{ref} names a version already, so the lock has no say", hint=f"`ml data load {parsed.name} --locked`"
            )
        digest = self.locked(parsed.name)
        try:
            version = self._versions.resolve(Ref(parsed.name, prefix=digest))
        except NotFoundError as error:
            raise NotFoundError(
                f"{self._lock.name} names {parsed.name}@{short(digest)}, which is not here",
                hint=f"`ml data pull {parsed.name} --locked`",
            ) from error
        return version

    def _present(self, version: Version, *, locked: bool = False) -> Version:
        """Give back a version whose bytes are here; of one that only came as lineage, say how to get them."""
        if self.exchange.absent(version):
            ref = f"{version.name} --locked" if locked else version.ref
            raise NotFoundError(f"{version.ref} is known here, its bytes are not", hint=f"`ml data pull {ref}`")
        return version

    def locked(self, name: str) -> str:
        """Digest that a locked load of a name means: what a frozen pipeline pins, else what ``nbmlops.lock`` says.

        Raises
        ------
        NotFoundError
            When the lock has no line for the name.
        """
        return lineage.current().pins.get(f"lock:{name}") or self._lock.digest(name)

    def list(self, *, tags: Mapping[str, Any] | None = None, deleted: bool = False) -> list[DataVersion]:
        """The newest version of every name; with tags, the newest of those that have them.

        Parameters
        ----------
        tags : mapping, optional
            Tags that a version must have.
        deleted : bool
            Tell instead what was deleted and can be restored, each version of it, what was deleted last first.
        """
        if deleted:
            wanted = checked(tags or {}).items()
            return [DataVersion.of(version) for version in self._versions.hidden() if wanted <= version.tags.items()]
        return [DataVersion.of(version) for version in self._versions.newest(checked(tags or {}))]
