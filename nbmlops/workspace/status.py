"""Where one stands: the workspace in one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.workspace.root import Workspace

__all__ = ["Status", "status_of"]


@dataclass(frozen=True, slots=True)
class Status:
    """Where one stands: the workspace, its git state, the active run, how much is in it.

    `unfinished` are the erasures that were not completed, each by its names.
    """

    workspace: str
    root: str
    git: Mapping[str, Any] | None
    run: str | None
    data: int
    models: int
    runs: int
    pipelines: tuple[str, ...]
    trusted: bool
    unfinished: tuple[str, ...] = ()


def status_of(workspace: Workspace) -> Status:
    """Where one stands in a workspace."""
    from nbmlops.store import erasures, git

    run, marker = workspace.run.current(), workspace.marker
    return Status(
        workspace=marker.name,
        root=str(marker.root),
        git=git.state(marker.root),
        run=run.record.name if run else None,
        data=len(workspace.versions("data").newest()),
        models=len(workspace.versions("model").newest()),
        runs=workspace.run.count(),
        pipelines=tuple(workspace.settings.pipelines),
        trusted=workspace.keyring.is_trusted(marker.id, marker.root),
        unfinished=tuple(" ".join(intent.names) for intent in erasures.unfinished(workspace.catalog)),
    )
