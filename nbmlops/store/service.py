"""Verbs on the store itself: verify, repair, stats, gc, backup, restore; those of `Governance` and of `AccessVerbs`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.spans import parse_span
from nbmlops.store.access.verbs import AccessVerbs
from nbmlops.store.governance import Governance, Governed

if TYPE_CHECKING:
    from nbmlops.store.access.service import Access
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.records import Backup, CatalogExport, Collected, Repair, Stats, Verification
    from nbmlops.store.remote import Remote
    from nbmlops.store.roots import Roots

__all__ = ["Store"]

Progress = Callable[[int], None]


class Store(AccessVerbs, Governance):
    """Care of the objects and of the audit trail.

    Parameters
    ----------
    objects : ObjectStore
        The objects.
    roots : Roots
        What refers to the objects.
    remotes : callable
        Opens a remote by its name, a folder or a URL.
    governed : Governed
        The catalog, its audit trail, and what holds and retention are about.
    access : Access
        Says who may do what.
    """

    def __init__(
        self,
        objects: ObjectStore,
        roots: Roots,
        remotes: Callable[[str], Remote],
        governed: Governed,
        access: Access,
    ) -> None:
        super().__init__(governed)
        self._objects = objects
        self._remotes = remotes
        self._roots = roots
        self._access = access

    exporting: Callable[[], Callable[..., CatalogExport]]
    """Gives what writes the catalog for others, which stands above the store, where runs and features are known."""

    def verify(self, *, full: bool = False, progress: Progress | None = None) -> Verification:
        """Check every object: sizes and listings, or with `full` every byte; and the chain of the audit trail.

        Raises
        ------
        CorruptError
            When the audit trail is broken.
        """
        self._governed.audit.verify()
        return self._objects.verify(full=full, progress=progress)

    def repair(self, source: str) -> Repair:
        """Fetch good copies of what is damaged from a remote's name, a folder or a URL that was pushed to."""
        return self._objects.repair(self._remotes(source).folder)

    def stats(self, *, grace: str | timedelta = "14d", progress: Progress | None = None) -> Stats:
        """Tell what is in the store and whose it is: for each name what plain copies would take, and what it takes.

        Nothing but sizes and listings is read, so that the bytes themselves may be damaged; see `verify`.

        Parameters
        ----------
        grace : str or timedelta
            The grace of the gc whose bytes are told: ``14d``, ``12h``, ``0``.
        progress : callable, optional
            Told the bytes of each holder, as stored, when they were counted.
        """
        from nbmlops.store.counting import Census

        folder, index = self._objects.parts
        return Census(folder, index, self._roots).take(parse_span(grace), progress)

    def gc(
        self, *, dry_run: bool = False, grace: str | timedelta = "14d", progress: Progress | None = None
    ) -> Collected:
        """Free the bytes that nothing needs any more, and say whose they were.

        Kept is what any version, run, report, alias, frozen pipeline or ``nbmlops.lock`` refers to, and all that was
        stored within the grace, whether or not anything refers to it. Others may save and load meanwhile.

        Parameters
        ----------
        dry_run : bool
            Only tell what would be freed.
        grace : str or timedelta
            How long ago a version was deleted, or an object stored, to be freed: ``14d``, ``12h``, ``0``.
        progress : callable, optional
            Told the bytes of each few packs that were dealt with.

        Raises
        ------
        CorruptError
            When it cannot be told what something that stays is made of, as it is damaged; nothing is freed then.
        ConflictError
            When others keep storing things.
        """
        from nbmlops.store.collecting import Collector

        span = parse_span(grace)
        folder, index = self._objects.parts
        return Collector(folder, index, self._roots).collect(span, dry_run=dry_run, progress=progress)

    def backup(self, path: str | Path, *, progress: Progress | None = None) -> Backup:
        """Copy the catalog into a new file, as it is at one moment; the bytes of versions stay in the store's packs.

        Raises
        ------
        ConflictError
            When the file is there already.
        UnavailableError
            When it cannot be written.
        """
        from nbmlops.store.backup import back_up

        return back_up(self._governed.audit.catalog, Path(path), progress)

    def restore(self, path: str | Path, *, replace: bool = False, progress: Progress | None = None) -> Backup:
        """Make the catalog what it was when a backup was taken, on whatever engine that was.

        Parameters
        ----------
        path : str or Path
            The backup.
        replace : bool
            Whether what the catalog holds now may go.
        progress : callable, optional
            Told the rows of each part.

        Raises
        ------
        ConflictError
            When the catalog holds something and `replace` is not set.
        CorruptError
            When the file is no backup, or damaged.
        UnsupportedError
            When a newer nbmlops wrote it.
        """
        from nbmlops.store.backup import restore

        done = restore(self._governed.audit.catalog, Path(path), replace=replace, progress=progress)
        self._objects.reindex()
        return done

    def export(
        self,
        form: str,
        path: str | Path,
        *,
        since: str | timedelta | datetime | None = None,
        namespace: str | None = None,
        progress: Progress | None = None,
    ) -> CatalogExport:
        """Write runs, versions and where they come from into a new file, as another catalog reads them.

        No value of any data is told, and no source. The same is told under the same ids however often, so that others
        may be told twice.

        Parameters
        ----------
        form : {"openlineage", "datahub"}
            Whose form: events of OpenLineage, one JSON object a line, or proposals of DataHub, one JSON list.
        path : str or Path
            The file.
        since : str, timedelta or datetime, optional
            Only runs that ended, and versions that were saved, from then on: a span such as ``30d``, or a date, UTC.
        namespace : str, optional
            What jobs and datasets are told under; by default one that only this workspace has.
        progress : callable, optional
            Told the bytes that were written.

        Raises
        ------
        InvalidError
            When there is no such form, no such time, or the namespace is empty or has a line break.
        ConflictError
            When the file is there already.
        NotFoundError
            When its folder is not there.
        UnavailableError
            When it cannot be written.
        """
        return self.exporting()(form, Path(path), since=since, namespace=namespace, progress=progress)
