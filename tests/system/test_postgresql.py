"""Queries of a real PostgreSQL: exact types, only reading, bounded memory, and no password anywhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from nbmlops import Query, Workspace
from nbmlops.core.errors import InvalidError, UnavailableError
from tests.system.postgresql import PASSWORD, Cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    running = Cluster.start()
    try:
        running.run(
            "create sequence numbers",
            "create table flights (id int primary key, fare numeric(8, 2))",
            "insert into flights values (1, 99.50), (2, null), (3, -0.01)",
            "create function grow() returns int language sql as 'insert into flights values (9) returning id'",
        )
        yield running
    finally:
        running.stop()


@pytest.fixture
def workspace(folder: Path) -> Iterator[Workspace]:
    with Workspace.init(folder) as opened:
        yield opened


TYPES = """
select 1::int2 i2, 2::int4 i4, 9007199254740993 i8, 1.5::float4 f4, 'NaN'::float8 f8, 1e3 n, true b,
       '100 % : %s'::text t, 'ä'::varchar(3) v, 'z'::char(3) c, '\\x00ff'::bytea raw, '2024-02-29'::date d,
       '12:00:00.5'::time ti, '1969-12-31 23:59:59.999999'::timestamp ts, '2024-07-01 12:00+02'::timestamptz tz,
       '00000000-0000-0000-0000-000000000001'::uuid u, null nothing, fare
from flights where id = 1 and 'a%' like 'a\\%'
union all
select null, null, null, null, null, -0.125, null, null, null, null, null, null, null, null, null, null, null,
       null::numeric(8, 2)
order by i2
"""


def test_types_are_kept_exactly(workspace: Workspace, cluster: Cluster) -> None:
    saved = workspace.data.save(Query(TYPES, cluster.url()), "types")
    assert {column.name: column.type for column in saved.columns} == {
        "i2": "int16",
        "i4": "int32",
        "i8": "int64",
        "f4": "float",
        "f8": "double",
        "n": "decimal128(7, 3)",
        "b": "bool",
        "t": "string",
        "v": "string",
        "c": "string",
        "raw": "binary",
        "d": "date32[day]",
        "ti": "time64[us]",
        "ts": "timestamp[us]",
        "tz": "timestamp[us, tz=UTC]",
        "u": "string",
        "nothing": "string",
        "fare": "decimal128(8, 2)",
    }
    first, second = workspace.data.load("types", as_="arrow").to_pylist()
    assert first.pop("f8") != second["f8"]
    assert first == {
        "i2": 1,
        "i4": 2,
        "i8": 9_007_199_254_740_993,
        "f4": 1.5,
        "n": Decimal(1000),
        "b": True,
        "t": "100 % : %s",
        "v": "ä",
        "c": "z  ",
        "raw": b"\x00\xff",
        "d": date(2024, 2, 29),
        "ti": time(12, 0, 0, 500_000),
        "ts": datetime(1969, 12, 31, 23, 59, 59, 999_999),
        "tz": datetime(2024, 7, 1, 10, tzinfo=UTC),
        "u": "00000000-0000-0000-0000-000000000001",
        "nothing": None,
        "fare": Decimal("99.50"),
    }
    assert {name for name, value in second.items() if value is not None} == {"n"}


def test_a_table_without_rows_keeps_its_types_when_that_is_meant(workspace: Workspace, cluster: Cluster) -> None:
    query = Query("select * from flights where id = 0", cluster.url())
    with pytest.raises(InvalidError, match="has no rows"):
        workspace.data.save(query, "none")
    saved = workspace.data.save(query, "none", allow_empty=True)
    assert [column.type for column in saved.columns] == ["int32", "decimal128(8, 2)"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("insert into flights values (9) returning id", "begins with INSERT"),
        ("select nextval('numbers')", r"refuses to write for a query: cannot execute nextval\(\) in a read-only"),
        ("select grow()", "refuses to write for a query: cannot execute INSERT in a read-only"),
        ("with a as (delete from flights returning id) select * from a", "refuses to write for a query: .*modifying"),
        ("select 1; commit; delete from flights", "cannot insert multiple commands"),
        ("select set_config('transaction_read_only', 'off', false)", "refuses the query: transaction read-write mode"),
        ("selct 1", r'refuses the query: syntax error at or near "selct" LINE 1: selct 1'),
        ("select * from nope", 'refuses the query: relation "nope" does not exist'),
        ("select 1 / (id - 3) from flights", "refuses the query: division by zero"),
        ("select id, id from flights", "2 columns named 'id'"),
        ("select from flights", "no columns"),
        ("select 'NaN'::numeric x", "the column 'x' holds NaN in row 1"),
        ("select interval '1 month' x", "the column 'x' is an interval"),
        ("select '1'::jsonb x", "the column 'x' is JSON"),
        ("select array[id] x from flights", "the column 'x' holds in row 1 a value of the type list"),
        ("select 'infinity'::timestamptz x", "refuses the query: timestamp too large"),
        ("select '12:00+02'::timetz x", "the column 'x' holds in row 1 a time of day with a zone"),
    ],
)
def test_what_writes_or_cannot_be_kept_is_refused_and_nothing_is_changed(
    workspace: Workspace, cluster: Cluster, query: str, said: str
) -> None:
    with pytest.raises(InvalidError, match=said):
        workspace.data.save(Query(query, cluster.url()), "x")
    assert workspace.data.list() == []
    assert cluster.run("select count(*), sum(id) from flights") == [(3, 6)]
    assert cluster.run("select is_called from numbers") == [(False,)]


def others(cluster: Cluster) -> list[tuple[str, ...]]:
    """Transactions that are open besides the one that asks."""
    return cluster.run("select query from pg_stat_activity where datname = 'traffic' and pid <> pg_backend_pid()")


def test_a_password_is_used_and_kept_nowhere(
    workspace: Workspace, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    saved = workspace.data.save(Query("select * from flights", cluster.url()), "flights")
    assert saved.source == f"postgresql://127.0.0.1:{cluster.port}/traffic"
    for login in ("ann:falsches-geheimnis@", "ann@"):
        with pytest.raises(UnavailableError, match="cannot be reached") as refused:
            workspace.data.save(Query("select * from flights", cluster.url(login)), "flights")
        assert "geheim" not in str(refused.value)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert workspace.data.save(Query("select * from flights", cluster.url("ann@")), "flights").number == 1
    monkeypatch.delenv("PGPASSWORD")
    (folder / "pass").write_text(f"127.0.0.1:{cluster.port}:traffic:ann:{PASSWORD}\n")
    (folder / "pass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(folder / "pass"))
    assert workspace.data.save(Query("select * from flights", cluster.url("ann@")), "flights").number == 1
    workspace.close()
    for path in workspace.marker.state.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path


def test_a_shell_says_no_password_either(cluster: Cluster, folder: Path) -> None:
    Workspace.init(folder).close()
    for login, code in ((f"ann:{PASSWORD}@", 0), ("ann:geheim@", 2)):
        words = ["data", "save", "flights", "--query", "select * from flights", "--from", cluster.url(login)]
        done = subprocess.run(
            [sys.executable, "-m", "nbmlops", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout
        assert "geheim" not in done.stdout
    assert "flights@v1" in subprocess.check_output([sys.executable, "-m", "nbmlops", "data", "list"], text=True)


def test_an_interrupt_ends_the_transaction_and_leaves_nothing(workspace: Workspace, cluster: Cluster) -> None:
    during: list[int] = []

    def interrupt(_: int) -> None:
        during.append(len(others(cluster)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workspace.data.save(Query("select generate_series(1, 100000)", cluster.url()), "n", progress=interrupt)
    assert during == [1]
    assert others(cluster) == []
    assert workspace.data.list() == []
    assert list((workspace.marker.state / "scratch").iterdir()) == []


def test_a_server_that_goes_away_is_told_and_leaves_nothing(workspace: Workspace, cluster: Cluster) -> None:
    def end(_: int) -> None:
        cluster.run(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = 'traffic' and pid <> pg_backend_pid()"
        )

    with pytest.raises(UnavailableError, match=rf"127\.0\.0\.1:{cluster.port}/traffic went away: terminating"):
        workspace.data.save(Query("select generate_series(1, 100000) n", cluster.url()), "n", progress=end)
    assert workspace.data.list() == []


def test_rows_that_come_meanwhile_are_not_among_those_that_are_saved(workspace: Workspace, cluster: Cluster) -> None:
    cluster.run("create table growing as select generate_series(1, 5000) n")
    saved = workspace.data.save(
        Query("select * from growing", cluster.url()),
        "growing",
        progress=lambda _: cluster.run("insert into growing select generate_series(1, 10)") and None,
    )
    assert saved.rows == 5_000


# ``ru_maxrss`` of a child begins at its parent's, here that of the whole session of tests; ``VmHWM`` is its own.
PEAK = """
import sys
from nbmlops import Query, ml
rows = int(sys.argv[2])
wide = Query(f"select n, md5(n::text) a, repeat(md5(n::text), 6) b from generate_series(1, {rows}) n", sys.argv[1])
assert ml.data.save(wide, "wide").rows == rows
own = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(own.split()[1]) // 1024)
"""


def test_a_result_that_is_larger_takes_no_more_memory(cluster: Cluster, folder: Path) -> None:
    Workspace.init(folder).close()
    peaks = [
        int(subprocess.check_output([sys.executable, "-c", PEAK, cluster.url(), str(rows)], cwd=folder))
        for rows in (400_000, 1_600_000)
    ]
    assert peaks[1] < 512
    assert peaks[1] < peaks[0] + 100
