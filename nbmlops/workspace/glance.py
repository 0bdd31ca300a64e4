"""Which glance at the names of a workspace there is: through SQLite's file where the catalog is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.store.glance import Glance, bare, through
from nbmlops.workspace.catalogs import catalog_url

if TYPE_CHECKING:
    from nbmlops.workspace.root import Workspace

__all__ = ["glance_at"]


def glance_at(workspace: Workspace) -> Glance:
    """A glance at the catalog of a workspace; it opens nothing but the file."""
    marker = workspace.marker
    _, is_file, path = catalog_url(workspace.settings, marker.state, marker.root).partition("sqlite:///")
    return Glance(bare(Path(path)) if is_file else through(workspace.catalog))
