"""Schedules of a workspace: what they can start, where their events come from, and who is told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import UntrustedError

if TYPE_CHECKING:
    from nbmlops.pipelines.schedules.service import Schedules
    from nbmlops.workspace.root import Workspace

__all__ = ["schedules_of"]


def schedules_of(workspace: Workspace) -> Schedules:
    """Verbs on the schedules of a workspace."""
    from nbmlops.core.actions import Actions
    from nbmlops.features.online.action import MaterializeAction
    from nbmlops.monitoring.action import MonitorAction
    from nbmlops.pipelines.schedules.pipeline_action import PipelineAction
    from nbmlops.pipelines.schedules.service import Schedules
    from nbmlops.pipelines.schedules.sources import Sources
    from nbmlops.pipelines.schedules.webhook_action import WebhookAction
    from nbmlops.serving.deployments.contest import ChallengeAction, ContestAction
    from nbmlops.serving.deployments.ramp import RampAction

    marker, catalog = workspace.marker, workspace.catalog
    actions = Actions()
    pipelines = PipelineAction(workspace.pipeline)
    actions.register("pipeline", pipelines)
    actions.register("ramp", RampAction(workspace.deployment))
    actions.register("monitor", MonitorAction(workspace.monitor))
    actions.register("materialize", MaterializeAction(workspace.feature))
    sources = Sources(catalog, workspace.versions("model"), marker.root)

    def trusted(what: str) -> None:
        if not workspace.keyring.is_trusted(marker.id, marker.root):
            raise UntrustedError(
                f"pyproject.toml of {marker.root} names who is told of {what}, "
                "and you have not said that you trust this workspace",
                hint="look at [tool.nbmlops] in it, then `ml trust`",
            )

    def places() -> tuple[str, ...]:
        said = workspace.settings.alerts
        if said and "NBMLOPS_ALERTS" not in os.environ:
            trusted("failures")
        return said

    def webhooks() -> Mapping[str, Mapping[str, Any]]:
        said = workspace.settings.webhooks
        if said:
            trusted("changes")
        return said

    actions.register("webhook", WebhookAction(workspace.versions("model"), workspace.clock, webhooks))

    live, keeping = marker.state / "live", workspace.pipeline.kernels.keeping
    schedules = Schedules(catalog, workspace.clock, actions, sources, marker.root, live, places, keeping)
    # The loop from an event to a promotion adds schedules itself.
    loop = workspace.deployment, workspace.model, schedules
    actions.register("challenge", ChallengeAction(*loop, pipelines, workspace.clock))
    actions.register("contest", ContestAction(*loop, workspace.clock))
    return schedules
