"""A catalog and an object store on a real disk."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbmlops.core.clock import SystemClock
from nbmlops.store.catalog import Catalog
from nbmlops.store.objects import ObjectStore


@pytest.fixture
def object_catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(f"sqlite:///{tmp_path / 'objects.db'}")
    catalog.create()
    yield catalog
    catalog.close()


@pytest.fixture
def objects(tmp_path: Path, object_catalog: Catalog) -> ObjectStore:
    return ObjectStore(str(tmp_path / "objects"), object_catalog, SystemClock())


@pytest.fixture
def packs(tmp_path: Path) -> Callable[[], list[Path]]:
    return lambda: sorted((tmp_path / "objects" / "packs").glob("*.pack"))


@pytest.fixture
def noise() -> Callable[..., bytes]:
    return lambda size, seed=0: random.Random(seed).randbytes(size)
