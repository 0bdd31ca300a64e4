"""From the name of a pipeline to a plan: its working copy, the frozen version that a reference means, or a package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import NotFoundError
from nbmlops.core.refs import Ref
from nbmlops.pipelines import freezing
from nbmlops.pipelines.laying_out import lay_out
from nbmlops.pipelines.local_modules import Seen, code_of
from nbmlops.pipelines.packaging.unpacking import is_package, unpack
from nbmlops.pipelines.planning import make_plan, notebooks_of, restrict
from nbmlops.pipelines.selection import ALL, Selection
from nbmlops.store import lineage
from nbmlops.tracking.environment import installed

if TYPE_CHECKING:
    from nbmlops.pipelines.fan import Fan
    from nbmlops.pipelines.plan import Home, Plan
    from nbmlops.pipelines.stores import Stores
    from nbmlops.store.versions import Version

__all__ = ["Planner"]

_NOTEBOOK = ".ipynb"


@dataclass(frozen=True, slots=True)
class _Code:
    """The code of a frozen version: its digest, its notebooks, the folder that its paths are below, and its home."""

    digest: str
    paths: tuple[Path, ...]
    root: Path
    home: Home | None = None


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
        Where frozen versions and packages are unpacked.
    """

    def __init__(self, stores: Stores, settings: Mapping[str, tuple[str, ...]], root: Path, scratch: Path) -> None:
        self._stores = stores
        self._versions = stores.versions["pipeline"]
        self.scratch = scratch
        self.settings = settings
        self.root = root

    def plan(
        self,
        name: str,
        params: Mapping[str, Any],
        logical_time: str | None = None,
        selection: Selection = ALL,
        fan: Fan | None = None,
    ) -> Plan:
        """The plan of a pipeline.

        ``delays`` is the working copy, ``delays@production`` the frozen version, ``delays-v3.pipeline.zip`` a package,
        ``notebooks/1_load.ipynb`` a pipeline of this one notebook.
        """
        if is_package(name):
            return self._package_plan(Path(name), params, logical_time, selection, fan)
        alone = Path(name).absolute() if name.endswith(_NOTEBOOK) else None
        ref = Ref.parse(alone.stem if alone else name)
        if ref.is_bare:
            data = {kind: self._stores.versions[kind] for kind in ("data", "feature", "model")}
            whole = make_plan(ref.name, [alone] if alone else self.notebooks(ref.name), params, data, fan=fan)
            return restrict(replace(whole, logical_time=logical_time), selection, data)
        version = self._versions.resolve(ref)
        frozen = self.frozen(version)

        def plan(code: _Code) -> Plan:
            return self._frozen_plan(ref.name, frozen, code, params, logical_time, selection, fan)

        folder = self.scratch / version.digest[:16]
        here = plan(_Code(version.digest, tuple(freezing.unpack(frozen, folder)), self.root))
        if frozen.protocol == 1 or self._modules(here) == frozen.environment["modules"]:
            return here
        # In the project's folders its own modules would be found first.
        home, paths = lay_out(frozen, folder / "project")
        there = plan(_Code(version.digest, paths, home.root, home))
        return replace(
            there, notes=(*here.notes, f"its own modules are those that were frozen: it runs in {home.root}")
        )

    def _package_plan(
        self,
        path: Path,
        params: Mapping[str, Any],
        logical_time: str | None,
        selection: Selection,
        fan: Fan | None,
    ) -> Plan:
        """The plan of a package, whose code lies in a folder of its own."""
        package = unpack(path, self.scratch, self._stores)
        code = _Code(package.digest, package.notebooks, package.home.root, package.home)
        return self._frozen_plan(package.frozen.name, package.frozen, code, params, logical_time, selection, fan)

    def _frozen_plan(
        self,
        name: str,
        frozen: freezing.Frozen,
        code: _Code,
        params: Mapping[str, Any],
        logical_time: str | None,
        selection: Selection,
        fan: Fan | None,
    ) -> Plan:
        data = {kind: self._stores.versions[kind] for kind in ("data", "feature", "model")}
        folders = {Path(path).stem: (code.root / path).parent for path in frozen.notebooks}
        there = {stem: folder if folder.is_dir() else code.root for stem, folder in folders.items()}
        own, digest = frozen.parameters, code.digest
        with lineage.activate(replace(lineage.current(), pins=frozen.lock)):
            plan = make_plan(name, code.paths, params, data, frozen=own, folders=there, fan=fan)
            plan = restrict(replace(plan, version=digest, logical_time=logical_time), selection, data)
            plan = replace(plan, pins=frozen.lock, home=code.home)
        return replace(plan, notes=freezing.differences(frozen.environment, self.environment(plan)))

    def notebooks(self, name: str) -> list[Path]:
        """Paths of the notebooks of a working copy, as the settings name them."""
        return notebooks_of(name, self.settings, self.root)

    def knows(self, name: str, digest: str) -> bool:
        """Whether a frozen version is here."""
        try:
            self._versions.resolve(Ref(name, prefix=digest))
        except NotFoundError:
            return False
        return True

    def frozen(self, version: Version) -> freezing.Frozen:
        """The content of a frozen version."""
        return freezing.thaw(self._stores.objects.read(version.root))

    def environment(self, plan: Plan) -> dict[str, Any]:
        """What a plan runs on: what is installed, and the project's own modules."""
        return {**installed(), "modules": self._modules(plan)}

    def _modules(self, plan: Plan) -> dict[str, str]:
        """The project's own modules that the steps of a plan import: path -> digest."""
        seen = Seen()
        own = (code_of(plan, step.name, self.root, seen).files for step in plan.graph.steps if not step.parts)
        return {path: digest for files in own for path, digest in files.items()}
