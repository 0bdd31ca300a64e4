"""Tables that are kept as what was done to an earlier one: they cost what changed, and come back exactly."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbmlops.core.errors import CorruptError, InvalidError
from nbmlops.data import deriving, identity, stored
from nbmlops.data.frames import to_arrow
from nbmlops.data.rows import Rows, pack
from nbmlops.workspace import Workspace

COUNT = 60_000


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def trips(count: int = COUNT, seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "month": np.sort(generator.integers(1, 13, count)),
            "flight": generator.integers(1, 6_000, count),
            "delay": np.where(generator.random(count) < 0.03, np.nan, generator.integers(-30, 400, count)),
            "tail": [f"N{n}" for n in generator.integers(10_000, 14_000, count)],
            "carrier": pd.Categorical(generator.choice(["UA", "AA", "DL", "ZZ"], count)),
            "when": pd.Timestamp("2013-01-01", tz="America/New_York")
            + pd.to_timedelta(generator.integers(0, 8_760, count), "h"),
            "seats": pd.array(generator.integers(50, 300, count), "Int64"),
            "cancelled": generator.random(count) < 0.02,
        }
    )


def amended(frame: pd.DataFrame) -> pd.DataFrame:
    changed = frame.copy()
    rows = np.random.default_rng(3).choice(len(frame), len(frame) // 1_000, replace=False)
    changed.loc[changed.index[rows], "delay"] = 999.0
    return changed


def kept(frame: pd.DataFrame) -> pd.Series:
    return pd.Series(np.random.default_rng(4).random(len(frame)) > 0.05, frame.index)


EDITS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], float]] = {
    "dropna": (lambda f: f.dropna(), 0.01),
    "drop at random": (lambda f: f[kept(f)], 0.02),
    "drop and count anew": (lambda f: f[kept(f)].reset_index(drop=True), 0.02),
    "sort": (lambda f: f.sort_values("delay"), 0.25),
    "sort and count anew": (lambda f: f.sort_values(["month", "delay"], ignore_index=True), 0.25),
    "shuffle": (lambda f: f.sample(frac=1, random_state=1, ignore_index=True), 0.25),
    "reverse": (lambda f: f[::-1], 0.01),
    "a few cells": (amended, 0.02),
    "a column less": (lambda f: f.drop(columns="tail"), 0.01),
    "a column more": (lambda f: f.assign(early=f.delay < 0), 0.02),
    "filter and change a column": (lambda f: f.dropna().assign(seats=lambda g: g.seats + 1), 0.2),
    "rows inserted": (
        lambda f: pd.concat([f[: COUNT // 2], trips(60, 9), f[COUNT // 2 :]], ignore_index=True),
        0.05,
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_costs_what_changed_and_comes_back(workspace: Workspace, edit: str) -> None:
    frame = trips()
    first = workspace.data.save(frame, "trips")
    change, most = EDITS[edit]
    expected = change(frame)
    saved = workspace.data.save(expected, "other")
    pd.testing.assert_frame_equal(workspace.data.load("other"), expected)
    assert saved.new_bytes <= most * first.new_bytes + 6_000
    # The digest is of the content, so it does not tell how the content is kept.
    assert saved.digest == identity.of_table(to_arrow(expected))


def test_a_chain_of_edits_stays_cheap_to_read(workspace: Workspace) -> None:
    frame = trips()
    first = workspace.data.save(frame, "trips")
    added = 0
    for number in range(12):
        generator = np.random.default_rng(number)
        frame = frame[generator.random(len(frame)) > 0.01].copy()
        frame.loc[frame.index[generator.integers(0, len(frame), 20)], "delay"] = float(number)
        saved = workspace.data.save(frame, "trips")
        added += saved.new_bytes
        pd.testing.assert_frame_equal(workspace.data.load("trips"), frame)
    assert added < 3 * first.new_bytes
    for version in workspace.data.history("trips"):
        assert version.rows is not None
        assert len(workspace.data.load(version.ref, columns=["delay"])) == version.rows


def test_columns_and_rows_are_read_through_a_recipe(workspace: Workspace) -> None:
    frame = trips()
    workspace.data.save(frame, "trips")
    clean = frame.dropna().sort_values("when").assign(gain=lambda f: f.delay * 2)
    workspace.data.save(clean, "clean")
    loaded = workspace.data.load("clean", columns=["tail", "gain"], where="month = 2 and carrier in ('UA', 'DL')")
    wanted = clean[(clean.month == 2) & clean.carrier.isin(["UA", "DL"])]
    pd.testing.assert_frame_equal(loaded, wanted[["tail", "gain"]])
    sample = workspace.data.load("clean", sample=100)
    assert len(sample) == 100
    pd.testing.assert_frame_equal(sample, clean.loc[sample.index])
    pd.testing.assert_frame_equal(sample, workspace.data.load("clean", sample=100))


def test_types_of_all_kinds_are_taken_by_rows(workspace: Workspace) -> None:
    count = 20_000
    generator = np.random.default_rng(0)
    table = pa.table(
        {
            "id": pa.array(generator.permutation(count)),
            "lists": pa.array([[i, None] if i % 3 else None for i in range(count)]),
            "struct": pa.array([{"a": i, "b": str(i)} for i in range(count)]),
            "money": pa.array([decimal.Decimal(i) / 100 for i in range(count)], pa.decimal128(12, 2)),
            "bytes": pa.array([bytes([i % 256]) * (i % 4) for i in range(count)]),
            "day": pa.array(generator.integers(0, 9_000, count).astype("int32")).cast(pa.date32()),
            "nan": pa.array(np.where(generator.random(count) < 0.5, np.nan, -0.0)),
            "dotted.name": pa.array(generator.integers(0, 9, count)),
        }
    )
    workspace.data.save(table, "kinds")
    chosen = np.sort(generator.choice(count, 15_000, replace=False))
    part = table.take(chosen)
    saved = workspace.data.save(part, "part")
    back = workspace.data.load("part", as_="arrow")
    assert identity.of_table(back) == saved.digest == identity.of_table(part)
    assert back.schema == part.schema
    only = workspace.data.load("part", columns=["dotted.name"], as_="arrow")
    assert only.column_names == ["dotted.name"]
    assert only.column(0).equals(part.column("dotted.name"))


def test_categories_are_those_of_the_new_table(workspace: Workspace) -> None:
    frame = trips()
    workspace.data.save(frame, "trips")
    fewer = frame[frame.carrier != "ZZ"].assign(carrier=lambda f: f.carrier.cat.remove_unused_categories())
    workspace.data.save(fewer, "fewer")
    pd.testing.assert_frame_equal(workspace.data.load("fewer"), fewer)


def test_a_table_of_polars_is_found_by_its_values(workspace: Workspace) -> None:
    frame = pl.from_pandas(trips())
    first = workspace.data.save(frame, "trips")
    saved = workspace.data.save(frame.filter(pl.col("delay") > 0).sort("tail"), "late")
    assert workspace.data.load("late", as_="polars").equals(frame.filter(pl.col("delay") > 0).sort("tail"))
    assert saved.new_bytes < 0.25 * first.new_bytes


def test_equal_rows_are_told_apart_or_do_not_matter(workspace: Workspace) -> None:
    frame = pd.DataFrame({"a": np.arange(30_000) % 7, "b": np.arange(30_000) % 3, "c": ["x"] * 30_000})
    workspace.data.save(frame, "few")
    drawn = frame.sample(25_000, replace=True, random_state=0)
    workspace.data.save(drawn, "drawn")
    pd.testing.assert_frame_equal(workspace.data.load("drawn"), drawn)
    anew = drawn.reset_index(drop=True)
    workspace.data.save(anew, "anew")
    pd.testing.assert_frame_equal(workspace.data.load("anew"), anew)


def test_damage_below_a_recipe_is_named_and_nothing_is_handed_out(workspace: Workspace) -> None:
    frame = trips()
    workspace.data.save(frame, "trips")
    packs = sorted((workspace.marker.state / "objects" / "packs").iterdir())
    workspace.data.save(frame.dropna(), "clean")
    content = bytearray(packs[0].read_bytes())
    content[len(content) // 3] ^= 1
    packs[0].write_bytes(content)
    with pytest.raises(CorruptError):
        workspace.data.load("clean")
    assert not workspace.store.verify(full=True).ok


def test_the_same_content_again_is_not_written_again(workspace: Workspace) -> None:
    frame = trips()
    workspace.data.save(frame, "trips")
    workspace.data.save(frame.dropna(), "trips")
    again = workspace.data.save(frame, "trips")
    assert (again.number, again.new_bytes) == (3, 0)
    other = workspace.data.save(frame.dropna(), "elsewhere")
    assert other.new_bytes == 0
    pd.testing.assert_frame_equal(workspace.data.load("elsewhere"), frame.dropna())


def test_content_that_is_kept_as_a_recipe_is_found_under_a_name_that_knows_nothing_of_it(tmp_path: Path) -> None:
    frame = trips()
    with Workspace.init(tmp_path / "project") as workspace:
        workspace.data.save(frame, "trips")
        cleaned = workspace.data.save(frame.dropna(), "trips")
        assert workspace.versions("data").resolve("trips").detail["layout"] == "recipe"
    with Workspace.open(tmp_path / "project") as workspace:
        other = workspace.data.save(frame.dropna(), "other")
        assert (other.digest, other.new_bytes) == (cleaned.digest, 0)
        pd.testing.assert_frame_equal(workspace.data.load("other"), frame.dropna())


def test_a_condition_that_cannot_be_is_said(workspace: Workspace) -> None:
    workspace.data.save(trips(100), "trips")
    with pytest.raises(InvalidError, match="no column 'mnth'") as caught:
        workspace.data.load("trips", where="mnth = 2")
    assert "month" in str(caught.value.hint)
    with pytest.raises(InvalidError, match="cannot be tested"):
        workspace.data.load("trips", where="month = 'May'")
    with pytest.raises(InvalidError, match="does not parse"):
        workspace.data.load("trips", where="month = ")
    with pytest.raises(InvalidError, match="no condition"):
        workspace.data.load("trips", where="month + 1")
    assert len(workspace.data.load("trips", where="month > 12")) == 0


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_row_numbers_come_back(data: st.DataObject) -> None:
    among = data.draw(st.integers(1, 400))
    kind = data.draw(st.sampled_from(["any", "rising", "all"]))
    numbers = data.draw(st.lists(st.integers(0, among - 1), max_size=500))
    if kind == "rising":
        numbers = sorted(set(numbers))
    rows = np.arange(among) if kind == "all" else np.array(numbers, np.int64)
    code, content = pack(rows, among)
    back = Rows(code, content, len(rows), among)
    assert back.numbers.tolist() == rows.tolist()
    if back.mask is not None:
        assert np.flatnonzero(back.mask.to_numpy(zero_copy_only=False)).tolist() == rows.tolist()
    try:
        wrong = Rows(code, content[:-1], len(rows), among).numbers
    except InvalidError:
        return
    assert len(wrong) == len(rows)
    assert all(0 <= number < among for number in wrong)


COLUMNS = {
    "i": st.one_of(st.none(), st.integers(-3, 3)),
    "f": st.sampled_from([0.0, -0.0, 1.5, float("nan"), None]),
    "s": st.sampled_from(["", "a", "ü", None]),
    "b": st.sampled_from([True, False, None]),
}


@st.composite
def tables(draw: st.DrawFn) -> list[pl.DataFrame]:
    """A table, and others that were made from it one after the other."""
    count = draw(st.integers(1, 30))
    types = {"i": pl.Int64, "f": pl.Float64, "s": pl.String, "b": pl.Boolean}
    values = {name: draw(st.lists(kind, min_size=count, max_size=count)) for name, kind in COLUMNS.items()}
    frames = [pl.DataFrame(values, schema=types).with_columns(id=pl.int_range(count))]
    for _ in range(draw(st.integers(1, 5))):
        frame = frames[-1]
        what = draw(st.sampled_from(["filter", "sort", "draw", "cell", "column", "append", "drop"]))
        rows = st.integers(0, max(frame.height - 1, 0))
        if what == "filter":
            frame = frame[sorted(draw(st.sets(rows, min_size=1)))]
        elif what == "sort":
            frame = frame.sort(
                draw(st.sampled_from(frame.columns)), maintain_order=True, descending=draw(st.booleans())
            )
        elif what == "draw":
            frame = frame[draw(st.lists(rows, min_size=1, max_size=40))]
        elif what == "cell" and "s" in frame.columns:
            at = draw(rows)
            frame = frame.with_columns(
                s=pl.when(pl.int_range(pl.len()) == at).then(pl.lit(draw(COLUMNS["s"]), pl.String)).otherwise("s")
            )
        elif what == "column":
            frame = frame.with_columns(pl.int_range(pl.len()).alias(draw(st.sampled_from(["n", "i"]))))
        elif what == "append":
            frame = pl.concat([frame, frame[draw(rows) :]])
        elif what == "drop" and frame.width > 2:
            frame = frame.drop(draw(st.sampled_from(frame.columns)))
        frames.append(frame)
    return frames


@given(tables())
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_chain_of_small_edits_comes_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, frames: list[pl.DataFrame]
) -> None:
    # Small tables are not worth a recipe otherwise; here all that can be one becomes one.
    for name, value in {"_FEWEST_ROWS": 1, "_GAIN": 1e9, "_NEW": 1.0, "_AMENDED": 1.0}.items():
        monkeypatch.setattr(deriving, name, value)
    with Workspace.init(tmp_path_factory.mktemp("chain")) as workspace:
        saved = [workspace.data.save(frame, "table") for frame in frames]
        for version, frame in zip(saved, frames, strict=True):
            back = workspace.data.load(version.ref, as_="arrow")
            assert identity.of_table(back) == version.digest == identity.of_table(frame.to_arrow())


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_table_is_written_to_a_file_part_by_part(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(stored, "_ROWS_AT_ONCE", 7_000)
    frame = trips()
    workspace.data.save(frame, "trips")
    workspace.data.save(frame.dropna(), "clean")
    for name, wanted in (("trips", frame), ("clean", frame.dropna())):
        for where, part in ((None, wanted), ("delay > 100", wanted[wanted.delay > 100])):
            path = workspace.data.load(name, where=where, to=tmp_path / f"{name}{where}.{ending}".replace(" ", ""))
            if ending == "parquet":
                # An index that only counts is not kept when rows are left out.
                counted = part.reset_index(drop=True) if name == "trips" else part
                pd.testing.assert_frame_equal(pd.read_parquet(path), counted)
            else:
                assert len(pd.read_csv(path)) == len(part)
    empty = workspace.data.load("trips", where="month > 12", to=tmp_path / f"empty.{ending}")
    assert list((pd.read_parquet if ending == "parquet" else pd.read_csv)(empty).columns)[:2] == ["month", "flight"]
