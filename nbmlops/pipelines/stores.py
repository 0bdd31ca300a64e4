"""What pipelines read and write, in one piece."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbmlops.checks import Checks
    from nbmlops.data import Data
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.versions import Versions
    from nbmlops.tracking.service import Runs

__all__ = ["Stores"]


@dataclass(frozen=True, slots=True)
class Stores:
    """What a pipeline writes to: versions of each kind, objects, runs, data, reports."""

    versions: Mapping[str, Versions]
    objects: ObjectStore
    runs: Runs
    data: Data
    checks: Checks
