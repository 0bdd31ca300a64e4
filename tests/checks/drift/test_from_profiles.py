"""Drift told from profiles alone: as from the rows where every value is counted, calibrated where bins are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from nbmlops.checks.drift.comparing import compare_profiles, compare_tables
from nbmlops.checks.frames import table_of
from nbmlops.core.errors import InvalidError
from nbmlops.profiling.profiler import profile_parts
from nbmlops.profiling.records import Profile
from nbmlops.workspace import Workspace

DRAWS = int(os.environ.get("NBMLOPS_SOAK_DRIFT", "400"))
# Of so many draws at one in a hundred, this many false alarms are passed in less than one of a thousand runs.
MOST = 0.01 + 3.2 * (0.01 * 0.99 / DRAWS) ** 0.5


def profiled(**columns: Any) -> Profile:
    return profile_parts([pa.table(columns)])


def table(rows: int, seed: int, shift: float = 0.0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "number": rng.normal(5 + shift, size=rows),
        "whole": rng.poisson(3 + shift, rows),
        "level": rng.choice(["a", "b", "c"], rows, p=[0.5 - shift / 4, 0.3, 0.2 + shift / 4]),
        "flag": rng.random(rows) < 0.3 + shift / 4,
        "holes": np.where(rng.random(rows) < 0.1 + shift / 4, np.nan, 1.0),
    }


def test_where_each_value_is_counted_the_verdict_is_that_of_the_rows() -> None:
    before, after = table(900, 1), table(300, 2, 0.3)
    names = list(before)
    of_rows = compare_tables(table_of(pa.table(before)), table_of(pa.table(after)), names)
    of_profiles = compare_profiles(profiled(**before), profiled(**after), names)
    assert len(of_rows) == len(of_profiles)
    assert [one.status for one in of_profiles] == [one.status for one in of_rows]
    for one, other in zip(of_rows, of_profiles, strict=True):
        assert (other.check, other.column) == (one.check, one.column)
        # The rows are put into cells of quantiles, the profile has a cell for each value.
        assert other.number == pytest.approx(one.number, abs=0.02)


def test_profiles_of_parts_tell_what_that_of_the_whole_tells() -> None:
    before, after = table(20_000, 3), table(20_000, 4, 0.2)
    parts = [profiled(**{name: values[start::10] for name, values in after.items()}) for start in range(10)]
    merged, whole = Profile.merged(parts), profiled(**after)
    names = list(before)
    found, expected = (compare_profiles(profiled(**before), one, names) for one in (merged, whole))
    assert [(one.column, one.status, one.figure) for one in found] == [
        (one.column, one.status, one.figure) for one in expected
    ]


@pytest.mark.parametrize("rows", [50, 5_000])
def test_nothing_is_called_drift_more_often_than_from_rows(rows: int) -> None:
    reference = profiled(number=np.random.default_rng(0).normal(5, size=20_000))
    alarms = 0
    for seed in range(DRAWS):
        # Drawn anew on both sides now and then, or one odd reference would decide.
        if seed % 20 == 0:
            reference = profiled(number=np.random.default_rng(seed + 10**6).lognormal(size=20_000))
        current = profiled(number=np.random.default_rng(seed).lognormal(size=rows))
        (outcome,) = compare_profiles(reference, current, ["number"])
        alarms += outcome.status != "passed"
    assert alarms / DRAWS <= MOST


def test_what_moves_within_an_interval_is_not_seen_and_what_leaves_it_is() -> None:
    rng = np.random.default_rng(0)
    reference, still, moved = (profiled(n=rng.normal(mean, 0.1, 5_000)) for mean in (1_030, 1_031, 1_200))
    assert compare_profiles(reference, still, ["n"])[0].status == "passed"
    assert compare_profiles(reference, moved, ["n"])[0].status == "failed"


def test_texts_that_are_not_all_counted_are_compared_by_those_that_come_often() -> None:
    rng = np.random.default_rng(0)

    def texts(share: float) -> Profile:
        rare = [f"id {number}" for number in rng.integers(0, 10**6, 4_000)]
        return profiled(t=[*["often"] * int(4_000 * share), *rare])

    assert compare_profiles(texts(1), texts(1), ["t"])[0].status == "passed"
    assert compare_profiles(texts(1), texts(2), ["t"])[0].status == "failed"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path) as made:
        for seed, shift in ((1, 0.0), (2, 0.8)):
            made.data.save(pd.DataFrame(table(3_000, seed, shift)), "flights")
        yield made


def test_versions_are_compared_by_the_profiles_that_are_kept_with_them(workspace: Workspace) -> None:
    report = workspace.check.drift("flights", profiles=True)
    assert report.suite == "drift from flights@v1, by profiles"
    assert report.judged[0].startswith("data:")
    assert {one.column for one in report.failures} >= {"number", "whole"}
    assert any(one.evidence for one in report.failures)
    ours, theirs = (workspace.data.profile(f"flights@v{number}") for number in (1, 2))
    assert workspace.check.drift(theirs, ours).status == report.status
    assert workspace.check.drift(theirs, theirs).status == "passed"


def test_what_profiles_cannot_do_is_said(workspace: Workspace) -> None:
    with pytest.raises(InvalidError, match="looks at rows, and profiles have none"):
        workspace.check.drift("flights", profiles=True, like="evidently")
    with pytest.raises(InvalidError, match="neither table has a column 'nmber'"):
        workspace.check.drift("flights", profiles=True, columns=["nmber"])
    lists = profiled(x=[[1], [2]])
    assert workspace.check.drift(lists, lists).outcomes[0].status == "errored"
