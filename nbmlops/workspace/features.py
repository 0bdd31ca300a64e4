"""The service of features, wired to what lies above it in the house: models, aliases, reports and pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbmlops.features import Features
    from nbmlops.features.online.port import OnlineStore
    from nbmlops.features.online.sqlite_store import SqliteStore
    from nbmlops.workspace.root import Workspace

__all__ = ["features_of", "online_file"]


def features_of(workspace: Workspace) -> Features:
    """Verbs on features of a workspace."""
    from nbmlops.features import Features
    from nbmlops.store.lineage import Lineage

    lineage = Lineage(workspace.catalog, workspace.clock)
    own = workspace.versions("feature"), workspace.objects, workspace.data, lineage, workspace.clock
    scratch = workspace.marker.state / "scratch"
    features = Features(*own, scratch, workspace.check, lambda: workspace.settings.pipelines)
    features.open_online = lambda: _online_store(workspace)
    return features


def online_file(workspace: Workspace) -> SqliteStore:
    """The online store of a workspace that names no other."""
    from nbmlops.features.online.sqlite_store import SqliteStore

    return SqliteStore(workspace.marker.state / "online.db")


def _online_store(workspace: Workspace) -> OnlineStore:
    if workspace.settings.online is None:
        return online_file(workspace)
    from nbmlops.features.online.redis_store import RedisStore

    return RedisStore(workspace.settings.online)
