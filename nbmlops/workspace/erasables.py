"""What keeps rows beyond versions of data, and is reached by an erasure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbmlops.data.erasable import Erasable
    from nbmlops.workspace.root import Workspace

__all__ = ["erasables_of"]


def erasables_of(workspace: Workspace) -> list[Erasable]:
    """The places of a workspace; what is on hold in one refuses to be erased."""
    from nbmlops.serving.capture.erasing import CapturedRequests
    from nbmlops.store import holds

    def refuse(deployment: str) -> None:
        if hold := workspace.catalog.read(lambda c: holds.on_name(c, "model", deployment)):
            raise holds.refusal(f"what was captured of {deployment}", "erased", hold)

    return [CapturedRequests(workspace.deployment.captured, refuse)]
