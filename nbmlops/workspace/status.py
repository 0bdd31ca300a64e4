"""Where one stands: the workspace in one record, with what fails, what runs, and what the open notebook is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from nbmlops.checks.standing import Entry
    from nbmlops.pipelines.badge import Badge
    from nbmlops.store.access.records import Standing
    from nbmlops.workspace.root import Workspace

__all__ = ["Running", "Status", "status_of"]

_RUNS = 10
"""How many running pipelines are told."""


@dataclass(frozen=True, slots=True)
class Running:
    """A pipeline that runs: its run, and since when."""

    run: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """Where one stands: the workspace, its git state, the active run, how much is in it.

    Attributes
    ----------
    unfinished : tuple of str
        The erasures that were not completed, each by its names.
    failing : tuple of Entry
        What checks say no to, by the newest report of each suite on each subject, of the newest 200 reports.
    running : tuple of Running
        Pipelines that run.
    badge : Badge or None
        What is known of the notebook whose cell asks; None from a shell or a script.
    access : Standing or None
        Who may do what; None where no policy was adopted and there is no file of one.
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
    failing: tuple[Entry, ...] = ()
    running: tuple[Running, ...] = ()
    badge: Badge | None = None
    access: Standing | None = None


def status_of(workspace: Workspace) -> Status:
    """Where one stands in a workspace."""
    from nbmlops.pipelines.badge import badge_of
    from nbmlops.store import erasures, git

    run, marker = workspace.run.current(), workspace.marker
    busy = workspace.run.list(_RUNS, where="kind = 'pipeline' and status = 'running'")
    return Status(
        workspace=marker.name,
        root=str(marker.root),
        git=git.state(marker.root),
        run=run.record.name if run else None,
        data=workspace.versions("data").count(),
        models=workspace.versions("model").count(),
        runs=workspace.run.count(),
        pipelines=tuple(workspace.settings.pipelines),
        trusted=workspace.keyring.is_trusted(marker.id, marker.root),
        unfinished=tuple(" ".join(intent.names) for intent in erasures.unfinished(workspace.catalog)),
        failing=tuple(workspace.check.failing()),
        running=tuple(Running(one.name, one.started_at) for one in busy),
        access=_access(workspace),
        badge=badge_of(marker.root, workspace.run),
    )


def _access(workspace: Workspace) -> Standing | None:
    standing = workspace.access.standing()
    return None if standing.number is None and standing.file == "none" else standing
