"""Verbs on the store itself: verify, repair."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbmlops.store.audit import Audit
    from nbmlops.store.objects import ObjectStore, Repair, Verification
    from nbmlops.store.remote import Remote

__all__ = ["Store"]


class Store:
    """Care of the objects and of the audit trail; `remotes` opens a remote by its name, a folder or a URL."""

    def __init__(self, objects: ObjectStore, audit: Audit, remotes: Callable[[str], Remote]) -> None:
        self._objects = objects
        self._remotes = remotes
        self._audit = audit

    def verify(self, *, full: bool = False, progress: Callable[[int], None] | None = None) -> Verification:
        """Check every object: sizes and listings, or with `full` every byte; and the chain of the audit trail.

        Raises
        ------
        CorruptError
            When the audit trail is broken.
        """
        self._audit.verify()
        return self._objects.verify(full=full, progress=progress)

    def repair(self, source: str) -> Repair:
        """Fetch good copies of what is damaged from a remote's name, a folder or a URL that was pushed to."""
        return self._objects.repair(self._remotes(source).folder)
