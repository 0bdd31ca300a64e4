"""The online store in SQLite keeps the contract."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from nbmlops.core.errors import UnavailableError
from nbmlops.features.online.port import OnlineStore, Row
from nbmlops.features.online.sqlite_store import SqliteStore
from tests.contracts.online import OnlineContract, rows_of, slot


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


def test_what_was_erased_is_nowhere_in_the_files_and_what_was_removed_before_neither(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "online.db")
    made = replace(store.make(slot()), filling=1)
    wide = "x" * 3_000
    store.write(made, [Row(f'["N{n}"]', n, 1, f'["MARKER-{n}",{wide!r}]') for n in range(500)])
    store.write(made, [], ['["N7"]'])
    store.write(made, [Row('["N8"]', 999, 1, "[]")])  # what it was lies in a page that is in use
    assert b"MARKER-7" in written(tmp_path)
    assert store.erase(made.id, ['["N9"]', '["N10"]', *(f'["N{n}"]' for n in range(100, 400))]) == 302
    reader = SqliteStore(tmp_path / "online.db")
    assert reader.count(made.id) == 197
    store.scrub()
    left = written(tmp_path)
    gone = [7, 8, 9, 10, *range(100, 400)]
    assert [n for n in gone if f'MARKER-{n}"'.encode() in left] == []
    assert all(f'MARKER-{n}"'.encode() in left for n in (6, 11, 99, 400, 499))
    assert rows_of(reader, made.id, ['["N6"]']) == [(6, f'["MARKER-6",{wide!r}]')]
    assert not (tmp_path / "none.db").exists()
    SqliteStore(tmp_path / "none.db").scrub()
    assert not (tmp_path / "none.db").exists()
    reader.close()
    store.close()


def test_who_keeps_reading_keeps_it_from_being_scrubbed(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "online.db", patience=0.2)
    store.write(replace(store.make(slot()), filling=1), [Row("a", 1, 1, "[]")])
    with closing(sqlite3.connect(tmp_path / "online.db", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM row").fetchall()
        with pytest.raises(UnavailableError, match="cannot be reached"):
            store.scrub()
        other.execute("COMMIT")
    store.scrub()
    store.close()


def written(folder: Path) -> bytes:
    """The bytes of all files, the journal's among them."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_looking_makes_no_file(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "online.db")
    assert store.slots() == []
    assert not (tmp_path / "online.db").exists()
