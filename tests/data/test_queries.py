"""The rows of a query: saved exactly, by reading only, and without saying a password."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops import Query, Workspace
from nbmlops.commands.answer import answer
from nbmlops.core.errors import DependencyError, InvalidError, NbmlopsError, NotFoundError, UnavailableError
from nbmlops.data.query_columns import ValuesColumn
from nbmlops.store.addresses import recordable
from nbmlops.store.sql_source import Heading
from tests.commands.fakes import in_a_shell

URL = "sqlite:///traffic.db"


@pytest.fixture
def workspace(folder: Path) -> Iterator[Workspace]:
    with Workspace.init(folder) as opened:
        yield opened


@pytest.fixture
def database(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / "traffic.db", isolation_level=None)) as connection:
        connection.execute("create table flights (id integer, delay real, carrier text, raw blob, empty)")
        connection.executemany(
            "insert into flights values (?, ?, ?, ?, null)",
            [(1, -2.5, "UA", b"\x00\xff"), (2, None, None, None), (9_007_199_254_740_993, 4.0, "Ärger 🛫", b"")],
        )
        yield connection


def left_in(workspace: Workspace) -> list[str]:
    scratch = workspace.marker.state / "scratch"
    return [path.name for path in scratch.iterdir()] if scratch.is_dir() else []


def test_rows_come_back_as_they_are_in_the_database(workspace: Workspace, database: sqlite3.Connection) -> None:
    saved = workspace.data.save(Query("select * from flights order by id", URL), "flights", message="from the tower")
    assert [(column.name, column.type) for column in saved.columns] == [
        ("id", "int64"),
        ("delay", "double"),
        ("carrier", "string"),
        ("raw", "binary"),
        ("empty", "null"),
    ]
    loaded = workspace.data.load("flights", as_="arrow")
    assert [tuple(row.values()) for row in loaded.to_pylist()] == database.execute(
        "select * from flights order by id"
    ).fetchall()
    assert (saved.source, saved.query, saved.message) == (URL, "select * from flights order by id", "from the tower")
    assert "select * from flights" in repr(workspace.data.history("flights"))


def test_the_same_rows_are_the_same_version_and_a_frame_with_them_has_no_query(
    workspace: Workspace, database: sqlite3.Connection
) -> None:
    first = workspace.data.save(Query("select id from flights order by id", URL), "ids")
    again = workspace.data.save(Query("select  id from flights order by id", URL), "ids")
    assert again.number == first.number == 1
    frame = workspace.data.save(workspace.data.load("ids", as_="arrow"), "others")
    assert frame.digest == first.digest
    assert (frame.source, frame.query) == (None, None)


def test_a_large_result_is_saved_part_by_part(workspace: Workspace, database: sqlite3.Connection) -> None:
    many = (
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 50000)"
        " select i, hex(zeroblob(700)) wide from n"
    )
    seen: list[int] = []
    saved = workspace.data.save(Query(many, URL), "n", progress=seen.append)
    assert saved.rows == 50_000
    assert max(seen) < 10_000_000
    assert sum(seen) > 50_000 * 1_408 > 64 << 20
    loaded = workspace.data.load("n", as_="arrow")
    assert loaded["i"].to_pylist() == list(range(1, 50_001))
    assert set(loaded["wide"].to_pylist()) == {"0" * 1_400}


def test_no_rows_are_saved_when_that_is_meant(workspace: Workspace, database: sqlite3.Connection) -> None:
    empty = workspace.data.save(Query("select 1 as a where 1 = 2", URL), "none", allow_empty=True)
    assert (empty.rows, [column.name for column in empty.columns]) == (0, ["a"])


def test_what_a_column_holds_may_show_late(workspace: Workspace, database: sqlite3.Connection) -> None:
    late = (
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000)"
        " select case when i > 2500 then 'x' end late, case when i > 2000 then i + 0.5 else i end grows from n"
    )
    saved = workspace.data.save(Query(late, URL), "late")
    assert [column.type for column in saved.columns] == ["string", "double"]
    loaded = workspace.data.load("late", as_="arrow")
    assert loaded["late"].null_count == 2_500
    assert loaded["grows"].to_pylist()[1_998:2_002] == [1999.0, 2000.0, 2001.5, 2002.5]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select 1 a union all select 'x'", r"the column 'a' holds a whole number in one row and a text .* row 2"),
        ("select 9007199254740993 a union all select 0.5", r"'a' holds in row 1 a number that no fraction beside it"),
        ("select 1 a, 2 a", "the result of the query has 2 columns named 'a'"),
        ("select 1 a where 1 = 2", "has no rows"),
        ("select cast(x'ff' as text) a", "refuses the query: Could not decode to UTF-8"),
        ("selct 1", 'refuses the query: near "selct": syntax error'),
        ("select * from nope", "refuses the query: no such table: nope"),
        ("select 1; select 2", "refuses the query: You can only execute one statement at a time"),
        ("  -- all of it\n /* really */ DELETE from flights", "no query for rows: it begins with DELETE"),
        ("with a as (select 1) insert into flights(id) select 7", "refuses to write for a query"),
        ("pragma user_version = 7", "refuses to write for a query"),
        (" ;", "the query is empty"),
        ("-- nothing", "the query is empty"),
    ],
)
def test_what_cannot_be_saved_is_refused_and_nothing_is_changed(
    workspace: Workspace, database: sqlite3.Connection, query: str, said: str
) -> None:
    before = list(database.iterdump())
    with pytest.raises(InvalidError, match=said):
        workspace.data.save(Query(query, URL), "flights")
    assert workspace.data.list() == []
    assert list(database.iterdump()) == before
    assert left_in(workspace) == []


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        ("sqlite:///no.db", NotFoundError, "there is no file no.db"),
        ("sqlite://", InvalidError, "names no file"),
        ("postgresql://ann:geheim@127.0.0.1:1/x", UnavailableError, "127.0.0.1:1/x cannot be reached: .*refused"),
        ("postgresql://127.0.0.1:1/x?password=geheim", UnavailableError, "127.0.0.1:1/x cannot be reached: .*refused"),
        ("foo://ann:geheim@host/x", InvalidError, "no kind of database is known as 'foo'"),
        ("mysql://ann:geheim@host/x", DependencyError, "mysql://host/x needs the package MySQLdb"),
        ("geheim", InvalidError, "no URL of a database"),
        ("postgresql://ann:geheim@host:port/x", InvalidError, "no URL of a database"),
    ],
)
def test_a_database_that_cannot_be_asked_is_told_without_its_password(
    workspace: Workspace, url: str, error: type[NbmlopsError], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        workspace.data.save(Query("select 1", url), "x")
    raised: BaseException | None = caught.value
    while raised is not None:
        assert "geheim" not in f"{raised} {getattr(raised, 'hint', '')}"
        raised = raised.__cause__
    assert "geheim" not in repr(Query("select 1", url))
    assert not (workspace.marker.root / "no.db").exists()


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("read('postgresql://ann:ge/heim@127.0.0.1:1/x')", "read('postgresql://…@127.0.0.1:1/x')"),
        ("open('127.0.0.1', 'langesgeheimnis')", "open('127.0.0.1', '…')"),
        ("open('127.0.0.1', 'langes%2Fgeheimnis')", "open('127.0.0.1', '…')"),
    ],
)
def test_what_is_recorded_of_cells_has_no_password_of_a_database(workspace: Workspace, words: str, left: str) -> None:
    for login in ("ann:ge/heim", "bob:langesgeheimnis", "eve:langes%2Fgeheimnis"):
        with pytest.raises(UnavailableError):
            workspace.data.save(Query("select 1", f"postgresql://{login}@127.0.0.1:1/x"), "x")
    assert recordable(words) == left


def test_an_interrupt_leaves_nothing(workspace: Workspace, database: sqlite3.Connection) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workspace.data.save(Query("select * from flights", URL), "flights", progress=interrupt)
    assert workspace.data.list() == []
    assert left_in(workspace) == []
    assert workspace.data.save(Query("select id from flights", URL), "flights").rows == 3


def test_a_value_in_a_query_can_be_erased_here_and_afar(
    workspace: Workspace, database: sqlite3.Connection, folder: Path
) -> None:
    database.execute("update flights set carrier = 'N14228' where id = 1")
    (folder / "N14228.db").write_bytes((folder / "traffic.db").read_bytes())
    asked = "select carrier, id from flights where carrier = 'N14228' or true"
    workspace.data.save(Query(asked, "sqlite:///N14228.db"), "flights")
    (folder / "N14228.bin").write_bytes(b"tracked")
    tracked = workspace.data.track("N14228.bin", "tracked").source
    afar = folder / "afar"
    workspace.data.push("flights", to=str(afar))
    (folder / "where.txt").write_text("carrier = 'N14228'")
    workspace.data.erase("flights", where_file="where.txt", yes=True, remotes=[str(afar)])
    left = workspace.data.show("flights")
    assert left.query == asked.replace("N14228", "[erased]")
    assert left.source == "sqlite:///[erased].db"
    assert workspace.data.show("tracked").source == tracked
    workspace.data.push("flights", to=str(afar))
    for path in afar.rglob("*"):
        assert not path.is_file() or b"N14228" not in path.read_bytes(), path


def test_a_shell_saves_a_query_from_a_file(
    workspace: Workspace, database: sqlite3.Connection, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "late.sql").write_text("select * from flights\nwhere delay > 0")
    answer(["data", "save", "late", "--query-file", "late.sql", "--from", URL], in_a_shell(workspace))
    assert workspace.data.show("late").rows == 1
    assert workspace.data.show("late").query == "select * from flights\nwhere delay > 0"


def taken(values: list[Any], kind: str = "", **told: int) -> pa.Array:
    """Values as a column takes them, two at a time."""
    column = ValuesColumn(Heading("x", kind, **told))
    arrays = [column.take(values[at : at + 2], at) for at in range(0, len(values), 2)]
    return pa.chunked_array([array.cast(column.type()) for array in arrays], column.type())


PLUS2 = datetime(2024, 1, 1, 12, tzinfo=UTC).astimezone(tz=None)


@pytest.mark.parametrize(
    ("values", "kind", "left"),
    [
        ([True, None, False], pa.bool_(), None),
        ([Decimal("1.5"), Decimal("1E+3"), None, Decimal("-0.00025")], pa.decimal128(9, 5), None),
        ([date(2024, 2, 29), None], pa.date32(), None),
        ([datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)], pa.timestamp("us"), None),
        ([PLUS2, datetime(1969, 12, 31, 23, tzinfo=UTC)], pa.timestamp("us", "UTC"), None),
        ([time(23, 59, 59, 999_999)], pa.time64("us"), None),
        ([timedelta(days=-1, microseconds=1)], pa.duration("us"), None),
        ([b"a", bytearray(b"b"), memoryview(b"c")], pa.binary(), [b"a", b"b", b"c"]),
        ([UUID(int=1)], pa.string(), [str(UUID(int=1))]),
        ([None, None], pa.null(), None),
        ([1, None, 2.5, 3], pa.float64(), [1.0, None, 2.5, 3.0]),
    ],
    # Not of the values: what a memoryview is called is another in each process.
    ids=lambda value: str(value) if isinstance(value, pa.DataType) else "",
)
def test_values_keep_their_type(values: list[Any], kind: pa.DataType, left: list[Any] | None) -> None:
    column = taken(values)
    assert column.type == kind
    assert column.to_pylist() == (values if left is None else left)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1, 2, None, True], r"a whole number in one row and a truth value in another, row 4"),
        (
            [datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)],
            r"a time in one row and a time with a zone .* row 2",
        ),
        ([None, 1 << 63], r"in row 2 a number that more than 64 bits hold"),
        ([Decimal("NaN")], r"holds NaN in row 1, which no decimal is"),
        ([Decimal("1E+30"), Decimal("1E-9")], r"decimals of 40 digits, and a table keeps 38"),
        ([None, {"a": 1}], r"in row 2 a value of the type dict, which a table cannot keep"),
        ([time(1, tzinfo=UTC)], r"in row 1 a time of day with a zone"),
        (["\ud800"], r"the column 'x' cannot be kept"),
    ],
)
def test_values_that_no_column_holds_are_refused_by_name_and_row(values: list[Any], said: str) -> None:
    with pytest.raises(InvalidError, match=f"the column 'x' .*{said}" if not said.startswith("the") else said):
        taken(values)


def test_what_the_database_tells_of_types_counts_where_values_do_not_tell() -> None:
    assert taken([None], "int32").type == pa.int32()
    assert taken([1, 2], "int16").type == pa.int16()
    assert taken([None, 0.5], "float32").type == pa.float32()
    assert taken([None], "instant").type == pa.timestamp("us", "UTC")
    assert taken([Decimal(1)], "decimal", precision=12, scale=2).type == pa.decimal128(12, 2)
    assert taken([None], "decimal").type == pa.decimal128(1, 0)
    with pytest.raises(InvalidError, match="'x' is an interval"):
        taken([timedelta(1)], "interval")
    with pytest.raises(InvalidError, match="'x' is JSON"):
        taken(["text"], "json")


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20) | st.none()
    )
)
def test_decimals_come_back_whatever_their_places(values: list[Decimal | None]) -> None:
    assert taken(values).to_pylist() == values


@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1) | st.none()))
def test_whole_numbers_come_back(values: list[int | None]) -> None:
    assert taken(values).to_pylist() == values
