"""Deployments of a workspace, the folder of what was captured of them, their monitors, and what is told of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from nbmlops.core.settings import Settings
    from nbmlops.models.records import ModelSignature
    from nbmlops.monitoring.dossier.service import Dossiers
    from nbmlops.monitoring.score.service import Scores
    from nbmlops.monitoring.service import Monitors
    from nbmlops.monitoring.story.service import Stories
    from nbmlops.serving import Deployments
    from nbmlops.workspace.root import Workspace

__all__ = ["deployments_of", "dossiers_of", "monitors_of", "scores_of", "stories_of"]


def deployments_of(workspace: Workspace) -> Deployments:
    """Verbs on the deployments of a workspace."""
    from nbmlops.serving.capture.reading import Captured
    from nbmlops.serving.deployments.replay import Again
    from nbmlops.serving.deployments.service import Deployments
    from nbmlops.workspace.backgrounds import background_of

    captured = Captured(workspace.marker.state / "capture")

    def load(ref: str) -> tuple[Any, ModelSignature]:
        return workspace.model.load(ref), workspace.model.show(ref).signature

    def against(ref: str, signature: ModelSignature, named: str | None) -> Any:
        return background_of(workspace, ref, signature, named)

    again = Again(captured, load, against)
    models = workspace.versions("model")
    return Deployments(workspace.catalog, workspace.clock, models, captured, again, lambda: workspace.schedule)


def monitors_of(workspace: Workspace) -> Monitors:
    """Verbs on the monitors of a workspace."""
    from nbmlops.monitoring.own_code import OwnCode
    from nbmlops.monitoring.service import Monitors
    from nbmlops.monitoring.watching import Known
    from nbmlops.workspace.served_features import made_again

    def send() -> list[str]:  # schedules start monitors: they are opened when it is called
        return workspace.schedule.tell()

    marker = workspace.marker
    code = OwnCode(marker.root, lambda: workspace.keyring.is_trusted(marker.id, marker.root))

    def again(ref: str, rows: pd.DataFrame) -> pd.DataFrame:
        return made_again(workspace, ref, rows)

    known = Known(workspace.data, workspace.model, workspace.run, code, again)
    return Monitors(
        workspace.catalog,
        workspace.clock,
        workspace.deployment,
        known,
        workspace.check,
        send,
    )


def scores_of(workspace: Workspace) -> Scores:
    """The verb that scores the models of a workspace."""
    from nbmlops.monitoring.score.gathering import Gatherer
    from nbmlops.monitoring.score.service import Scores
    from nbmlops.workspace.layout import settings_of

    root, models = workspace.marker.root, workspace.versions("model")
    services = workspace.clock, workspace.check, workspace.deployment
    # Read anew each time: a gate that was added a moment ago counts.
    return Scores(Gatherer(models, *services, lambda: settings_of(root)), workspace.check)


def stories_of(workspace: Workspace) -> Stories:
    """Tells what happened to the models of a workspace."""
    from nbmlops.monitoring.story.service import Stories

    return Stories(workspace.versions("model"), workspace.clock, workspace.check)


def dossiers_of(workspace: Workspace, settings: Callable[[], Settings]) -> Dossiers:
    """The verb that answers auditors of the models of a workspace, by the settings as they are when it is asked."""
    from nbmlops.monitoring.dossier.gathering import Known
    from nbmlops.monitoring.dossier.service import Dossiers
    from nbmlops.serving.endpoint.endpoints import Endpoints

    known = Known(
        models=workspace.model,
        checks=workspace.check,
        deployments=workspace.deployment,
        monitors=workspace.monitor,
        schedules=workspace.schedule,
        stories=stories_of(workspace),
        store=workspace.store,
        kinds={kind: workspace.versions(kind) for kind in ("model", "data")},
        endpoints=Endpoints(workspace.marker.root, workspace.marker.state).running,
        settings=settings,
        clock=workspace.clock,
    )
    return Dossiers(known)
