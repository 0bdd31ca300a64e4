"""Where the catalog of a workspace is, and making it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.settings import Settings

if TYPE_CHECKING:
    from nbmlops.store.catalog import Connection

__all__ = ["catalog_url", "create_catalog", "keeping"]


def catalog_url(settings: Settings, state: Path, root: Path) -> str:
    """URL of the catalog: in the workspace by default; a relative SQLite path is meant from the project's root."""
    named = settings.catalog
    if named is None:
        return f"sqlite:///{state / 'catalog.db'}"
    scheme, found, path = named.partition("sqlite:///")
    return f"sqlite:///{root / path}" if found and not scheme else named


def create_catalog(state: Path, root: Path, settings: Settings) -> None:
    """Create the catalog that the settings name; one that is there already is left to `ensure_current`."""
    from nbmlops.store.catalog import Catalog

    catalog = Catalog(catalog_url(settings, state, root))
    there = catalog.path.exists() if catalog.is_sqlite else catalog.revision() is not None
    if not there:
        catalog.create()
    catalog.close()


def keeping(state: Path) -> Callable[[Connection, str], None]:
    """What copies a catalog that is no file into a workspace, as a backup, before its tables are changed."""

    def keep(connection: Connection, revision: str) -> None:
        from nbmlops.store.backup import keep_older

        keep_older(connection, revision, state / f"catalog-{revision}.before.zip")

    return keep
