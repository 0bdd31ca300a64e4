"""All verbs on features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.features.feast.exporting import Exporting
from nbmlops.features.records import FeatureRow

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from nbmlops.checks.service import Checks
    from nbmlops.core.clock import Clock
    from nbmlops.data.service import Data
    from nbmlops.store.lineage import Lineage
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.versions import Versions

__all__ = ["Features"]


class Features(Exporting):
    """Feature views and services: defined, versioned, computed, joined into training sets, read online.

    Parameters
    ----------
    versions : Versions
        The catalog's versions of the kind ``feature``.
    objects : ObjectStore
        Where their documents lie.
    data : Data
        Verbs on the data that they are made of, and that is made of them.
    lineage : Lineage
        Where reads are recorded.
    clock : Clock
        Tells when.
    scratch : Path
        Folder of the workspace for what is larger than memory.
    checks : Checks
        Has the reports that say what features are worth.
    pipelines : callable
        Gives the names of the pipelines that there are.
    """

    def __init__(
        self,
        versions: Versions,
        objects: ObjectStore,
        data: Data,
        lineage: Lineage,
        clock: Clock,
        scratch: Path,
        checks: Checks,
        pipelines: Callable[[], Collection[str]],
    ) -> None:
        super().__init__(versions, objects, data, lineage, clock)
        self._scratch = scratch
        self._checks = checks
        self.pipelines = pipelines
        self._store = None
        self._readers = {}

    def list(self, *, deleted: bool = False) -> list[FeatureRow]:
        """The newest version of every view and service; or each version that was deleted and can be restored."""
        found = self._versions.hidden() if deleted else self._versions.newest()
        return [FeatureRow.of(self._record(version)) for version in found]
