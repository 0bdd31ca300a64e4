"""The verb with ``joint``: what no column shows alone is found and named, and nothing is cried where nothing is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from nbmlops.checks import Outcome, Report
from nbmlops.checks.drift.joint import compare_jointly
from nbmlops.checks.drift.rows import ROWS, rows_of
from nbmlops.checks.evidence import BarsEvidence, TableEvidence
from nbmlops.checks.frames import table_of
from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.render import html, text
from nbmlops.workspace import Workspace

JOINT = ("domain classifier", "correlation shift")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def table(seed: int, rows: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    distance = generator.lognormal(size=rows)
    return pd.DataFrame(
        {
            "distance": distance,
            "minutes": distance * generator.lognormal(0, 0.3, rows),
            "city": generator.choice(["Rome", "Oslo", "Bern"], rows, p=[0.5, 0.3, 0.2]),
            "late": generator.random(rows) < 0.3,
        }
    )


def permuted(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Every column as it is by itself, and some no longer in line with the others."""
    generator = np.random.default_rng(9)
    return frame.assign(**{name: generator.permutation(frame[name].to_numpy()) for name in columns})


def judged(report: Report) -> dict[str, Outcome]:
    return {one.check: one for one in report.outcomes if one.check in JOINT}


def jointly(before: pd.DataFrame | pl.DataFrame, after: pd.DataFrame | pl.DataFrame) -> tuple[Outcome, Outcome]:
    one, other = compare_jointly(table_of(before), table_of(after), [*before.columns])
    return one, other


def test_a_column_out_of_line_with_the_others_is_found_by_both_and_by_nothing_else(workspace: Workspace) -> None:
    workspace.data.save(table(1, 2_000), "trips")
    workspace.data.save(permuted(table(2, 600), "minutes"), "trips")
    assert workspace.check.drift("trips").status == "passed"
    report = workspace.check.drift("trips", joint=True)
    assert report.suite == "drift from trips@v1, jointly"
    assert [one.check for one in report.outcomes[:2]] == [*JOINT]
    assert {one.status for one in report.outcomes[2:]} == {"passed"}
    by_model, by_pairs = judged(report).values()
    assert (by_model.status, by_pairs.status) == ("failed", "failed")
    told = by_model.detail.partition("told most by ")[2]
    assert sorted(re.findall(r"[a-z]+(?= \()", told)) == ["distance", "minutes"]
    assert by_pairs.figure.startswith("1 of ")
    assert "distance and minutes: 0.9" in by_pairs.figure
    with pytest.raises(RefusedError, match="correlation shift"):
        report.raise_if_failed()


def test_the_page_has_a_picture_of_each_and_a_table(workspace: Workspace) -> None:
    report = workspace.check.drift(permuted(table(2, 300), "minutes"), against=table(1, 300), joint=True)
    for found in judged(report).values():
        assert {type(one) for one in found.evidence} == {BarsEvidence, TableEvidence}
    shown = html(report, detail=True)
    assert "mean rank of minutes along distance" in shown
    assert "shares by how current a row looks to the model" in shown
    assert "rank correlation" in text(report, detail=True)
    assert Report.from_json(report.to_json()).outcomes == report.outcomes


def test_nothing_is_found_where_nothing_drifted_and_it_is_said_what_could_not_be_seen() -> None:
    by_model, by_pairs = jointly(table(1, 900), table(2, 300))
    assert (by_model.status, by_pairs.status) == ("passed", "passed")
    assert "is found in nine of ten cases" in by_model.detail
    assert "is found in nine of ten cases" in by_pairs.detail
    assert by_model.evidence == by_pairs.evidence == ()


def test_columns_that_move_by_themselves_are_no_change_of_how_they_hang_together() -> None:
    after = table(2, 900)
    after["distance"], after["minutes"] = after["distance"] ** 2 + 5, np.log(after["minutes"])
    by_model, by_pairs = jointly(table(1, 900), after)
    assert (by_model.status, by_pairs.status) == ("failed", "passed")


def test_what_three_columns_show_together_and_no_pair_is_found_by_the_model() -> None:
    generator = np.random.default_rng(5)
    before, after = (pd.DataFrame(generator.normal(size=(1_000, 3)), columns=[*"abc"]) for _ in range(2))
    after["c"] = np.abs(after["c"]) * np.sign(after["a"] * after["b"])
    by_model, by_pairs = jointly(before, after)
    assert (by_model.status, by_pairs.status) == ("failed", "passed")


def test_levels_that_change_partners_are_named_one_by_one() -> None:
    generator = np.random.default_rng(5)
    cities, partners = np.array(["Rome", "Oslo", "Bern"]), np.array(["IT", "NO", "CH"])
    before, after = (generator.integers(0, 3, 800) for _ in range(2))
    was = pd.DataFrame({"city": cities[before], "land": partners[before]})
    now = pd.DataFrame({"city": cities[after], "land": partners[(after + 1) % 3]})
    _, by_pairs = jointly(was, now)
    assert by_pairs.status == "failed"
    named = next(one for one in by_pairs.evidence if isinstance(one, TableEvidence)).cells
    was_and_now = {(row[0], row[1]): (row[2], row[3]) for row in named}
    assert was_and_now["city = Rome", "land = IT"] == (pytest.approx(1), pytest.approx(-0.5, abs=0.05))
    assert was_and_now["city = Rome", "land = NO"] == (pytest.approx(-0.5, abs=0.05), pytest.approx(1))


def test_a_real_change_that_is_small_warns() -> None:
    generator = np.random.default_rng(6)

    def pair(hang: float) -> pd.DataFrame:
        one = generator.normal(size=20_000)
        return pd.DataFrame({"a": one, "b": hang * one + (1 - hang**2) ** 0.5 * generator.normal(size=20_000)})

    _, by_pairs = jointly(pair(0.5), pair(0.56))
    assert (by_pairs.status, "it is there, but below 0.1" in by_pairs.detail) == ("warned", True)


def test_personal_levels_are_masked() -> None:
    before = table(1, 600).assign(owner=lambda frame: np.where(frame["late"], "ann.lee@example.org", "bo@example.org"))
    report = jointly(before, permuted(before, "owner"))
    told = repr(report)
    assert "a••.•••@•••••••.••g" in told or "b•" in told
    assert "@example" not in told


def test_what_cannot_be_compared_jointly_is_left_out_and_said() -> None:
    extra = {"day": pd.Timestamp("2026-01-01"), "same": 1, "none": np.nan, "was_text": "x", "parts": [[1]] * 300}
    before, after = table(1, 300).assign(**extra), table(2, 300).assign(**{**extra, "was_text": 1.5})
    for found in jointly(before, after):
        assert found.status == "passed"
        assert "without day, times move on" in found.detail
        assert "without same, which have one value in both" in found.detail
        assert "without none, which have no value in one of both" in found.detail
        assert "without was_text, which are of another type now" in found.detail
        assert "without parts, which hold no numbers, texts or truth values" in found.detail


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (table(1, 300)[:0], table(2, 300), "the reference has no rows"),
        (table(1, 300), table(2, 300)[:0], "the current table has no rows"),
        (table(1, 300), table(2, 8), "8 rows are too few to tell; it takes 20 in each table"),
        (table(1, 300)[["late"]].assign(late=True), table(2, 300)[["late"]].assign(late=True), "there "),
    ],
    ids=["no reference", "no rows", "few rows", "no column"],
)
def test_what_cannot_be_told_is_an_error_of_the_outcome(before: pd.DataFrame, after: pd.DataFrame, said: str) -> None:
    for found in jointly(before, after):
        assert found.status == "errored"
        assert found.detail.startswith(said)


def test_of_one_column_a_model_can_tell_and_pairs_cannot() -> None:
    by_model, by_pairs = jointly(table(1, 300)[["minutes"]], table(2, 300)[["minutes"]])
    assert by_model.status == "passed"
    assert (by_pairs.status, by_pairs.detail) == ("errored", "there are no two columns to compare")


def test_missing_values_that_come_with_another_column_are_told_by_the_model() -> None:
    def holed(seed: int, *, tied: bool) -> pd.DataFrame:
        frame, generator = table(seed, 1_000), np.random.default_rng(seed)
        gone = frame["late"] if tied else generator.random(1_000) < 0.3
        return frame.assign(distance=frame["distance"].mask(gone))

    by_model, _ = jointly(holed(1, tied=False), holed(2, tied=True))
    assert by_model.status == "failed"
    assert "told most by" in by_model.detail


def test_of_large_tables_rows_are_drawn_always_the_same_and_it_is_said() -> None:
    before, after = (table(seed, ROWS + 5_000)[["distance", "late"]] for seed in (1, 2))
    first, second = (rows_of(table_of(before), table_of(after), [*before.columns]) for _ in range(2))
    assert np.array_equal(first.before, second.before)
    assert len(first.before) == len(np.unique(first.before[:, 0])) == ROWS
    found, _ = jointly(before, after)
    assert f"on {ROWS:,} of {ROWS + 5_000:,} rows" in found.detail
    assert "learnt from 5,000 rows and 5,000" in found.detail


def test_files_and_tables_of_any_library_give_the_same(tmp_path: Path) -> None:
    before, after = table(1, 80), permuted(table(2, 60), "minutes")
    kept = [tmp_path / name for name in ("before.parquet", "after.parquet")]
    for frame, path in zip((before, after), kept, strict=True):
        frame.to_parquet(path)
    of_files = compare_jointly(table_of(kept[0]), table_of(kept[1]), [*before.columns])
    assert of_files == [*jointly(before, after)]
    assert of_files == [*jointly(pl.from_pandas(before), pl.from_pandas(after))]


def test_it_looks_at_rows_and_has_rules_of_its_own(workspace: Workspace) -> None:
    workspace.data.save(table(1, 100), "trips")
    asked: Any = {"against": "trips", "joint": True}
    with pytest.raises(InvalidError, match="joint drift looks at rows, and profiles have none"):
        workspace.check.drift("trips", **asked, profiles=True)
    with pytest.raises(InvalidError, match="evidently looks at each column alone"):
        workspace.check.drift("trips", **asked, like="evidently")
    with pytest.raises(InvalidError, match="drift takes no 'jont'") as error:
        workspace.check.drift("trips", against="trips", jont=True)
    assert error.value.hint == "did you mean joint?"


def test_what_is_looked_at_is_told_while_it_lasts(workspace: Workspace) -> None:
    signs: list[Any] = []
    workspace.check.drift(table(2, 60), against=table(1, 60), joint=True, progress=signs.append)
    assert [(one.step, one.done, one.cells) for one in signs[-2:]] == [(check, 0, 0) for check in JOINT]
    assert sorted(one.done for one in signs[:-2]) == [1, 2, 3, 4]
