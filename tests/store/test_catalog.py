"""The catalog: made from the schema or by migrations alike, never half-written, clear when it cannot be used."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, inspect, select, text

from nbmlops.core.clock import SystemClock
from nbmlops.core.errors import CorruptError, NotFoundError, UnavailableError, UnsupportedError
from nbmlops.store import audit, filesystem, migrate, schema
from nbmlops.store.catalog import Catalog, journal_mode


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'catalog.db'}"


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    made = Catalog(url(tmp_path))
    made.create()
    return made


def picture(connection: Connection) -> dict[str, Any]:
    found = inspect(connection)
    return {
        table: (
            sorted((c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)),
            sorted((i["name"] or "", tuple(i["column_names"]), i["unique"]) for i in found.get_indexes(table)),
            sorted(tuple(u["column_names"]) for u in found.get_unique_constraints(table)),
            found.get_pk_constraint(table)["constrained_columns"],
        )
        for table in sorted(found.get_table_names())
    }


def test_the_migrations_and_the_schema_make_the_same_tables(tmp_path: Path) -> None:
    made, migrated = Catalog(url(tmp_path)), tmp_path / "migrated"
    made.create()
    migrated.mkdir()
    migrate.upgrade(url(migrated))
    other = Catalog(url(migrated))
    assert other.revision() == schema.HEAD
    assert made.read(picture) == other.read(picture)


def test_a_catalog_of_a_newer_nbmlops_is_refused(catalog: Catalog) -> None:
    catalog.transact(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(UnsupportedError, match=r"revision 9999.*\nhint: pip install --upgrade nbmlops"):
        catalog.ensure_current()


def test_an_empty_or_missing_catalog_is_not_made_by_looking_at_it(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is gone"):
        Catalog(url(tmp_path)).ensure_current()
    assert not (tmp_path / "catalog.db").exists()


def test_a_transaction_that_raises_leaves_nothing(catalog: Catalog) -> None:
    def work(connection: Connection) -> None:
        connection.execute(insert(schema.source).values(digest="a" * 64, text="x"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        catalog.transact(work)
    assert catalog.read(lambda c: c.execute(select(schema.source)).all()) == []


def test_many_writers_at_once_all_succeed(catalog: Catalog) -> None:
    def write(number: int) -> None:
        catalog.transact(lambda c: audit.append(c, SystemClock(), "test", str(number)))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(160)))
    assert audit.Audit(catalog).verify() == 160


def test_a_locked_catalog_says_so_in_the_end(tmp_path: Path) -> None:
    catalog = Catalog(url(tmp_path), busy_timeout=0.2)
    catalog.create()
    other = sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UnavailableError, match="stayed locked"):
        catalog.transact(lambda c: c.execute(insert(schema.source).values(digest="a" * 64, text="x")))
    other.execute("ROLLBACK")
    other.close()


def test_a_damaged_catalog_says_so(catalog: Catalog, tmp_path: Path) -> None:
    catalog.close()
    (tmp_path / "catalog.db").write_bytes(b"not a database" * 1_000)
    with pytest.raises(UnavailableError, match="is damaged"):
        Catalog(url(tmp_path)).revision()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE event SET actor = 'somebody else' WHERE sequence = 3",
        "DELETE FROM event WHERE sequence = 3",
        "UPDATE event SET sequence = sequence + 100 WHERE sequence = 3",
    ],
)
def test_any_change_to_the_audit_trail_is_found(catalog: Catalog, change: str) -> None:
    for number in range(5):
        catalog.transact(lambda c, n=number: audit.append(c, SystemClock(), "test", str(n), {"n": n}))
    assert audit.Audit(catalog).verify() == 5
    catalog.transact(lambda c: c.execute(text(change)))
    with pytest.raises(CorruptError, match="broken at event 3"):
        audit.Audit(catalog).verify()


def test_the_journal_follows_the_library() -> None:
    assert journal_mode((3, 40, 1))[:2] == ("DELETE", "EXTRA")
    assert journal_mode((3, 51, 2))[:2] == ("DELETE", "EXTRA")
    assert journal_mode((3, 51, 3))[:2] == ("WAL", "FULL")


def test_a_network_file_system_is_refused(tmp_path: Path) -> None:
    mounts = f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n"
    with pytest.raises(UnsupportedError, match=r"lies on nfs4.*\nhint: .*postgresql://"):
        filesystem.refuse_network(tmp_path, mounts)
    assert filesystem.kind_of(tmp_path.parent, mounts) == "ext4"
