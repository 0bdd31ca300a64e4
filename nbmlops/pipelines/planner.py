"""From the name of a pipeline to a plan: its working copy, or the frozen version that a reference means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.refs import Ref
from nbmlops.pipelines import freezing
from nbmlops.pipelines.local_modules import code_of
from nbmlops.pipelines.planning import make_plan, notebooks_of, restrict
from nbmlops.pipelines.selection import ALL, Selection
from nbmlops.store import lineage
from nbmlops.tracking.environment import installed

if TYPE_CHECKING:
    from nbmlops.pipelines.plan import Plan
    from nbmlops.pipelines.stores import Stores
    from nbmlops.store.versions import Version

__all__ = ["Planner"]


class Planner:
    """Makes plans of a project's pipelines.

    Parameters
    ----------
    stores : Stores
        Where frozen versions are, and what notebooks read.
    settings : mapping
        Pipeline -> notebook paths or patterns.
    root : Path
        The project's folder.
    scratch : Path
        Where the notebooks of frozen versions are unpacked.
    """

    def __init__(self, stores: Stores, settings: Mapping[str, tuple[str, ...]], root: Path, scratch: Path) -> None:
        self._stores = stores
        self._versions = stores.versions["pipeline"]
        self._scratch = scratch
        self.settings = settings
        self.root = root

    def plan(
        self,
        name: str,
        params: Mapping[str, Any],
        logical_time: str | None = None,
        selection: Selection = ALL,
    ) -> Plan:
        """The plan of a pipeline: ``delays`` is the working copy, ``delays@production`` the frozen version."""
        ref = Ref.parse(name)
        data = {kind: self._stores.versions[kind] for kind in ("data", "model")}
        if ref.is_bare:
            whole = make_plan(ref.name, self.notebooks(ref.name), params, data, logical_time=logical_time)
            return restrict(whole, selection, data)
        version = self._versions.resolve(ref)
        frozen = self.frozen(version)
        paths = freezing.unpack(frozen, self._scratch / version.digest[:16])
        folders = {Path(path).stem: (self.root / path).parent for path in frozen.notebooks}
        there = {stem: folder if folder.is_dir() else self.root for stem, folder in folders.items()}
        own, digest = frozen.parameters, version.digest
        with lineage.activate(replace(lineage.current(), pins=frozen.lock)):
            plan = make_plan(
                ref.name, paths, params, data, frozen=own, folders=there, version=digest, logical_time=logical_time
            )
            plan = restrict(plan, selection, data)
        notes = freezing.differences(frozen.environment, self.environment(plan))
        return replace(plan, pins=frozen.lock, notes=notes)

    def notebooks(self, name: str) -> list[Path]:
        """Paths of the notebooks of a working copy, as the settings name them."""
        return notebooks_of(name, self.settings, self.root)

    def frozen(self, version: Version) -> freezing.Frozen:
        """The content of a frozen version."""
        return freezing.thaw(self._stores.objects.read(version.root))

    def environment(self, plan: Plan) -> dict[str, Any]:
        """What a plan runs on: what is installed, and the project's own modules."""
        modules: dict[str, str] = {}
        for step in plan.graph.steps:
            modules |= code_of(plan, step.name, self.root).files
        return {**installed(), "modules": modules}
