"""A registry on a real store, with a key, a trained model and a held-out table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops.checks.service import Checks
from nbmlops.core.clock import SystemClock
from nbmlops.data.lockfile import LockFile
from nbmlops.data.service import Data
from nbmlops.store.aliases import Aliases
from nbmlops.store.audit import Audit
from nbmlops.store.catalog import Catalog
from nbmlops.store.lineage import Lineage
from nbmlops.store.objects import ObjectStore
from nbmlops.store.trust import Keyring
from nbmlops.store.versions import Versions
from tests.models.registry import Registry, build, table

if TYPE_CHECKING:
    import pandas as pd


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    clock = SystemClock()
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    catalog.create()
    objects = ObjectStore(str(tmp_path / "objects"), catalog, clock)
    lock = LockFile(tmp_path / "nbmlops.lock", tmp_path / "guard")
    versions = Versions(catalog, clock, "data")
    aliases = Aliases(versions, clock)
    data = Data(versions, aliases, objects, Lineage(catalog, clock), lock, tmp_path / "scratch")
    checks = Checks(catalog, objects, clock, data)
    keyring = Keyring(tmp_path / "keys")
    gates: dict[str, dict[str, Any]] = {}
    models = build(catalog, objects, keyring, data, checks, gates)
    versions = Versions(catalog, clock, "model")
    yield Registry(tmp_path, catalog, objects, keyring, data, checks, versions, models, Audit(catalog), gates)
    catalog.close()


@pytest.fixture(scope="session")
def train() -> pd.DataFrame:
    return table(0)


@pytest.fixture(scope="session")
def holdout() -> pd.DataFrame:
    return table(1)


@pytest.fixture
def good(train: pd.DataFrame) -> LogisticRegression:
    return LogisticRegression().fit(train[["a", "b", "noise"]], train.late)


@pytest.fixture
def poor(train: pd.DataFrame) -> LogisticRegression:
    """Knows one useful column only."""
    return LogisticRegression().fit(train[["a", "noise"]], train.late)
