"""What keeps rows beyond versions of data: reached by an erasure, and by rules of retention."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbmlops.data.erasable import Erasable
    from nbmlops.features.online.port import OnlineStore
    from nbmlops.store.retaining import Retirable
    from nbmlops.workspace.root import Workspace

__all__ = ["erasables_of", "retirables_of"]


def erasables_of(workspace: Workspace) -> list[Erasable]:
    """The places of a workspace; what is on hold in one refuses to be erased."""
    from nbmlops.features.online.erasing import OnlineKeys
    from nbmlops.serving.capture.erasing import CapturedRequests

    captured = CapturedRequests(
        workspace.deployment.captured, partial(_refuse_held, workspace, "model", "what was captured of")
    )
    online = OnlineKeys(
        partial(_online_stores, workspace),
        partial(_refuse_held, workspace, "feature", "what is online of"),
        _times_of(workspace),
    )
    return [captured, online]


def retirables_of(workspace: Workspace) -> list[Retirable]:
    """What rules of retention are about besides versions."""
    from nbmlops.serving.capture.retaining import RequestsRetention
    from nbmlops.store import holds

    def held(deployment: str) -> str | None:
        hold = workspace.catalog.read(lambda c: holds.on_name(c, "model", deployment))
        return None if hold is None else holds.refusal(f"what was captured of {deployment}", "deleted", hold).message

    def tags(model: str) -> dict[int, Mapping[str, str]]:
        versions = workspace.versions("model").everything()
        return {one.number: one.tags for one in versions if one.name == model and one.number is not None}

    return [RequestsRetention(workspace.deployment.captured, tags, held, workspace.clock)]


def _refuse_held(workspace: Workspace, kind: str, what: str, name: str) -> None:
    from nbmlops.store import holds

    if hold := workspace.catalog.read(lambda c: holds.on_name(c, kind, name)):
        raise holds.refusal(f"{what} {name}", "erased", hold)


@contextmanager
def _online_stores(workspace: Workspace) -> Iterator[list[OnlineStore]]:
    """The online store, and the file beside the catalog where the store was before it was a server."""
    from nbmlops.workspace.features import online_file

    stores = [workspace.feature.online_store()]
    if workspace.settings.online is None or not (old := online_file(workspace)).path.exists():
        yield stores
        return
    try:
        yield [*stores, old]
    finally:
        old.close()


def _times_of(workspace: Workspace) -> Callable[[str], str | None]:
    """What gives the column of the event time of a version of a view, by its digest."""
    from nbmlops.features.definition import Definition, document_of

    views = {one.digest: one.root for one in workspace.versions("feature").everything() if one.freed_at is None}

    def time_of(digest: str) -> str | None:
        said = document_of(workspace.objects.read(views[digest])) if digest in views else None
        return said.time if isinstance(said, Definition) else None

    return time_of
