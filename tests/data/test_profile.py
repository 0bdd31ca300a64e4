"""Profiles of versions, files and tables: made once, kept, erased with what they tell of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbmlops.core.errors import CorruptError, InvalidError, NotFoundError, UnsupportedError
from nbmlops.profiling import Profile, document, profile
from nbmlops.render.dispatch import html, text
from nbmlops.render.dispatch import json as to_json
from nbmlops.workspace import Workspace

MARKER = "MARKER-7Q"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def flights(count: int = 3_000) -> pd.DataFrame:
    random = np.random.default_rng(0)
    tail = [f"N{number}" for number in random.integers(100, 140, count)]
    tail[7] = MARKER
    return pd.DataFrame(
        {
            "delay": np.where(random.random(count) < 0.1, np.nan, random.normal(size=count)),
            "distance": random.integers(100, 200, count),
            "tail": tail,
            "cancelled": random.random(count) < 0.05,
            "at": pd.Timestamp("2013-01-01") + pd.to_timedelta(random.integers(0, 365, count), "D"),
        }
    )


def object_of(workspace: Workspace, ref: str) -> str | None:
    found: str | None = workspace.versions("data").resolve(ref).detail.get("profile")
    return found


def test_a_version_keeps_its_profile(workspace):
    saved = workspace.data.save(flights(), "flights")
    assert object_of(workspace, "flights") is None
    made = workspace.data.profile("flights")
    assert (made.of, made.digest, made.rows) == (saved.ref, saved.digest, 3_000)
    kept = object_of(workspace, "flights")
    assert kept is not None
    assert workspace.data.profile("flights@v1") == made
    assert object_of(workspace, "flights") == kept
    of_memory = profile(flights())
    assert [column.counts for column in made.columns] == [column.counts for column in of_memory.columns]


def test_an_index_is_left_out_as_it_is_of_a_frame(workspace):
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["a", "b"], name="key"))
    workspace.data.save(frame, "keyed")
    assert workspace.data.profile("keyed").columns == profile(frame).columns


def test_gc_keeps_a_profile_as_long_as_its_version(workspace):
    workspace.data.save(flights(), "flights")
    workspace.data.profile("flights")
    kept = object_of(workspace, "flights")
    workspace.store.gc(grace="0")
    assert not workspace.objects.missing([kept])


def test_a_profile_that_is_gone_is_made_again(workspace):
    workspace.data.save(flights(), "flights")
    made = workspace.data.profile("flights")
    workspace.objects.purge([object_of(workspace, "flights")])
    again = workspace.data.profile("flights")
    assert again.column("tail") == made.column("tail")
    assert not workspace.objects.missing([object_of(workspace, "flights")])


def test_an_erasure_takes_the_profile_with_it(workspace, tmp_path):
    workspace.data.save(flights(), "flights")
    assert (MARKER, 1) in workspace.data.profile("flights").column("tail").counts
    kept = object_of(workspace, "flights")
    condition = tmp_path / "where.txt"
    condition.write_text(f"tail = '{MARKER}'\n", encoding="utf-8")
    assert workspace.data.erase("flights", where_file=condition, yes=True).ok
    assert workspace.objects.missing([kept]) == {kept}
    assert object_of(workspace, "flights") is None
    after = workspace.data.profile("flights")
    assert after.rows == 2_999
    assert MARKER not in dict(after.column("tail").counts)


def test_a_pulled_version_gets_a_profile_of_its_own(make):
    here, there = make("here"), make("there")
    here.data.save(flights(), "flights")
    here.data.profile("flights")
    here.data.push()
    there.data.pull()
    assert object_of(there, "flights") is None
    assert there.data.profile("flights").rows == 3_000


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_files_are_profiled_part_by_part(workspace, tmp_path, ending):
    path, table = tmp_path / f"flights.{ending}", flights()
    table.to_parquet(path) if ending == "parquet" else table.to_csv(path, index=False)
    for value in (path, str(path)):
        made = workspace.data.profile(value)
        assert (made.of, made.rows) == (path.name, 3_000)
        assert made.column("tail").counts == profile(table).column("tail").counts


def test_a_csv_file_whose_later_rows_need_a_wider_type(workspace, tmp_path):
    path = tmp_path / "late.csv"
    path.write_text("n\n" + "1\n" * 200_000 + "0.5\n", encoding="utf-8")
    assert workspace.data.profile(path).column("n").counts == ((0.5, 1), (1.0, 200_000))


def test_what_has_no_profile_is_said(workspace, tmp_path):
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    workspace.data.save(tmp_path / "notes.txt", "notes")
    with pytest.raises(InvalidError, match="a file, not a table"):
        workspace.data.profile("notes")
    with pytest.raises(NotFoundError):
        workspace.data.profile("flights")
    with pytest.raises(NotFoundError, match="no file"):
        workspace.data.profile(tmp_path / "none.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InvalidError, match="cannot be read as Parquet"):
        workspace.data.profile(tmp_path / "bad.parquet")


def test_an_empty_table_has_a_profile(workspace):
    workspace.data.save(flights()[:0], "none", allow_empty=True)
    made = workspace.data.profile("none")
    assert made.rows == 0
    assert "0 rows" in text(made)


def test_a_profile_is_shown_with_small_charts(workspace):
    workspace.data.save(flights(), "flights")
    made = workspace.data.profile("flights")
    shown = text(made)
    assert "flights@v1" in shown
    assert "MARKER" not in shown  # it came once
    assert any(block in shown for block in "▂▃▄▅▆")
    assert "<svg" in html(made)
    assert len(html(made)) < 100_000
    (delay, *_) = to_json(made)["columns"]
    assert delay["quantiles"]["0.5"] == pytest.approx(0, abs=0.1)


def test_a_profile_is_a_small_object_that_comes_back_equal():
    random = np.random.default_rng(0)
    frame = pd.DataFrame({f"c{number}": random.normal(size=30_000) for number in range(10)})
    frame["odd"], frame["none"] = [np.inf, np.nan, *([1.0] * 29_998)], None
    frame = pd.concat([frame, flights(30_000)], axis=1)
    made = profile(frame)
    content = document.write(made)
    assert document.read(content) == made
    assert len(content) < 200_000
    assert Profile.merged([made, document.read(content)]).rows == 60_000


def test_what_is_no_profile_is_refused():
    with pytest.raises(UnsupportedError, match="format 3"):
        document.read(b'{"format":3}')
    for content in (b"", b"[]", b'{"format":1}', b'{"format":1,"rows":0,"columns":[{}],"comoments":{}}'):
        with pytest.raises(CorruptError, match="is none"):
            document.read(content)
