"""Save and load: what comes back is what went in, and what cannot go in is refused by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nbmlops.core.errors import (
    ConflictError,
    CorruptError,
    InvalidError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
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


@pytest.mark.parametrize(
    "labels",
    [
        pd.Index([3, 1]),
        pd.Index(["a", "b"], name="letters"),
        pd.to_datetime(["2013", "2015"], format="%Y"),
        pd.Index(["a", "b"]),
    ],
    ids=["whole", "named", "dates", "text"],
)
def test_column_labels_come_back_and_count_for_the_digest(workspace: Workspace, labels: pd.Index) -> None:
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=labels)
    saved = workspace.data.save(frame, "labelled")
    pd.testing.assert_frame_equal(workspace.data.load("labelled"), frame)
    plain = workspace.data.save(frame.set_axis(["a", "b"], axis=1), "plain")
    assert (saved.digest == plain.digest) == (labels.name is None and list(labels) == ["a", "b"])


def test_an_empty_table_keeps_its_categories(workspace: Workspace) -> None:
    frame = pd.DataFrame({"size": pd.Categorical([], categories=["s", "m"], ordered=True)})
    saved = workspace.data.save(frame, "sizes", allow_empty=True)
    pd.testing.assert_frame_equal(workspace.data.load("sizes"), frame)
    other = frame.assign(size=frame["size"].cat.add_categories("l"))
    assert workspace.data.save(other, "sizes", allow_empty=True).digest != saved.digest


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


def test_of_a_folder_that_changes_while_it_is_read_nothing_is_stored(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(name)

    def change(_: int) -> None:
        (folder / "a.txt").write_text("another text")

    with pytest.raises(ConflictError, match=r"a\.txt changed while it was read; nothing was saved"):
        workspace.data.save(folder, "pictures", progress=change)
    assert workspace.store.verify(full=True).objects == 0
    version = workspace.data.save(folder, "pictures")
    found = workspace.store.verify(full=True)
    assert (found.ok, found.objects, version.size) == (True, 3, len("another text") + len("b.txt"))


def test_a_folder_keeps_its_empty_folders_and_the_target_of_a_link(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    (folder / "empty" / "below").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "b.txt").symlink_to("a.txt")
    workspace.data.save(folder)
    back = workspace.data.load("pictures", to=tmp_path / "back")
    found = sorted((str(path.relative_to(back)), path.is_dir()) for path in back.rglob("*"))
    assert found == [("a.txt", False), ("b.txt", False), ("empty", True), ("empty/below", True)]
    assert (back / "b.txt").read_text() == "a"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: (folder / "x").symlink_to("nowhere"), "link to nothing"),
        (lambda folder: ((folder / "d").mkdir(), (folder / "x").symlink_to("d")), "link to a folder"),
        (lambda folder: (folder / "x").symlink_to("/etc/hostname"), "leads out of pictures"),
        (lambda folder: os.mkfifo(folder / "x"), "neither a file nor a folder"),
    ],
    ids=["broken", "folder", "outside", "pipe"],
)
def test_what_a_folder_cannot_keep_is_named(
    workspace: Workspace, tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    make(folder)
    with pytest.raises(InvalidError, match=message):
        workspace.data.save(folder)


def test_pipes_devices_and_the_workspace_itself_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(InvalidError, match="neither a file nor a folder"):
            workspace.data.save(path, "x")
    for path in (workspace.marker.state, workspace.marker.state / "catalog.db", workspace.marker.root):
        with pytest.raises(InvalidError, match="what nbmlops keeps"):
            workspace.data.save(path, "x")
    with pytest.raises(InvalidError, match="empty"):
        workspace.data.save(tmp_path / "pipe", "")


def test_a_load_writes_over_nothing_unless_told(workspace: Workspace, tmp_path: Path) -> None:
    workspace.data.save(pd.DataFrame({"a": [1]}), "t")
    (tmp_path / "notes.txt").write_text("notes")
    workspace.data.save(tmp_path / "notes.txt")
    target = workspace.data.load("t", to=tmp_path / "t.csv")
    with pytest.raises(ConflictError, match="is there already"):
        workspace.data.load("t", to=target)
    workspace.data.load("t", to=target, overwrite=True)
    (tmp_path / "out").mkdir()
    assert workspace.data.load("t", to=tmp_path / "out") == tmp_path / "out" / "t.parquet"
    assert workspace.data.load("notes", to=tmp_path / "out") == tmp_path / "out" / "notes.txt"
    with pytest.raises(InvalidError, match="empty"):
        workspace.data.load("t", to="")


def test_a_folder_that_may_not_be_written_is_an_error_with_a_hint(workspace: Workspace, tmp_path: Path) -> None:
    workspace.data.save(pd.DataFrame({"a": [1]}), "t")
    with pytest.raises(NotFoundError, match="there is no folder"):
        workspace.data.load("t", to=tmp_path / "gone" / "t.csv")
    # Root may write anywhere but here.
    with pytest.raises(UnavailableError, match="cannot write"):
        workspace.data.load("t", to="/proc/t.csv")


def test_a_message_is_taken_once(workspace: Workspace) -> None:
    frame = pd.DataFrame({"a": [1]})
    assert workspace.data.save(frame, "t").message is None
    assert workspace.data.save(frame, "t", message="why").message == "why"
    assert workspace.data.save(frame, "t", message="another").message == "why"
    assert len(workspace.data.history("t")) == 1


def test_a_table_is_written_as_parquet_or_csv(workspace: Workspace, tmp_path: Path) -> None:
    workspace.data.save(pd.DataFrame({"a": [1]}), "t")
    assert workspace.data.load("t", to=tmp_path / "t.csv").read_text() == '"a"\n1\n'
    assert pd.read_parquet(workspace.data.load("t", to=tmp_path / "t.parquet")).a.tolist() == [1]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (pd.DataFrame(), "the table has no columns"),
        (pd.DataFrame({"a": []}), "the table has no rows"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "2 columns named 'a'"),
        (pd.DataFrame([[1, 2, 3, 4, 5]], columns=list("aaaab")), "4 columns named 'a'"),
        (pd.DataFrame({"a": pd.arrays.SparseArray([0.0, 1.0])}), "the column 'a' has the type Sparse"),
        (pd.DataFrame({"z": [1 + 2j]}), "the column 'z' has the type complex128"),
        (pd.DataFrame([[1, 2]], columns=["a", 1]), r"the column names \(1 str, 1 int\) would not come back"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "2 levels of names"),
        (pd.DataFrame({"a": [object(), 1]}), "the column 'a' holds Python objects"),
        (pd.DataFrame({"a": [1, "x"]}), "the column 'a' holds Python objects"),
        (pd.DataFrame({"a": [{"k": 1}]}), "the column 'a' holds Python objects"),
        ([1, 2], "list is not a table, an array, a file or a folder"),
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
    with pytest.raises(RefusedError, match=r"nbmlops\.lock") as refused:
        workspace.data.delete("t")
    assert refused.value.hint == "`nbmlops data delete t --unlock`"
    workspace.data.delete("t", unlock=True)
    with pytest.raises(NotFoundError, match=r"t is deleted\nhint: bring it back with `nbmlops data restore t`"):
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
    assert workspace.data.push(to=target).bytes_sent > 0
    assert workspace.data.push(to=target).bytes_sent == 0
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


def test_an_edit_costs_what_it_touches(workspace: Workspace) -> None:
    count, generator = 600_000, np.random.default_rng(0)
    frame = pd.DataFrame({name: generator.normal(size=count) for name in "abcdef"} | {"n": np.arange(count)})
    first = workspace.data.save(frame, "t")
    assert first.new_bytes > 0.99 * first.size

    def cost(edited: pd.DataFrame) -> float:
        saved = workspace.data.save(edited, "t")
        assert saved.number != first.number
        share = saved.new_bytes / saved.size
        pd.testing.assert_frame_equal(workspace.data.load(saved.ref), edited)
        workspace.data.save(frame, "t")
        return share

    def joined(*parts: pd.DataFrame) -> pd.DataFrame:
        return pd.concat(parts, ignore_index=True)

    group = 4 * 16_384 / count  # what one cut can move: a group is half of this on average
    assert cost(joined(frame, frame.iloc[:6_000] + 1)) < 0.01 + group
    assert cost(joined(frame.iloc[:300_000], frame.iloc[5:605] + 1, frame.iloc[300_000:])) < 2 * group
    changed = frame.copy()
    changed.loc[400_000:400_100, "c"] = 0.0
    assert cost(changed) < group / 3
    assert cost(frame.assign(g=frame.a > 0)) < 0.02
