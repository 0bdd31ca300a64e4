"""Deployments of a workspace: what is said of them, and the folder of what was captured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.models.records import ModelSignature
    from nbmlops.serving import Deployments
    from nbmlops.workspace.root import Workspace

__all__ = ["deployments_of"]


def deployments_of(workspace: Workspace) -> Deployments:
    """Verbs on the deployments of a workspace."""
    from nbmlops.serving.capture.reading import Captured
    from nbmlops.serving.deployments.service import Deployments

    captured = Captured(workspace.marker.state / "capture")

    def load(ref: str) -> tuple[Any, ModelSignature]:
        return workspace.model.load(ref), workspace.model.show(ref).signature

    return Deployments(
        workspace.catalog, workspace.clock, workspace.versions("model"), captured, load, lambda: workspace.schedule
    )
