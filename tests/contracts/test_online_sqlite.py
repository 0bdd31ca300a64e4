"""The online store in SQLite keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbmlops.core.errors import UnavailableError
from nbmlops.features.online.port import OnlineStore
from nbmlops.features.online.sqlite_store import SqliteStore
from tests.contracts.online import OnlineContract, slot


@pytest.fixture
def store(tmp_path: Path) -> Iterator[OnlineStore]:
    made = SqliteStore(tmp_path / "online.db")
    yield made
    made.close()


class TestSqlite(OnlineContract):
    """All of it."""


def test_a_file_that_is_none_is_said_to_be_away(tmp_path: Path) -> None:
    (tmp_path / "online.db").write_bytes(b"no database" * 200)
    store = SqliteStore(tmp_path / "online.db")
    with pytest.raises(UnavailableError, match="cannot be reached: file is not a database"):
        store.slots()
    with pytest.raises(UnavailableError):
        store.make(slot())
    store.close()


def test_looking_makes_no_file(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "online.db")
    assert store.slots() == []
    assert not (tmp_path / "online.db").exists()
