"""Checks on a catalog, objects and data of their own, without a workspace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbmlops.checks import Checks
from nbmlops.core.clock import SystemClock
from nbmlops.data import Data
from nbmlops.store.catalog import Catalog
from nbmlops.store.objects import ObjectStore
from tests.services import data_in


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    made = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    made.create()
    yield made
    made.close()


@pytest.fixture
def objects(tmp_path: Path, catalog: Catalog) -> ObjectStore:
    return ObjectStore(str(tmp_path / "objects"), catalog, SystemClock())


@pytest.fixture
def data(tmp_path: Path, catalog: Catalog, objects: ObjectStore) -> Data:
    return data_in(tmp_path, catalog, objects)


@pytest.fixture
def checks(catalog: Catalog, objects: ObjectStore, data: Data) -> Checks:
    return Checks(catalog, objects, SystemClock(), data)
