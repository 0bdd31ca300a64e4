from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert

from nbmlops.core.errors import UnavailableError
from nbmlops.store import schema
from nbmlops.store.catalog import Catalog
from nbmlops.store.pulse import pulse


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    catalog.create()
    return catalog


def write(catalog: Catalog, digest: str) -> None:
    catalog.transact(lambda c: c.execute(insert(schema.environment).values(digest=digest, content={})))


def test_it_is_another_after_every_commit_of_anybody_and_the_same_after_reading(catalog: Catalog) -> None:
    seen = {pulse(catalog)}
    for place, writer in enumerate((catalog, Catalog(catalog.url)) * 3):
        write(writer, f"{place:064}")
        catalog.read(lambda c: c.execute(schema.environment.select()).all())
        seen.add(pulse(catalog))
        assert pulse(catalog) in seen
    assert len(seen) == 7


def test_a_catalog_that_is_gone_or_emptied_is_told(catalog: Catalog) -> None:
    catalog.path.rename(catalog.path.with_suffix(".away"))
    with pytest.raises(UnavailableError, match="is gone"):
        pulse(catalog)
    catalog.path.touch()
    with pytest.raises(UnavailableError, match="is gone"):
        pulse(catalog)
