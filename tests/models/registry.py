"""The parts of a registry on a real store, for tests that reach behind the verbs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nbmlops.checks.service import Checks
from nbmlops.core.clock import SystemClock
from nbmlops.core.settings import Settings
from nbmlops.data.service import Data
from nbmlops.models import Models
from nbmlops.store.audit import Audit
from nbmlops.store.catalog import Catalog
from nbmlops.store.lineage import Lineage
from nbmlops.store.objects import ObjectStore
from nbmlops.store.trust import Keyring
from nbmlops.store.versions import Versions


@dataclass
class Registry:
    """All parts, so that a test can reach behind the verbs."""

    folder: Path
    catalog: Catalog
    objects: ObjectStore
    keyring: Keyring
    data: Data
    checks: Checks
    versions: Versions
    models: Models
    audit: Audit
    gates: dict[str, dict[str, Any]] = field(default_factory=dict)
    approvals: dict[str, Any] = field(default_factory=dict)

    def as_seen_by(self, keyring: Keyring) -> Models:
        """The same registry, opened by somebody else."""
        return build(self.catalog, self.objects, keyring, self.data, self.checks, self.gates, self.approvals)


def build(
    catalog: Catalog,
    objects: ObjectStore,
    keyring: Keyring,
    data: Data,
    checks: Checks,
    gates: dict[str, dict[str, Any]],
    approvals: dict[str, Any] | None = None,
) -> Models:
    clock = SystemClock()
    return Models(
        Versions(catalog, clock, "model"),
        objects,
        keyring,
        Lineage(catalog, clock),
        clock,
        data,
        checks,
        lambda: Settings(gates=gates, approvals={} if approvals is None else approvals),
    )


def table(seed: int = 0, rows: int = 600) -> pd.DataFrame:
    """Rows of two useful columns, a useless one, and the truth."""
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(generator.normal(size=(rows, 3)), columns=["a", "b", "noise"])
    frame["late"] = frame.a + frame.b + generator.normal(size=rows) > 0
    return frame
