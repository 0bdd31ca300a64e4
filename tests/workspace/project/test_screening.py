from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbmlops.checks.frames import table_of
from nbmlops.checks.suite import Suite
from nbmlops.core.errors import InvalidError, NbmlopsError
from nbmlops.workspace.project.reading import read_csv
from nbmlops.workspace.project.records import Table
from nbmlops.workspace.project.screening import screen

ROWS = 200
DRAW = np.random.default_rng(0)


def a_table(**columns: object) -> pd.DataFrame:
    draw = np.random.default_rng(1)
    table = {"x": draw.normal(size=ROWS), "colour": draw.choice(["red", "blue"], ROWS), "y": draw.integers(0, 2, ROWS)}
    return pd.DataFrame({**table, **columns})


def screened(table: pd.DataFrame, target: str = "y") -> Table:
    return screen(table_of(table), target, "things")


def test_columns_are_taken_by_what_they_hold() -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    found = screened(a_table(seen=[day + timedelta(hours=5 * i) for i in range(ROWS)], flag=DRAW.random(ROWS) > 0.5))
    assert (found.numbers, found.categories, found.times) == (("x", "flag"), ("colour",), ("seen",))
    assert found.left_out == {}
    assert {line.column for line in Suite.parse(found.suite).columns} == {"x", "colour", "y", "seen", "flag"}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (DRAW.integers(0, 2, ROWS), "binary"),
        (DRAW.choice(["yes", "no"], ROWS), "binary"),
        (DRAW.random(ROWS) > 0.5, "binary"),
        (DRAW.choice([0.0, 1.0, None], ROWS), "binary"),
        (DRAW.integers(0, 3, ROWS), "multiclass"),
        (DRAW.choice(["a", "b", "c"], ROWS), "multiclass"),
        (DRAW.integers(0, 100, ROWS), "regression"),
        (DRAW.normal(size=ROWS), "regression"),
        (DRAW.choice(10**9, ROWS, replace=False), "regression"),
    ],
)
def test_the_kind_of_a_target_is_seen(values: object, kind: str) -> None:
    assert screened(a_table(y=values)).kind == kind


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([1] * ROWS, "always 1"),
        ([None] * ROWS, "null in 100%"),
        ([1.0, 2.0] * 20 + [None] * 160, "null in 80%"),
        (range(ROWS), "another value in every row"),
        ([f"id-{i}" for i in range(ROWS)], "another value in every row"),
        ([f"id-{i // 2}" for i in range(ROWS)], "too many classes"),
        ([0] * 197 + [1] * 3, "in 3 rows only"),
        (pd.date_range("2026-01-01", periods=100).repeat(2), "no baseline predicts"),
    ],
)
def test_what_is_no_target_is_refused(values: object, why: str) -> None:
    with pytest.raises(InvalidError, match=why) as error:
        screened(a_table(y=values))
    assert error.value.hint


def test_a_target_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(InvalidError, match="no column 'colr'") as error:
        screened(a_table(), "colr")
    assert error.value.hint == "did you mean colour?"


@pytest.mark.parametrize(("rows", "told"), [(1, "has 1 row;"), (39, "has 39 rows;"), (0, "has 0 rows;")])
def test_too_few_rows_are_refused(rows: int, told: str) -> None:
    with pytest.raises(InvalidError, match=told):
        screened(a_table().head(rows))


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([7] * ROWS, "always 7"),
        ([None] * ROWS, "empty"),
        (range(1_000, 1_000 + ROWS), "counts the rows"),
        ([f"a text of row {i}" for i in range(ROWS)], "free text"),
    ],
)
def test_a_column_that_tells_nothing_is_left_out(values: object, why: str) -> None:
    found = screened(a_table(other=values))
    assert why in found.left_out["other"]
    assert "other" not in (*found.numbers, *found.categories)


def test_a_column_that_tells_the_target_alone_is_left_out() -> None:
    table = a_table()
    found = screened(table.assign(answer=table["y"] * 10 + 3, also=np.where(table["y"] == 1, "late", "punctual")))
    assert set(found.left_out) == {"answer", "also"}
    assert "by itself" in found.left_out["answer"]


def test_a_table_of_nothing_but_its_target_is_refused() -> None:
    with pytest.raises(InvalidError, match="no column is left"):
        screened(a_table()[["y"]])


def test_parts_of_a_time_that_are_columns_already_keep_their_names() -> None:
    found = screened(
        a_table(seen=pd.date_range("2026-01-01", periods=ROWS, freq="7h"), seen_hour=DRAW.normal(size=ROWS))
    )
    assert found.times == ()
    assert "seen_hour" in found.left_out["seen"]


def test_many_columns_are_looked_at_all_the_same() -> None:
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 10_000))).add_prefix("c")
    assert len(screened(wide.assign(y=[0, 1] * 30)).numbers) == 10_000


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"a,y\n", "has 0 rows"),
        (b"a,a,y\n" + b"1,2,0\n" * 50, "'a'"),
        ("näme,y\n".encode("latin-1") + b"1,0\n" * 50, "not UTF-8"),
        (b"a,y\n" + b"1,0\n" * 50 + b"1,2,3\n", "line 52"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_of(content: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "things.csv"
    path.write_bytes(content)
    with pytest.raises(NbmlopsError, match=why):
        screen(read_csv(path, tmp_path), "y", "things")


def test_a_file_has_the_types_that_a_save_gives_it_also_when_a_late_row_widens_them(tmp_path: Path) -> None:
    path = tmp_path / "things.csv"
    lines = [f"{i % 7},{i % 2}" for i in range(60_000)]
    path.write_text("\n".join(["x,y", *lines, "1.5,0", ",1"]), encoding="utf-8")
    table = read_csv(path, tmp_path)
    assert str(table.frame(["x"]).collect().dtypes[0]) == "Float64"
    assert screen(table, "y", "things").rows == 60_002


def test_a_file_that_is_not_there_or_no_csv_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NbmlopsError, match="there is no file"):
        read_csv(tmp_path / "none.csv", tmp_path)
    (tmp_path / "table.xlsx").write_bytes(b"x")
    with pytest.raises(InvalidError):
        read_csv(tmp_path / "table.xlsx", tmp_path)
