"""Verbs that govern what is kept: the audit trail, legal holds, retention."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.audit import Audit, Event
    from nbmlops.store.audit_export import TrailExport
    from nbmlops.store.audit_verdict import Trail
    from nbmlops.store.certificates import Certificate
    from nbmlops.store.holding import Holding
    from nbmlops.store.holds import Hold
    from nbmlops.store.retaining import Retained, Retirable
    from nbmlops.store.retention_rules import RetentionRule
    from nbmlops.store.roots import Outside
    from nbmlops.store.trust import Keyring
    from nbmlops.store.versions import Versions

__all__ = ["Governance", "Governed"]

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Governed:
    """What the verbs are about.

    Attributes
    ----------
    audit : Audit
        The audit trail, and with it the catalog.
    clock : Clock
        The time.
    kinds : mapping of str to Versions
        The versions of each kind.
    outside : callable
        Contents that something outside the catalog refers to.
    retention : callable
        Gives the tables of the rules of retention, as the settings have them now.
    keyring : Keyring
        Signs certificates, and verifies them.
    workspace : str
        The workspace's id.
    page : callable
        Writes a certificate as a page of ``html`` or ``md``.
    beyond : callable
        Gives what rules of retention are about besides versions.
    """

    audit: Audit
    clock: Clock
    kinds: Mapping[str, Versions]
    outside: Outside
    retention: Callable[[], Mapping[str, Mapping[str, Any]]]
    keyring: Keyring
    workspace: str
    page: Callable[[Certificate, str], str]
    beyond: Callable[[], Sequence[Retirable]] = tuple


class Governance:
    """The verbs.

    Parameters
    ----------
    governed : Governed
        What they are about.
    """

    def __init__(self, governed: Governed) -> None:
        self._governed = governed

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
        selection = Selection.of(self._governed.clock.now(), who, action, subject, since, until)
        return self._governed.audit.events(limit, selection, after)

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

        found = self._governed.audit.judge()
        if found.ok and against is not None:
            found = compared(self._governed.audit.catalog, Path(against), found)
        if found.ok and found.events and self._governed.audit.checkpoints is not None:
            self._governed.audit.checkpoints.keep(found.events, found.head)
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

        selection = Selection.of(self._governed.clock.now(), who, action, subject, since, until)
        return audit_export.export(
            self._governed.audit.catalog, selection, Path(path), form, after=after, progress=progress
        )

    def hold(self, *refs: str, reason: str, kind: str | None = None) -> list[Hold]:
        """Place a legal hold: nothing of it is deleted, erased, collected or retired until it is released.

        Parameters
        ----------
        *refs : str
            Versions, names (all versions, those to come too) of data, models, pipelines and features, and runs.
        reason : str
            Why; whoever is refused is told.
        kind : str, optional
            Of what kind they are, where several have such a name.

        Raises
        ------
        NotFoundError
            When there is no such thing; nothing is held then.
        InvalidError
            When there is no reason.
        """
        return self._holding().hold(refs, reason, kind)

    def release(self, *holds: str, reason: str) -> list[Hold]:
        """Release holds by their numbers, or by what they are on.

        Parameters
        ----------
        *holds : str
            Numbers, or what exactly one hold is on.
        reason : str
            Why.

        Raises
        ------
        NotFoundError
            When there is no such hold; nothing is released then.
        AmbiguousError
            When several are on that.
        """
        return self._holding().release(holds, reason)

    def holds(self, *, released: bool = False) -> list[Hold]:
        """List the holds that are on something; with `released` those that were too."""
        return self._holding().listed(released=released)

    def retention(self) -> list[RetentionRule]:
        """List the rules of retention, from ``[tool.nbmlops.retention]``.

        Raises
        ------
        InvalidError
            When one is wrong.
        """
        from nbmlops.store.retention_rules import REQUESTS, rules_of

        return rules_of(self._governed.retention(), (*self._governed.kinds, REQUESTS))

    def retain(self, *, apply: bool = False) -> Retained:
        """Tell which versions the rules keep no longer, or delete them; gc frees their bytes after its grace.

        Captured requests that rules are about are removed for good.

        Parameters
        ----------
        apply : bool
            Delete them; by default it is only told what would be.

        Raises
        ------
        InvalidError
            When a rule is wrong; nothing is deleted then.
        """
        from nbmlops.store.retaining import Retirement

        governed = self._governed
        retirement = Retirement(governed.kinds, self.retention(), governed.outside, governed.clock, governed.beyond())
        return retirement.apply() if apply else retirement.plan()

    def certificate(self, erasure: str | None = None, to: str | Path | None = None) -> Certificate:
        """Sign what an erasure did: what, where, when, by whom, what it did not reach; no value is in it.

        Parameters
        ----------
        erasure : str, optional
            Its id, or the begin of it; the newest by default.
        to : str or Path, optional
            A new file to write it to: ``.json``, ``.html`` or ``.md``.

        Raises
        ------
        NotFoundError
            When there is no such erasure.
        RefusedError
            While it has not been carried out here.
        InvalidError
            When the file has another ending.
        ConflictError
            When it is there already.
        """
        from nbmlops.store import certificate_files, certificates

        governed = self._governed
        target = None if to is None else certificate_files.target(Path(to))
        catalog = governed.audit.catalog
        made = certificates.issue(catalog, governed.keyring, governed.clock, governed.workspace, erasure)
        if target is not None:
            certificate_files.write(made, target, governed.page)
        return made

    def verify_certificate(self, path: str | Path) -> Certificate:
        """Read a certificate, of whatever form, and verify its signature.

        Raises
        ------
        CorruptError
            When the file holds no certificate, or not all of one.
        UntrustedError
            When the signature does not fit, or its key is not trusted.
        """
        from nbmlops.store import certificate_files

        return certificate_files.read(Path(path), self._governed.keyring)

    def _holding(self) -> Holding:
        from nbmlops.store.holding import Holding

        return Holding(self._governed.audit.catalog, self._governed.clock, self._governed.kinds)
