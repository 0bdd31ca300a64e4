"""A project scores tables: what of it a process needs for that, here and in the processes that compute."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.workspace.sites import workspace_at

if TYPE_CHECKING:
    from nbmlops.serving.batch.service import BatchScoring
    from nbmlops.serving.batch.work import Place
    from nbmlops.workspace.root import Workspace

__all__ = ["place_at", "scoring_of"]


def scoring_of(workspace: Workspace) -> BatchScoring:
    """The verb ``model score`` of a workspace."""
    from nbmlops.serving.batch.service import BatchScoring

    return BatchScoring(
        _place_of(workspace),
        partial(place_at, type(workspace)),
        workspace.marker.root,
        lambda name: workspace.deployment.said(name).unseen,
        workspace.settings.scheduler,
    )


def place_at(kind: type[Workspace], root: Path) -> Place:
    """The project of a folder in the process of a worker, opened once."""
    return _place_of(workspace_at(kind.open, root))


def _place_of(workspace: Workspace) -> Place:
    from nbmlops.serving.batch.work import Place

    versions = workspace.versions("model"), workspace.versions("data")
    return Place(*versions, workspace.data, workspace.objects, workspace.keyring)
