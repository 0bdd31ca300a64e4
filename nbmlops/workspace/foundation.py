"""What every noun's service is made from: settings, the catalog, the objects, the keys of whoever runs this."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from nbmlops.core.clock import clock_here
from nbmlops.core.errors import UntrustedError
from nbmlops.workspace import layout
from nbmlops.workspace.catalogs import catalog_url, keeping

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.core.settings import Settings
    from nbmlops.store.access.service import Access
    from nbmlops.store.audit import Audit
    from nbmlops.store.catalog import Catalog
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.trust import Keyring
    from nbmlops.store.versions import Versions
    from nbmlops.workspace.layout import Marker

__all__ = ["Foundation"]


class Foundation:
    """A workspace below its nouns.

    Parameters
    ----------
    marker : Marker
        Where it is and what it says of itself.
    settings : Settings
        Its settings.
    clock : Clock
        Tells the time to all services.

    Raises
    ------
    UntrustedError
        When it names places elsewhere and is not trusted.
    """

    def __init__(self, marker: Marker, settings: Settings, clock: Clock | None = None) -> None:
        self.marker = marker
        self.settings = settings
        self.clock = clock or clock_here()
        if settings.from_project and not self.keyring.is_trusted(marker.id, marker.root):
            raise UntrustedError(
                f"pyproject.toml of {marker.root} names {' and '.join(settings.from_project)} elsewhere, "
                "and you have not said that you trust this workspace",
                hint="look at [tool.nbmlops] in it, then `ml trust`",
            )

    @staticmethod
    def user_keyring() -> Keyring:
        """Keys and trust of whoever runs this."""
        from nbmlops.store.trust import Keyring

        return Keyring(layout.config_folder())

    @cached_property
    def keyring(self) -> Keyring:
        """The user's keys and what they trust."""
        return self.user_keyring()

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog, brought to this version's tables."""
        from nbmlops.store.catalog import Catalog

        catalog = Catalog(catalog_url(self.settings, self.marker.state, self.marker.root))
        catalog.ensure_current(keeping(self.marker.state))
        catalog.settles_by(self._settle)
        return catalog

    @cached_property
    def objects(self) -> ObjectStore:
        """The object store."""
        from nbmlops.store.objects import ObjectStore
        from nbmlops.store.stamps import Stamps

        place = self.settings.objects or str(self.marker.state / "objects")
        # A folder is meant from the project's root, wherever in it one stands.
        root = place if "://" in place else str(self.marker.root / place)
        stamps = None if self.settings.rehash else Stamps(self.marker.state / "stamps.json", self.clock)
        return ObjectStore(root, self.catalog, self.clock, stamps)

    @cached_property
    def audit(self) -> Audit:
        """The audit trail."""
        from nbmlops.store.audit import Audit
        from nbmlops.store.checkpoints import Checkpoints

        return Audit(self.catalog, Checkpoints(self.keyring, self.marker.id, self.clock))

    @cached_property
    def access(self) -> Access:
        """Who may do what."""
        from nbmlops.store.access.service import Access

        return Access(lambda: self.catalog, self.clock, self.marker.root)

    def versions(self, kind: str) -> Versions:
        """Versions of one kind."""
        from nbmlops.store.versions import Versions

        return Versions(self.catalog, self.clock, kind, self.marker.root)

    @cached_property
    def _lineage(self) -> Any:
        from nbmlops.store.lineage import Lineage

        return Lineage(self.catalog, self.clock)

    @cached_property
    def _lock(self) -> Any:
        from nbmlops.data.lockfile import LockFile

        return LockFile(self.marker.root / "nbmlops.lock", self.marker.state / "lock.guard")

    def _settle(self) -> None:
        """Bring what this process has noted of runs into the catalog; whoever has runs does."""
