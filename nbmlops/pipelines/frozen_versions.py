"""Verbs on the frozen versions of pipelines: list, history, delete, restore, rename."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.pipelines.records import Pipeline, PipelineVersion
from nbmlops.store.judging import newest_report

if TYPE_CHECKING:
    from nbmlops.models.approvals import Approvals
    from nbmlops.pipelines.planner import Planner
    from nbmlops.pipelines.stores import Stores
    from nbmlops.store.versions import Versions

__all__ = ["FrozenVersions"]


class FrozenVersions:
    """What is there of pipelines; the verbs that run them are in `nbmlops.pipelines.service`."""

    _stores: Stores
    _versions: Versions
    _planner: Planner
    _approvals: Approvals

    def history(self, name: str) -> list[PipelineVersion]:
        """All frozen versions of a pipeline, newest first, each with its reports and what others were asked."""
        asked = self._approvals.told(name)
        return [
            replace(
                PipelineVersion.of(version),
                judged=newest_report(self._versions, version),
                asked=tuple(ask.where for ask in asked if ask.version_id == version.id),
            )
            for version in self._versions.history(name)
        ]

    def delete(self, ref: str) -> list[PipelineVersion]:
        """Hide frozen versions; refused while an alias is on one of them."""
        return [PipelineVersion.of(version) for version in self._versions.delete(ref)]

    def restore(self, ref: str) -> list[PipelineVersion]:
        """Bring back what was deleted."""
        return [PipelineVersion.of(version) for version in self._versions.restore(ref)]

    def rename(self, old: str, new: str) -> PipelineVersion:
        """Give all frozen versions of a pipeline another name; pyproject.toml is yours to change."""
        self._versions.rename(old, new)
        return PipelineVersion.of(self._versions.resolve(new))

    def list(self) -> list[Pipeline]:
        """The pipelines that the settings name, and those that are only frozen any more."""
        newest = {version.name: version for version in self._versions.newest()}
        return [self._described(name, newest) for name in sorted({*self._planner.settings, *newest})]

    def _described(self, name: str, newest: Mapping[str, Any]) -> Pipeline:
        version = newest.get(name)
        history = self._versions.history(name) if version else []
        aliases = {alias: one.ref for one in history for alias in one.aliases}
        runs = self._stores.runs.list(1, experiment=name)
        steps, fault = tuple(version.detail["steps"]) if version else (), None
        if name in self._planner.settings:
            try:
                steps = tuple(path.stem for path in self._planner.notebooks(name))
            except (InvalidError, NotFoundError) as error:
                # The others are listed all the same.
                steps, fault = (), error.message
        return Pipeline(
            name,
            steps,
            version.ref if version else None,
            aliases,
            runs[0].name if runs else None,
            runs[0].status if runs else None,
            fault,
            tuple(f"{one.ref} at {one.where}" for one in self._approvals.told(name) if one.state == "waiting"),
        )
