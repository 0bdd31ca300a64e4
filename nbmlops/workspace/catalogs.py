"""Where the catalog of a workspace is, and making it."""

from __future__ import annotations

from pathlib import Path

from nbmlops.core.settings import Settings

__all__ = ["catalog_url", "create_catalog"]


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
