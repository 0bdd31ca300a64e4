"""The catalog that tests work on: SQLite in a folder, or, when the environment names one, that of a team."""

from __future__ import annotations

import os
from pathlib import Path

from nbmlops.store.catalog import Catalog

__all__ = ["new_catalog", "url_in"]


def url_in(folder: Path) -> str:
    """URL of a catalog that is not there yet."""
    return os.environ.get("NBMLOPS_CATALOG") or f"sqlite:///{folder / 'catalog.db'}"


def new_catalog(folder: Path) -> Catalog:
    """A catalog that was just made."""
    catalog = Catalog(url_in(folder))
    catalog.create()
    return catalog
