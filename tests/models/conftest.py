"""A registry on a real store, with a key, a trained model and a held-out table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops.checks.service import Checks
from nbmlops.core.clock import SystemClock
from nbmlops.store.audit import Audit
from nbmlops.store.catalog import Catalog
from nbmlops.store.objects import ObjectStore
from nbmlops.store.trust import Keyring
from nbmlops.store.versions import Versions
from tests.models.registry import Registry, build, table
from tests.services import data_in

if TYPE_CHECKING:
    import pandas as pd


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    clock = SystemClock()
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    catalog.create()
    objects = ObjectStore(str(tmp_path / "objects"), catalog, clock)
    data = data_in(tmp_path, catalog, objects)
    checks = Checks(catalog, objects, clock, data)
    keyring = Keyring(tmp_path / "keys")
    gates: dict[str, dict[str, Any]] = {}
    approvals: dict[str, Any] = {}
    models = build(catalog, objects, keyring, data, checks, gates, approvals)
    versions = Versions(catalog, clock, "model")
    parts = tmp_path, catalog, objects, keyring, data, checks, versions, models
    yield Registry(*parts, Audit(catalog), gates, approvals)
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
