"""CSV and JSON lines as tables: types of the whole file, and what is wrong said with its line."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import csv

from nbmlops.core.errors import ConflictError, InvalidError
from nbmlops.data.csv_types import DECIDING
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.init(tmp_path_factory.mktemp("shared") / "project") as made:
        yield made


def write(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def table(workspace: Workspace, path: Path) -> pa.Table:
    saved = workspace.data.save(path, as_="table")
    return workspace.data.load(saved.ref, as_="arrow")


def refused(workspace: Workspace, path: Path) -> str:
    """What is said of a file; nothing is saved, and nothing left behind."""
    before = workspace.data.list()
    with pytest.raises(InvalidError) as error:
        workspace.data.save(path, as_="table")
    assert error.value.hint
    assert workspace.data.list() == before
    assert not list((workspace.marker.state / "scratch").glob("*"))
    assert error.value.message.startswith(str(path))
    return error.value.message.removeprefix(str(path)).lstrip(", ")


def many(first: str, count: int, *last: str) -> str:
    """A CSV of one column: its name, `count` times the first value, then the last ones."""
    return "a\n" + f"{first}\n" * count + "".join(f"{value}\n" for value in last)


def test_a_csv_is_a_file_unless_it_is_asked_for_as_a_table(workspace: Workspace, tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n1,x\n2,\n")
    assert workspace.data.save(path).format == "file"
    saved = workspace.data.save(path, as_="table")
    assert (saved.format, saved.rows, saved.ref) == ("table", 2, "t@v2")
    assert workspace.data.load("t", as_="arrow").to_pydict() == {"a": [1, 2], "b": ["x", None]}
    assert workspace.data.save(workspace.data.load("t"), "t").id == saved.id


def test_a_parquet_can_be_saved_as_it_is(workspace: Workspace, tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "t.parquet")
    assert workspace.data.save(tmp_path / "t.parquet", as_="file").format == "file"
    assert workspace.data.load("t").read_bytes() == (tmp_path / "t.parquet").read_bytes()


TYPES = {
    "whole numbers": ("1", "-2", pa.int64()),
    "numbers": ("1", "2.5", pa.float64()),
    "exponents": ("1e3", "inf", pa.float64()),
    "truths": ("true", "False", pa.bool_()),
    "dates": ("2013-01-01", "2013-02-01", pa.date32()),
    "times": ("2013-01-01 05:00:00", "2013-01-01T06:00", pa.timestamp("s")),
    "finer times": ("2013-01-01 05:00:00", "2013-01-01 05:00:00.5", pa.timestamp("ns")),
    "dates and times": ("2013-01-01", "2013-01-01 05:00:00", pa.timestamp("s")),
    "zones": ("2013-01-01T05:00:00Z", "2013-01-01T05:00:00+02:00", pa.timestamp("s", "UTC")),
    "times of day": ("05:00", "06:00:30", pa.time32("s")),
    "text": ("a", "1", pa.string()),
    "names with a leading zero": ("007", "12", pa.string()),
    "names of many digits": ("12345678901234567890", "1", pa.string()),
    "whole numbers that fractions would round": ("9007199254740993", "0.5", pa.string()),
    "nothing": ("", "NA", pa.null()),
    "something late": ("", "5", pa.int64()),
}


@pytest.mark.parametrize("name", TYPES)
def test_the_first_rows_decide_what_a_column_is(shared: Workspace, tmp_path: Path, name: str) -> None:
    one, other, kind = TYPES[name]
    found = table(shared, write(tmp_path, f"a,b\n{one},x\n{other},x\n,x\n"))
    assert found.schema.field("a").type == kind
    assert found.column("a").null_count == (3 if name == "nothing" else 2 if not one else 1)


@pytest.mark.parametrize(
    ("first", "later", "kind"),
    [
        ("1", "2.5", pa.float64()),
        ("2013-01-01", "2013-01-01 05:00:00.25", pa.timestamp("ns")),
        ("2013-01-01 05:00:00", "2013-01-01 05:00:00.25", pa.timestamp("ns")),
        ("2013-01-01T05:00:00Z", "2013-01-01T05:00:00.25Z", pa.timestamp("ns", "UTC")),
        ("", "5", pa.int64()),
        ("", "x", pa.string()),
        ("x", "5", pa.string()),
        ("1", "NA", pa.int64()),
    ],
)
def test_later_rows_make_a_type_wider(
    shared: Workspace, tmp_path: Path, first: str, later: str, kind: pa.DataType
) -> None:
    found = table(shared, write(tmp_path, "b," + many(f"x,{first}", DECIDING, f"y,{later}", f"y,{first}")))
    assert found.schema.field("a").type == kind
    assert found.num_rows == DECIDING + 2
    assert found.column("b").to_pylist()[-3:] == ["x", "y", "y"]


@pytest.mark.parametrize(
    ("first", "later", "what"),
    [
        ("1", "N123", "'N123' stands in the column 'a', which holds whole numbers before"),
        (
            "1",
            "12345678901234567890",
            "'12345678901234567890' stands in the column 'a', which holds whole numbers before",
        ),
        ("0.5", "1,5", "'1,5' stands in the column 'a', which holds numbers before"),
        ("true", "1", "'1' stands in the column 'a', which holds true and false before"),
        ("2013-01-01", "31.1.2013", "'31.1.2013' stands in the column 'a', which holds dates before"),
        ("2013-01-01 05:00:00", "soon", "'soon' stands in the column 'a', which holds times before"),
        ("9007199254740993", "0.5", "'0.5' stands in the column 'a', which holds whole numbers before"),
    ],
)
def test_a_value_of_another_kind_is_named_with_its_column_and_line(
    shared: Workspace, tmp_path: Path, first: str, later: str, what: str
) -> None:
    later = f'"{later}"'
    # Of what stands between quotes the line breaks count for lines, and so do empty lines.
    text = 'b,a\n\n"x\ny",' + f"{first}\n" + f"x,{first}\n" * DECIDING + f"y,{later}\n" * 3
    assert refused(shared, write(tmp_path, text)) == f"line {DECIDING + 5}: {what}"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a,b\n1,2\n3\n", "line 3: the row has 1 field, and the header has 2"),
        ("a,b\n1,2\n\n3,4,5\n", "line 4: the row has 3 fields, and the header has 2"),
        ('a,b\n"1\n1",2\n3\n', "line 4: the row has 1 field, and the header has 2"),
        ('a,b\n1,2\n3,"4\n' + "5,6\n" * 200, 'line 3: a " opens there and is never closed'),
        (b"a,b\n1,2\nx,\xff\xfe\n", "line 3: byte 3 of it is not UTF-8"),
        (b"a,\xe9\n1,2\n", "line 1: byte 3 of it is not UTF-8"),
        ("a,b\n".encode("utf-16"), "line 1: byte 1 of it is not UTF-8"),
        ("", "is empty: it has no header"),
        ("\n\n", "is empty: it has no header"),
        ("a,b,a\n1,2,3\n", "line 1: the header has 2 columns named 'a'"),
        ("\na,a\n1,2\n", "line 2: the header has 2 columns named 'a'"),
        ("a,b\n", "has no rows"),
    ],
)
def test_what_is_wrong_with_a_csv_is_said_with_its_line(
    shared: Workspace, tmp_path: Path, text: str | bytes, what: str
) -> None:
    assert refused(shared, write(tmp_path, text)) == what


def test_a_broken_row_far_down_is_found(shared: Workspace, tmp_path: Path) -> None:
    rows = 400_000
    text = "a,b\n" + "1234567,some text in this row\n" * rows
    assert len(text) > 8 << 20
    assert refused(shared, write(tmp_path, text + "1\n")).startswith(f"line {rows + 2}: the row has 1 field")
    assert (
        refused(shared, write(tmp_path, text.encode() + b"1,\xff\n")) == f"line {rows + 2}: byte 3 of it is not UTF-8"
    )


def test_what_parts_the_fields_is_told_by_the_ending_or_the_header(shared: Workspace, tmp_path: Path) -> None:
    expected = {"a": [1], "b": ["x,y"]}
    for name, mark in (("t.tsv", "\t"), ("t.csv", ";"), ("t.csv", "\t"), ("t.tab", "\t")):
        assert table(shared, write(tmp_path, f"a{mark}b\n1{mark}x,y\n", name)).to_pydict() == expected
    assert table(shared, write(tmp_path, "a;b,c\n1,2\n")).to_pydict() == {"a;b": [1], "c": [2]}


def test_a_csv_of_one_column_keeps_its_empty_lines(shared: Workspace, tmp_path: Path) -> None:
    assert table(shared, write(tmp_path, "a\n1\n\n3\n")).to_pydict() == {"a": [1, None, 3]}
    assert table(shared, write(tmp_path, "a,b\n1,2\n\n3,4\n")).to_pydict() == {"a": [1, 3], "b": [2, 4]}


def test_names_and_marks_of_any_script_are_kept(shared: Workspace, tmp_path: Path) -> None:
    text = '\ufeffहिन्दी,"日,本",,e\u0301,\u00e9\n1,2,3,4,5\n'
    found = table(shared, write(tmp_path, text))
    assert found.column_names == ["हिन्दी", "日,本", "", "e\u0301", "\u00e9"]
    assert found.to_pylist()[0]["\u00e9"] == 5


def test_lines_may_end_as_they_do_elsewhere(shared: Workspace, tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        assert table(shared, write(tmp_path, f"a,b{end}1,x{end}2,y")).to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


def test_what_is_compressed_is_read_as_what_it_was(shared: Workspace, tmp_path: Path) -> None:
    text = b"a,b\n1,x\n"
    for name, content in (("t.csv.gz", gzip.compress(text)), ("t.csv.bz2", bz2.compress(text))):
        path = write(tmp_path, content, name)
        saved = shared.data.save(path, as_="table")
        assert (saved.name, saved.rows) == ("t", 1)
    cut = gzip.compress(b"a\n" + b"".join(b"%d\n" % (n * n) for n in range(100_000)))[:-100]
    assert refused(shared, write(tmp_path, cut, "t.csv.gz")).startswith("cannot be read")


def test_a_file_whose_ending_says_no_table_is_refused(shared: Workspace, tmp_path: Path) -> None:
    assert "its ending says none" in refused(shared, write(tmp_path, "a\n1\n", "t.txt"))
    for value, as_ in ((tmp_path, "table"), (pd.DataFrame({"a": [1]}), "file"), (tmp_path, "image")):
        with pytest.raises(InvalidError):
            shared.data.save(value, "x", as_=as_)


def test_a_parquet_with_text_that_is_none_is_refused(shared: Workspace, tmp_path: Path) -> None:
    text = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")])
    pq.write_table(pa.table({"a": text}), tmp_path / "t.parquet")
    assert refused(shared, tmp_path / "t.parquet").startswith("holds what a table cannot")


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_a_table_file_that_changes_while_it_is_read_is_refused(shared: Workspace, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "t.parquet":
        pq.write_table(pa.table({"a": [1, 2]}), path)
    else:
        write(tmp_path, "a\n1\n2\n" if name == "t.csv" else '{"a": 1}\n{"a": 2}\n', name)

    def append(_: int) -> None:
        with path.open("ab") as file:
            file.write(b"\n")

    with pytest.raises(ConflictError, match="changed while it was read; nothing was saved"):
        shared.data.save(path, "changing", as_="table", progress=append)
    assert "changing" not in [version.name for version in shared.data.list()]


def test_ten_thousand_columns_are_one_table_whichever_text_they_come_in(shared: Workspace, tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(10_000)]
    header, row = ",".join(names) + "\n", ",".join(str(number) for number in range(10_000)) + "\n"
    saved = shared.data.save(write(tmp_path, header + row), "wide", as_="table")
    assert len(saved.columns) == 10_000
    text = json.dumps({name: number for number, name in enumerate(names)})
    assert shared.data.save(write(tmp_path, text, "t.jsonl"), "wide", as_="table").id == saved.id
    said = refused(shared, write(tmp_path, header + row + row.removeprefix("0,")))
    assert said == "line 3: the row has 9999 fields, and the header has 10000"


def test_an_empty_table_can_be_meant(workspace: Workspace, tmp_path: Path) -> None:
    saved = workspace.data.save(write(tmp_path, "a,b\n"), as_="table", allow_empty=True)
    assert (saved.rows, [column.name for column in saved.columns]) == (0, ["a", "b"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_arrow_writes_is_read_as_it_was(shared: Workspace, tmp_path: Path, data: st.DataObject) -> None:
    kinds: dict[str, Any] = {
        "int64": st.integers(-(2**63), 2**63 - 1),
        "double": st.floats(allow_nan=False).map(lambda x: x + 0.0),
        "string": st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=6).map(
            lambda text: f"t{text}"
        ),
        "bool": st.booleans(),
    }
    columns = data.draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=3))
    count = data.draw(st.integers(1, 6))
    made = {}
    for number, kind in enumerate(columns):
        values = data.draw(st.lists(st.none() | kinds[kind], min_size=count, max_size=count))
        if kind == "double":
            values[0] = 0.5
        made[f"c{number}"] = pa.array(values, pa.type_for_alias(kind))
    whole = pa.table(made)
    csv.write_csv(whole, tmp_path / "t.csv")
    found = table(shared, tmp_path / "t.csv")
    expected = pa.table({n: c if c.null_count < len(c) else pa.nulls(count) for n, c in made.items()})
    assert found.equals(expected), (found, expected)


def test_json_lines_are_a_table(shared: Workspace, tmp_path: Path) -> None:
    rows = [{"a": 1, "b": "2013-01-01", "c": [1, 2]}, {"a": None, "d": {"x": True}}, {"a": 2.5, "c": []}]
    text = "\n\n".join(json.dumps(row) for row in rows)
    found = table(shared, write(tmp_path, text, "t.jsonl"))
    assert found.to_pylist() == [{"a": None, "b": None, "c": None, "d": None} | row for row in rows]
    assert found.schema.field("b").type == pa.string()
    assert table(shared, write(tmp_path, "\ufeff" + text, "t.json")).equals(found)
    assert table(shared, write(tmp_path, gzip.compress(text.encode()), "t.ndjson.gz")).equals(found)


def lines(count: int, *last: Any) -> str:
    """Many lines, more than are looked at first, then some others."""
    row = json.dumps({"a": 1, "b": "x" * 60}) + "\n"
    assert len(row) * count > 8 << 20
    return row * count + "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in last)


def test_later_lines_of_json_bring_columns_and_wider_types(shared: Workspace, tmp_path: Path) -> None:
    found = table(shared, write(tmp_path, lines(120_000, {"a": 0.5, "c": {"y": 1}}, {"c": {"z": None}}), "t.jsonl"))
    assert str(found.schema.field("a").type) == "double"
    assert found.slice(119_999).to_pylist() == [
        {"a": 1, "b": "x" * 60, "c": None},
        {"a": 0.5, "b": None, "c": {"y": 1, "z": None}},
        {"a": None, "b": None, "c": {"y": None, "z": None}},
    ]


@pytest.mark.parametrize(
    ("last", "what"),
    [
        ({"a": "N1"}, "'a' is text (\"N1\"), and a number before"),
        ({"b": [1]}, "'b' is a list ([1]), and text before"),
        ({"a": True}, "'a' is a truth value (true), and a number before"),
        ('{"a": 1', "no JSON: Expecting ',' delimiter at character 8"),
        ("[1]", "a list stands there, not an object"),
        ({"a": 2**53 + 1, "c": 1}, ""),
    ],
)
def test_what_is_wrong_with_json_is_said_with_its_line(shared: Workspace, tmp_path: Path, last: Any, what: str) -> None:
    if what:
        assert refused(shared, write(tmp_path, lines(120_000, last), "t.jsonl")) == f"line 120001: {what}"
        assert refused(shared, write(tmp_path, '{"a": 1, "b": "x"}\n\n' + lines(120_000, last), "t.jsonl")) == (
            f"line 120003: {what}"
        )
    else:
        found = refused(shared, write(tmp_path, lines(120_000, {"a": 0.5}, last), "t.jsonl"))
        assert found.startswith("line 120002: 9007199254740993 in 'a' cannot be kept beside fractions")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ('[{"a": 1}]', "holds one list, and a table is read from one object in each line"),
        ("{}\n{}\n", "has no columns"),
        (b'{"a": "\xff"}\n', "line 1: byte 8 of it is not UTF-8"),
        (b'{"a": 1}\n{"\xff": 1}\n', "line 2: byte 3 of it is not UTF-8"),
        ('{"a": 1, "a": 2}\n', "line 1 or a later one: JSON parse error: Column(/a) was specified twice in row 0"),
        ('{"a": {"b": [1, "x"]}}\n', "line 1: 'a.b[]' is text (\"x\"), and a number before"),
    ],
)
def test_a_json_that_is_no_table_is_refused(shared: Workspace, tmp_path: Path, text: str | bytes, what: str) -> None:
    assert refused(shared, write(tmp_path, text, "t.jsonl")) == what


SAVER = """
import resource, sys
from nbmlops.workspace import Workspace

def data():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))

with Workspace.open(sys.argv[1]) as workspace:
    workspace.data.save(sys.argv[2], "warm", as_="table")
    # What a save may allocate besides what was allocated for a small one.
    resource.setrlimit(resource.RLIMIT_DATA, (data() + int(sys.argv[4]), -1))
    print(workspace.data.save(sys.argv[3], "large", as_="table").rows)
"""
# The stacks of threads count too, and how many of those a busy machine keeps waiting differs from run to run.
LIMITS = {"csv": 384 << 20, "jsonl": 240 << 20, "parquet": 240 << 20}


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_file_larger_than_the_memory_is_saved(workspace: Workspace, tmp_path: Path, ending: str) -> None:
    generator = np.random.default_rng(0)
    rows, times = 250_000, 45 if ending == "jsonl" else 75
    part = pa.table({"n": np.arange(rows), "x": generator.normal(size=rows), "y": generator.integers(0, 9, rows)})
    small, large = tmp_path / f"small.{ending}", tmp_path / f"large.{ending}"
    if ending == "parquet":
        pq.write_table(part, small)
        with pq.ParquetWriter(large, part.schema) as writer:
            for _ in range(times):
                writer.write_table(part)
    else:
        if ending == "csv":
            csv.write_csv(part, small)
        else:
            part.to_pandas().to_json(small, orient="records", lines=True, double_precision=15)
        first, text = small.read_bytes().split(b"\n", 1) if ending == "csv" else (b"", small.read_bytes())
        with large.open("wb") as file:
            file.write(first + b"\n")
            for _ in range(times):
                file.write(text)
    command = [sys.executable, "-c", SAVER, str(workspace.marker.root), str(small), str(large), str(LIMITS[ending])]
    # Arrow's own pools reserve far more than they use; the system's does not.
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert int(done.stdout) == rows * times
    assert part.nbytes * times > LIMITS[ending]
