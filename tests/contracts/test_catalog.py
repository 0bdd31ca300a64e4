"""What every catalog does, whatever its engine: SQLite here, and PostgreSQL where tests/system runs these once more."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Connection, Float, column, func, insert, inspect, select, table, text
from sqlalchemy.exc import IntegrityError

from nbmlops.core.clock import SystemClock, instant
from nbmlops.core.errors import InvalidError, NotFoundError, UnsupportedError
from nbmlops.core.refs import Ref
from nbmlops.store import audit, backup, migrate, naming, schema
from nbmlops.store.catalog import Catalog
from nbmlops.store.pages import Page
from nbmlops.store.version_rows import Part
from nbmlops.store.versions import Versions
from nbmlops.tracking.queries import metrics, runs, values
from tests.catalogs import new_catalog, url_in

WRITERS, WRITES = int(os.environ.get("NBMLOPS_SOAK_WRITERS", "20")), 20


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    made = new_catalog(tmp_path)
    yield made
    made.close()


def picture(connection: Connection) -> dict[str, Any]:
    found = inspect(connection)
    return {
        table: (
            sorted((c["name"], str(c["type"]), c["nullable"], c.get("default")) for c in found.get_columns(table)),
            sorted((i["name"] or "", tuple(i["column_names"]), bool(i["unique"])) for i in found.get_indexes(table)),
            sorted(tuple(u["column_names"]) for u in found.get_unique_constraints(table)),
            sorted(tuple(f["constrained_columns"]) for f in found.get_foreign_keys(table)),
            found.get_pk_constraint(table)["constrained_columns"],
        )
        for table in sorted(found.get_table_names())
    }


def test_the_migrations_and_the_schema_make_the_same_tables(catalog: Catalog) -> None:
    made = catalog.read(picture)
    # Through a copy of one's own: what writes leaves a word in a table that is gone by then.
    with catalog._writer.begin() as connection:
        schema.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
    migrate.upgrade(catalog.url)
    assert catalog.revision() == schema.HEAD
    assert catalog.read(picture) == made


def test_an_older_catalog_is_brought_here_with_its_rows(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    migrate.upgrade(url, "0004")
    catalog = Catalog(url)
    run = {"id": "a" * 32, "sequence": 1, "experiment": "gbm", "number": 1, "kind": "run", "status": "finished"}
    points = [(0, 0.5), (1, None), (2, math.inf), (1, 0.25)] + [(step, step / 7) for step in range(3, 2_500)]
    with catalog._writer.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO run (id, sequence, experiment, number, kind, status, started_at, as_of) "
                "VALUES (:id, :sequence, :experiment, :number, :kind, :status, 5, 0)"
            ),
            run,
        )
        param = table("param", column("run_id"), column("key"), column("value", JSON()))
        found = {"depth": 4, "name": "größe", "deep": True, "rate": 0.5, "none": None}
        connection.execute(
            insert(param), [{"run_id": run["id"], "key": key, "value": value} for key, value in found.items()]
        )
        old = [{"run": run["id"], "step": step, "value": value, "at": at} for at, (step, value) in enumerate(points)]
        connection.execute(
            text("INSERT INTO metric (run_id, key, step, value, at) VALUES (:run, 'loss', :step, :value, :at)"), old
        )
    catalog.ensure_current()
    assert catalog.revision() == schema.HEAD
    numbers = catalog.read(lambda c: c.execute(select(schema.param.c.key, schema.param.c.number)).all())
    assert {row.key: row.number for row in numbers} == {
        "depth": 4.0,
        "name": None,
        "deep": None,
        "rate": 0.5,
        "none": None,
    }
    history = catalog.read(lambda c: metrics.history(c, run["id"], "loss"))  # type: ignore[arg-type]
    expected = sorted(((step, math.nan if v is None else v) for step, v in points), key=lambda point: point[0])
    assert [step for step, _ in history] == [step for step, _ in expected]
    assert str(history) == str(expected)
    # What is new is numbered after what came with its number.
    catalog.transact(lambda c: metrics.add(c, [metrics.Point(run["id"], "auc", None, 9, 0.5)]))  # type: ignore[arg-type]
    assert catalog.read(lambda c: metrics.last(c, [run["id"]])) == {  # type: ignore[list-item]
        run["id"]: {"auc": 0.5, "loss": 2_499 / 7}
    }
    catalog.close()


def test_of_two_who_make_it_at_once_one_does(tmp_path: Path) -> None:
    catalogs = [Catalog(url_in(tmp_path)) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(Catalog.create, catalogs))
    for catalog in catalogs:
        catalog.ensure_current()
        catalog.close()


BRINGS_ALONG = """
import sys
from nbmlops.store.catalog import Catalog
from nbmlops.store.pages import Page
from nbmlops.store.version_rows import Part
catalog = Catalog(sys.argv[1])
catalog.ensure_current()
print(catalog.revision())
catalog.close()
"""


def test_of_two_who_bring_it_along_at_once_one_does(tmp_path: Path) -> None:
    url = url_in(tmp_path)
    migrate.upgrade(url, "0001")
    command = [sys.executable, "-c", BRINGS_ALONG, url]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[0].strip() for process in running] == [schema.HEAD] * 3


def test_a_catalog_of_a_newer_nbmlops_or_without_tables_is_refused(catalog: Catalog) -> None:
    catalog.transact(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(UnsupportedError, match=r"revision 9999.*\nhint: pip install --upgrade nbmlops"):
        catalog.ensure_current()
    catalog.transact(lambda c: c.execute(text("DROP TABLE alembic_version")))
    with pytest.raises(NotFoundError, match="has no tables") as told:
        catalog.ensure_current()
    assert "ganz-geheim" not in str(told.value)


def test_a_transaction_that_raises_leaves_nothing(catalog: Catalog) -> None:
    def work(connection: Connection) -> None:
        connection.execute(insert(schema.source).values(digest="a" * 64, text="x"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        catalog.transact(work)
    with pytest.raises(IntegrityError):
        catalog.transact(
            lambda c: [c.execute(insert(schema.source).values(digest="b" * 64, text="x")) for _ in range(2)]
        )
    assert catalog.read(lambda c: c.execute(select(schema.source)).all()) == []


def test_a_read_sees_one_moment(catalog: Catalog) -> None:
    def count(connection: Connection) -> int:
        return connection.execute(select(func.count()).select_from(schema.source)).scalar_one()

    def twice(connection: Connection) -> tuple[int, int]:
        before = count(connection)
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(
                catalog.transact, lambda c: c.execute(insert(schema.source).values(digest="a" * 64, text="x"))
            )
            time.sleep(0.3)
            after = count(connection)
            waiting.append(writing)
        return before, after

    waiting: list[Any] = []
    if catalog.is_sqlite:  # its writer waits for the reader to end
        assert catalog.read(lambda c: (count(c), count(c))) == (0, 0)
    else:
        assert catalog.read(twice) == (0, 0)
        assert catalog.read(count) == 1


def test_what_is_kept_comes_back_exactly(catalog: Catalog) -> None:
    content = {"a": [1, 2.5, None, True, "größe 🙂 \\ \" ' %s :x"], "deep": {"π": 10**400, "nul": "\0"}}
    rows = [0.1, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, 1 / 3]
    catalog.transact(lambda c: runs.keep_environment(c, "e" * 64, content))
    catalog.transact(
        lambda c: metrics.add(c, [metrics.Point("r", "m", n, 2**53 + n, x) for n, x in enumerate([*rows, math.nan])])
    )
    assert catalog.read(lambda c: runs.environment(c, "e" * 64)) == content
    kept = [value for _, value in catalog.read(lambda c: metrics.history(c, "r", "m"))]
    assert str(kept) == str([*rows, math.nan])
    assert catalog.read(lambda c: metrics.latest(c, "r")) == 2**53 + len(rows)


@pytest.mark.parametrize("text_", ["x" * 2_000_000, "größe 🙂", "%s %(x)s :x ? \\ ' \"", "", "a\tb\r\n"])
def test_any_text_is_kept(catalog: Catalog, text_: str) -> None:
    catalog.transact(lambda c: c.execute(insert(schema.source).values(digest="a" * 64, text=text_)))
    assert catalog.read(lambda c: c.execute(select(schema.source.c.text)).scalar()) == text_


def test_half_of_a_character_is_refused_and_nothing_is_lost(catalog: Catalog) -> None:
    with pytest.raises(InvalidError, match="half of a character"):
        catalog.transact(lambda c: c.execute(insert(schema.source).values(digest="a" * 64, text="\ud800")))
    assert catalog.read(lambda c: c.execute(select(schema.source)).all()) == []


def test_keys_of_512_characters_of_any_script_are_kept(catalog: Catalog) -> None:
    keys = ["k" * 512, "ä" * 512, "🙂" * 512]
    catalog.transact(lambda c: add_run(c, "gbm"))
    run_id = catalog.read(lambda c: c.execute(select(schema.run.c.id)).scalar_one())
    catalog.transact(lambda c: values.add_params(c, run_id, dict.fromkeys(keys, 1)))
    catalog.transact(lambda c: values.add_tags(c, run_id, dict.fromkeys(keys, "x")))
    catalog.transact(lambda c: metrics.add(c, [metrics.Point(run_id, key, 0, 0, 1.0) for key in keys]))
    assert set(catalog.read(lambda c: values.values(c, "param", [run_id]))[run_id]) == set(keys)
    assert set(catalog.read(lambda c: values.values(c, "tag", [run_id]))[run_id]) == set(keys)
    assert set(catalog.read(lambda c: metrics.last(c, [run_id]))[run_id]) == set(keys)


def add_run(connection: Connection, experiment: str) -> None:
    fields = {"kind": "run", "parent_id": None, "notebook": None, "writer": "w", "started_at": instant(5)}
    runs.begin(connection, experiment=experiment, environment="e" * 64, id=uuid.uuid4().hex, **fields)


def write(catalog: Catalog, writer: int) -> None:
    """Runs, versions, Events and points, as many as one writer makes."""
    versions, clock = Versions(catalog, SystemClock(), "data"), SystemClock()
    for number in range(WRITES):
        match number % 4:
            case 0:
                catalog.transact(lambda c: add_run(c, "gbm"))
            case 1:
                digest = f"{writer:032x}{number:032x}"
                catalog.transact(lambda c, d=digest: add_object(c, d))  # type: ignore[misc]
                versions.add("flights", digest=digest, root=digest, size=1, new_bytes=1)
            case 2:
                catalog.transact(lambda c, n=number: audit.append(c, clock, "test", f"{writer} {n}"))  # type: ignore[misc]
            case 3:
                point = metrics.Point("r" * 32, "loss", None, 0, float(writer))
                catalog.transact(lambda c, p=point: metrics.add(c, [p]))  # type: ignore[misc]


def add_object(connection: Connection, digest: str) -> None:
    row = {"digest": digest, "size": 1, "pack": "p", "offset": 0, "stored": 1, "created_at": instant(0)}
    connection.execute(insert(schema.object_).values(**row))


def check_written(catalog: Catalog, others: int = 0) -> None:
    """Each write of many threads is there once, and what counts up is dense, with so many runs of others."""
    each = WRITERS * WRITES // 4
    dense = list(range(1, each + 1))
    made = catalog.read(lambda c: c.execute(select(schema.run).where(schema.run.c.experiment == "gbm")).all())
    assert sorted(row.number for row in made) == dense
    orders = catalog.read(lambda c: c.execute(select(schema.run.c.sequence)).scalars().all())
    assert sorted(orders) == list(range(1, each + others + 1))
    rows = catalog.read(lambda c: c.execute(select(schema.version.c.number)).scalars().all())
    assert sorted(number for number in rows if number) == dense
    assert Versions(catalog, SystemClock(), "data").resolve(Ref("flights")).number == each
    assert audit.Audit(catalog).verify() == each
    points = catalog.read(lambda c: metrics.history(c, "r" * 32, "loss"))
    assert [step for step, _ in points] == list(range(each))
    assert sorted(value for _, value in points) == sorted(float(writer) for writer in range(WRITERS) for _ in range(5))


@pytest.mark.timeout(300)
def test_many_threads_write_twenty_times_each(catalog: Catalog) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda writer: write(catalog, writer), range(WRITERS)))
    check_written(catalog)


def filled(catalog: Catalog) -> None:
    for writer in range(3):
        write(catalog, writer)
    run_id = catalog.read(lambda c: c.execute(select(schema.run.c.id).limit(1)).scalar_one())
    catalog.transact(lambda c: values.add_params(c, run_id, {"depth": 4, "name": "größe", "none": None, "deep": {}}))
    catalog.transact(
        lambda c: metrics.add(c, [metrics.Point(run_id, "loss", None, 0, x) for x in (math.inf, math.nan, 0.1)])
    )


def content(catalog: Catalog) -> dict[str, Any]:
    def every(connection: Connection) -> dict[str, Any]:
        return {table.name: sorted(map(repr, connection.execute(select(table)).all())) for table in backup._facts()}

    return catalog.read(every)


def test_a_backup_goes_to_another_engine_and_back(catalog: Catalog, tmp_path: Path) -> None:
    filled(catalog)
    before = content(catalog)
    backup.back_up(catalog, tmp_path / "here.zip")
    other = Catalog(f"sqlite:///{tmp_path / 'other.db'}")
    other.create()
    backup.restore(other, tmp_path / "here.zip")
    assert content(other) == before
    backup.back_up(other, tmp_path / "there.zip")
    other.close()
    write(catalog, 9)
    backup.restore(catalog, tmp_path / "there.zip", replace=True)
    assert content(catalog) == before
    # What is new is numbered after what came with its number.
    write(catalog, 10)
    assert catalog.read(lambda c: c.execute(select(func.max(schema.run.c.number))).scalar()) == 20
    assert audit.Audit(catalog).verify() == 20


def test_every_table_is_vacuumed_and_an_erasing_transaction_commits(catalog: Catalog) -> None:
    filled(catalog)
    catalog.erase(lambda c: c.execute(text("DELETE FROM tag")))
    catalog.vacuum()
    assert audit.Audit(catalog).verify() == 15


def test_columns_of_json_and_numbers_have_their_kinds_on_this_engine(catalog: Catalog) -> None:
    found = catalog.read(lambda c: {t: inspect(c).get_columns(t) for t in ("version", "param", "point")})
    kinds = {(table, column["name"]): column["type"] for table, columns in found.items() for column in columns}
    assert isinstance(kinds["version", "detail"], JSON)
    assert isinstance(kinds["param", "number"], Float)
    assert isinstance(kinds["point", "value"], Float)


def test_a_part_of_what_is_kept_of_versions_is_read_in_pages(catalog: Catalog) -> None:
    versions = Versions(catalog, SystemClock(), "data")

    def work(connection: Connection) -> None:
        for number in range(5):
            detail = {"format": "table", "rows": number, "columns": [["a", "int64"]] * number, "profile": "0" * 64}
            content = {"digest": f"{number:064}", "root": f"{number:064}", "size": 1, "new_bytes": 1, "message": None}
            naming.add_version(
                connection,
                "data",
                "t",
                {**content, "detail": detail, "created_at": instant(number), "author": "ann"},
                renew=False,
            )

    catalog.transact(work)
    part = Part(values=("format", "rows", "missing"), lengths=("columns", "parts"))
    found = versions.history("t", page=Page(limit=2, after=Ref("t", number=5)), part=part)
    told = [(version.detail["format"], version.detail["rows"], version.detail["columns"]) for version in found]
    assert told == [("table", 3, 3), ("table", 2, 2)]
    assert "profile" not in found[0].detail
    assert not found[0].detail.get("parts")
    assert [version.detail["columns"] for version in versions.newest(part=part)] == [4]
    assert versions.outline("t", 2) == (5, ["t@v4", "t@v2"])
