"""The catalog as other catalogs read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbmlops.workspace.export.writing import Exporter
    from nbmlops.workspace.root import Workspace

__all__ = ["exporter"]


def exporter(workspace: Workspace) -> Exporter:
    """Give what exports the catalog of `workspace`; what it needs is imported only when it is asked for."""
    from nbmlops.workspace.export.writing import Exporter

    return Exporter(workspace)
