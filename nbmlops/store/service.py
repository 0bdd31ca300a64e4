"""Verbs on the store itself: verify, repair, stats, gc, backup, restore; and on the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.core.spans import parse_span

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.audit import Audit, Event
    from nbmlops.store.audit_export import TrailExport
    from nbmlops.store.audit_verdict import Trail
    from nbmlops.store.catalog import Catalog
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.records import Backup, Collected, Repair, Stats, Verification
    from nbmlops.store.remote import Remote
    from nbmlops.store.roots import Roots

__all__ = ["Store"]

Progress = Callable[[int], None]


class Store:
    """Care of the objects and of the audit trail.

    Parameters
    ----------
    catalog : Catalog
        What is known of them.
    objects : ObjectStore
        The objects.
    audit : Audit
        The audit trail.
    roots : Roots
        What refers to the objects.
    remotes : callable
        Opens a remote by its name, a folder or a URL.
    clock : Clock
        The time.
    """

    def __init__(
        self,
        catalog: Catalog,
        objects: ObjectStore,
        audit: Audit,
        roots: Roots,
        remotes: Callable[[str], Remote],
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._catalog = catalog
        self._objects = objects
        self._remotes = remotes
        self._audit = audit
        self._roots = roots

    def verify(self, *, full: bool = False, progress: Progress | None = None) -> Verification:
        """Check every object: sizes and listings, or with `full` every byte; and the chain of the audit trail.

        Raises
        ------
        CorruptError
            When the audit trail is broken.
        """
        self._audit.verify()
        return self._objects.verify(full=full, progress=progress)

    def audit(
        self,
        *,
        who: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        since: str | timedelta | datetime | None = None,
        until: str | timedelta | datetime | None = None,
        limit: int = 100,
        after: int | None = None,
    ) -> list[Event]:
        """List Events of the audit trail, newest first.

        Parameters
        ----------
        who, action, subject : str, optional
            Who did it, what, and on what; ``*`` stands for any text, and a name for all its versions.
        since, until : str, timedelta or datetime, optional
            From when on, and before when: a span such as ``30d``, or a date such as ``2026-08-01``, UTC.
        limit : int
            How many at most.
        after : int, optional
            The number of the last Event of the page before.

        Raises
        ------
        InvalidError
            When a time is none, or `limit` is below 1.
        """
        from nbmlops.store.audit_selection import Selection

        if limit < 1:
            raise InvalidError(f"at least one event is listed, not {limit}")
        selection = Selection.of(self._clock.now(), who, action, subject, since, until)
        return self._audit.events(limit, selection, after)

    def verify_audit(self, against: str | Path | None = None) -> Trail:
        """Tell whether the audit trail is whole, and remember its end, signed, in the user's own folder.

        Parameters
        ----------
        against : str or Path, optional
            An export as JSON lines, each line of which has to be there still.

        Raises
        ------
        CorruptError
            When what is remembered, or the export, is damaged.
        """
        from nbmlops.store.audit_verdict import compared

        found = self._audit.judge()
        if found.ok and against is not None:
            found = compared(self._audit.catalog, Path(against), found)
        if found.ok and found.events and self._audit.checkpoints is not None:
            self._audit.checkpoints.keep(found.events, found.head)
        return found

    def export_audit(  # noqa: PLR0913 - one for each option of the verb
        self,
        form: str,
        path: str | Path,
        *,
        who: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        since: str | timedelta | datetime | None = None,
        until: str | timedelta | datetime | None = None,
        after: int | None = None,
        progress: Progress | None = None,
    ) -> TrailExport:
        """Write Events for a SIEM into a new file, oldest first: ``jsonl`` or ``cef``; what is asked as in `audit`.

        Raises
        ------
        InvalidError
            When there is no such form.
        ConflictError
            When the file is there already.
        """
        from nbmlops.store import audit_export
        from nbmlops.store.audit_selection import Selection

        selection = Selection.of(self._clock.now(), who, action, subject, since, until)
        return audit_export.export(self._audit.catalog, selection, Path(path), form, after=after, progress=progress)

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

        return back_up(self._catalog, Path(path), progress)

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

        done = restore(self._catalog, Path(path), replace=replace, progress=progress)
        self._objects.reindex()
        return done
