"""Save and load: what comes back is what went in, and what cannot go in is refused by name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nbmlops.core.errors import CorruptError, InvalidError, NotFoundError, RefusedError
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


@pytest.fixture
def frame() -> pd.DataFrame:
    count = 1_000
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "n": np.arange(count),
            "small": np.arange(count, dtype="int8"),
            "x": np.where(np.arange(count) % 7 == 0, np.nan, generator.normal(size=count)),
            "text": ["ü" * (i % 5) if i % 11 else None for i in range(count)],
            "flag": generator.random(count) > 0.5,
            "whole": pd.array([None if i % 3 == 0 else i for i in range(count)], dtype="Int64"),
            "when": pd.date_range("2013-01-01", periods=count, freq="h", tz="America/New_York"),
            "size": pd.Categorical(["m", "s"] * (count // 2), categories=["s", "m", "l"], ordered=True),
            "code": pd.Categorical([3, 1] * (count // 2), categories=[9, 3, 1]),
        }
    )


def test_a_frame_comes_back_as_it_went_in(workspace: Workspace, frame: pd.DataFrame) -> None:
    for index in (frame, frame.set_index("when"), frame[frame.n % 2 == 0], frame.set_index(["text", "n"])):
        saved = workspace.data.save(index, "flights", message="a test")
        pd.testing.assert_frame_equal(workspace.data.load(saved.ref), index)
    assert [version.number for version in workspace.data.history("flights")] == [4, 3, 2, 1]


def test_what_is_known_of_a_version(workspace: Workspace, frame: pd.DataFrame) -> None:
    saved = workspace.data.save(frame, "flights", message="January")
    assert (saved.ref, saved.rows, saved.message, saved.format) == ("flights@v1", 1_000, "January", "table")
    assert [(column.name, column.type) for column in saved.columns[:2]] == [("n", "int64"), ("small", "int8")]
    assert saved.new_bytes > 0
    assert workspace.data.list() == [saved]
    assert workspace.data.show("flights@v1") == saved


def test_the_same_table_saved_again_is_the_same_version(
    workspace: Workspace, frame: pd.DataFrame, tmp_path: Path
) -> None:
    frame = frame.drop(columns=["size", "code"])  # Parquet by itself keeps no unused and no numeric categories
    first = workspace.data.save(frame, "flights")
    again = workspace.data.save(frame.copy(), "flights")
    assert again.id == first.id
    other = tmp_path / "flights.parquet"
    pq.write_table(pa.Table.from_pandas(frame), other, row_group_size=17, compression="none")
    assert workspace.data.save(other).id == first.id


def test_some_columns_as_arrow_and_polars(workspace: Workspace, frame: pd.DataFrame) -> None:
    workspace.data.save(frame, "flights")
    table = workspace.data.load("flights", columns=["n", "text"], as_="arrow")
    assert table.column_names == ["n", "text"]
    assert isinstance(workspace.data.load("flights", columns=["n"], as_="polars"), pl.DataFrame)
    with pytest.raises(InvalidError, match=r"there is no column 'txt'\nhint: did you mean text, x\?"):
        workspace.data.load("flights", columns=["txt"])


def test_polars_and_arrow_tables_are_saved(workspace: Workspace) -> None:
    one = workspace.data.save(pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}), "t")
    assert workspace.data.save(pa.table({"a": [1, 2], "b": ["x", "y"]}), "t").id == one.id


def test_files_and_folders_come_back_byte_for_byte(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    (folder / "deep").mkdir(parents=True)
    for index in range(30):
        (folder / "deep" / f"{index}.bin").write_bytes(os.urandom(index * 1_000))
    saved = workspace.data.save(folder)
    assert (saved.name, saved.format) == ("images", "folder")
    back = workspace.data.load("images", to=tmp_path / "back")
    assert sorted(p.name for p in back.rglob("*.bin")) == sorted(p.name for p in folder.rglob("*.bin"))
    assert all((back / p.relative_to(folder)).read_bytes() == p.read_bytes() for p in folder.rglob("*.bin"))
    notes = tmp_path / "notes.csv"
    notes.write_text("a,b\n1,2\n")
    workspace.data.save(notes)
    assert workspace.data.load("notes").read_text() == "a,b\n1,2\n"


def test_a_table_is_written_as_parquet_or_csv(workspace: Workspace, tmp_path: Path) -> None:
    workspace.data.save(pd.DataFrame({"a": [1]}), "t")
    assert workspace.data.load("t", to=tmp_path / "t.csv").read_text() == '"a"\n1\n'
    assert pd.read_parquet(workspace.data.load("t", to=tmp_path / "t.parquet")).a.tolist() == [1]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (pd.DataFrame(), "the table has no columns"),
        (pd.DataFrame({"a": []}), "the table has no rows"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns named 'a'"),
        (pd.DataFrame({"a": [object(), 1]}), "the column 'a' holds Python objects"),
        (pd.DataFrame({"a": [1, "x"]}), "the column 'a' holds Python objects"),
        (pd.DataFrame({"a": [{"k": 1}]}), "the column 'a' holds Python objects"),
        ([1, 2], "list is not a table, a file or a folder"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_saved(workspace: Workspace, value: object, message: str) -> None:
    with pytest.raises(InvalidError, match=message):
        workspace.data.save(value, "bad")
    assert workspace.data.list() == []


@pytest.mark.parametrize("name", ["a/b", "..", "", "a..b", "-a", "show", "a b", "x" * 200])
def test_a_bad_name_is_refused(workspace: Workspace, name: str) -> None:
    with pytest.raises(InvalidError):
        workspace.data.save(pd.DataFrame({"a": [1]}), name)


def test_a_missing_file_is_named_with_its_neighbours(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "flights.csv").write_text("a\n1\n")
    with pytest.raises(NotFoundError, match=r"did you mean flights\.csv\?"):
        workspace.data.save(tmp_path / "flihgts.csv")


def test_the_lock_finds_old_content(workspace: Workspace) -> None:
    lock = workspace.marker.root / "nbmlops.lock"
    workspace.data.save(pd.DataFrame({"a": [1]}), "t")
    old = lock.read_text()
    workspace.data.save(pd.DataFrame({"a": [2]}), "t")
    assert workspace.data.load("t", locked=True).a.tolist() == [2]
    lock.write_text(old)
    assert workspace.data.load("t", locked=True).a.tolist() == [1]
    lock.write_text("<<<<<<< HEAD\n" + old)
    with pytest.raises(CorruptError, match=r"nbmlops\.lock cannot be read"):
        workspace.data.load("t", locked=True)


def test_deleting_needs_the_lock_to_let_go(workspace: Workspace) -> None:
    workspace.data.save(pd.DataFrame({"a": [1]}), "t")
    with pytest.raises(RefusedError, match=r"nbmlops\.lock"):
        workspace.data.delete("t")
    workspace.data.delete("t", unlock=True)
    with pytest.raises(NotFoundError, match=r"t is deleted\nhint: bring it back with: nbmlops data restore t"):
        workspace.data.load("t")
    workspace.data.restore("t")
    assert workspace.data.load("t").a.tolist() == [1]


def test_a_rename_takes_the_lock_along(workspace: Workspace) -> None:
    saved = workspace.data.save(pd.DataFrame({"a": [1]}), "t")
    assert workspace.data.rename("t", "u").digest == saved.digest
    assert workspace.data.load("u", locked=True).a.tolist() == [1]


def test_a_flipped_byte_is_never_handed_out_and_is_repaired_from_a_push(workspace: Workspace, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.random.default_rng(1).normal(size=50_000)})
    workspace.data.save(frame, "t")
    target = str(tmp_path / "copy")
    assert workspace.data.push(target).bytes_sent > 0
    assert workspace.data.push(target).bytes_sent == 0
    pack = max((workspace.marker.state / "objects").rglob("*"), key=lambda p: p.stat().st_size if p.is_file() else 0)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.chmod(0o644)
    pack.write_bytes(content)
    with pytest.raises(CorruptError, match="store verify"):
        workspace.data.load("t")
    assert not workspace.store.verify(full=True).ok
    assert workspace.store.repair(target).repaired
    assert workspace.store.verify(full=True).ok
    pd.testing.assert_frame_equal(workspace.data.load("t"), frame)
