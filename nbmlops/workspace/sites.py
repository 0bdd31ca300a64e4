"""The project in the process of a worker of a cluster, opened once there and kept open."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbmlops.pipelines.executors.site import Site
    from nbmlops.workspace.root import Workspace

__all__ = ["site_at", "site_of", "workspace_at"]

# By process and folder: a forked child must not use its parent's connections.
_opened: dict[tuple[int, Path], Workspace] = {}
_guard = threading.Lock()


def site_at(opener: Callable[[Path], Workspace], root: Path) -> Site:
    """The site of the project at `root`, opened once in a process; it stays open until the process ends.

    Raises
    ------
    NbmlopsError
        When it cannot be opened here.
    """
    return site_of(workspace_at(opener, root))


def workspace_at(opener: Callable[[Path], Workspace], root: Path) -> Workspace:
    """The workspace at `root`, opened as for `site_at`."""
    key = os.getpid(), root
    with _guard:
        if key not in _opened:
            _opened[key] = opener(root)
            atexit.register(_close, key)
        return _opened[key]


def _close(key: tuple[int, Path]) -> None:
    if key[0] == os.getpid():
        _opened.pop(key).close()


def site_of(workspace: Workspace) -> Site:
    """The site of a workspace that is open."""
    from nbmlops.pipelines.executors.site import Site
    from nbmlops.pipelines.stores import Stores

    versions = {kind: workspace.versions(kind) for kind in ("data", "feature", "model", "pipeline")}
    stores = Stores(versions, workspace.objects, workspace.run, workspace.data, workspace.check)
    return Site(stores, workspace.clock, workspace.marker.root, workspace.marker.state)
