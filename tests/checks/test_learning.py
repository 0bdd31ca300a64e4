"""A suite learnt from versions is tested on the one held out, and says how that went."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbmlops.checks.changes import changes, suite_outcomes
from nbmlops.checks.frames import table_of
from nbmlops.checks.infer import infer
from nbmlops.checks.service import Checks
from nbmlops.checks.suite import Suite
from nbmlops.core.errors import ConflictError, InvalidError
from nbmlops.data.service import Data


def month(number: int, rows: int = 2_000) -> pd.DataFrame:
    random = np.random.default_rng(number)
    return pd.DataFrame(
        {
            "day": pd.Timestamp(2013, number, 1) + pd.to_timedelta(np.arange(rows) * 28 // rows, unit="D"),
            "delay": np.round(random.normal(10, 4, rows)),
            "carrier": random.choice(["UA", "AA", "B6", "DL"], rows),
        }
    )


def saved(data: Data, *frames: pd.DataFrame) -> None:
    for frame in frames:
        data.save(frame, "flights")


def test_the_newest_of_three_versions_is_held_out_and_tested_on(checks: Checks, data: Data) -> None:
    saved(data, *map(month, (1, 2, 3, 4)))
    suite = checks.infer("flights", from_=3)
    assert suite.name == "flights"
    assert suite.note.startswith("learnt from flights@v2, flights@v3: seen 2,000 + 2,000 rows; flights@v4, held out,")
    (report,) = checks.list()
    assert (report.subject, report.suite, report.status) == ("flights@v4", "flights", "passed")
    assert f"passed {len(report.outcomes)} of {len(report.outcomes)} (report {report.id})" in suite.note
    assert suite == Suite.parse(str(suite), "flights")


def test_what_the_held_out_version_does_not_pass_is_noted_and_nothing_is_widened(checks: Checks, data: Data) -> None:
    late = month(3).assign(delay=lambda frame: frame["delay"] + 500)
    saved(data, month(1), month(2), late)
    suite = checks.infer("flights", from_=3)
    (delay,) = (each for each in suite.columns if each.column == "delay")
    assert "flights@v3 between failed: 2,000 of 2,000 values outside (100%)" in delay.note
    blind = infer([table_of(month(1)), table_of(month(2))])
    assert [each.checks for each in suite.columns] == [each.checks for each in blind.columns]
    assert checks.show(1).status == "failed"


def test_versions_tables_and_files_may_be_named_one_by_one(checks: Checks, data: Data, tmp_path: Path) -> None:
    saved(data, month(1))
    month(2).to_parquet(tmp_path / "two.parquet")
    suite = checks.infer("flights@v1", tmp_path / "two.parquet", month(3), name="mixed")
    assert suite.note.startswith("learnt from flights@v1, two.parquet:")
    assert checks.show(1).subject == "dataframe"


def test_a_single_version_teaches_without_a_test(checks: Checks, data: Data) -> None:
    saved(data, month(1))
    assert checks.infer("flights").note == "seen 2,000 rows"
    assert checks.list() == []


def test_the_suite_is_written_to_a_new_file_only(checks: Checks, data: Data, tmp_path: Path) -> None:
    saved(data, month(1), month(2))
    path = tmp_path / "suites" / "flights.txt"
    suite = checks.infer("flights", from_=2, to=path)
    assert path.read_text(encoding="utf-8") == f"{suite}\n"
    with pytest.raises(ConflictError, match="is there already"):
        checks.infer("flights", to=path)
    assert len(checks.list()) == 1, "nothing was judged in vain"


@pytest.mark.parametrize(
    ("values", "from_", "complaint"),
    [
        (("flights",), 3, "flights has 2 until flights@v2"),
        (("flights@v1",), 2, "flights has 1 until flights@v1"),
        (("flights", "flights@v1"), 2, "one saved version"),
        ((pd.DataFrame({"x": [1]}),), 2, "one saved version"),
        (("flights",), 1, "from 2, not 1"),
        ((), None, "nothing is given"),
    ],
)
def test_what_cannot_be_learnt_from_is_told(
    checks: Checks, data: Data, values: tuple[object, ...], from_: int | None, complaint: str
) -> None:
    saved(data, month(1), month(2))
    with pytest.raises(InvalidError, match=complaint):
        checks.infer(*values, from_=from_)


def test_tables_without_a_common_column_teach_nothing() -> None:
    with pytest.raises(InvalidError, match="no column in common"):
        infer([table_of(pd.DataFrame({"a": [1]})), table_of(pd.DataFrame({"b": [1]}))])


def test_a_column_of_some_versions_alone_is_not_asked_for() -> None:
    tables = [table_of(month(1).assign(extra=1)), table_of(month(2))]
    suite = infer(tables)
    assert {each.column for each in suite.columns} == {"day", "delay", "carrier"}
    assert "columns(at_least), warn" in str(suite)


# -- what a version would change ----------------------------------------------------------------------


def learnt(*numbers: int) -> Suite:
    return infer([table_of(month(number)) for number in numbers], "flights")


def test_a_version_that_passes_changes_nothing() -> None:
    found = changes(learnt(1, 2, 3), table_of(month(4)), learnt(2, 3, 4), "flights@v4")
    assert found.lines == ()
    assert found.after == found.before


def test_only_what_a_version_does_not_pass_is_changed_and_edits_stay() -> None:
    edited = Suite.parse('delay: number, between(-20, 40), nulls < 7%  # agreed\ncarrier: in("UA", "AA", "B6", "DL")')
    late = month(4).assign(delay=lambda frame: frame["delay"] + 500)
    found = changes(edited, table_of(late), infer([table_of(month(3)), table_of(late)]), "flights@v4")
    (line,) = found.lines
    assert line.place == "delay"
    assert line.before == "delay: number, between(-20, 40), nulls < 7%"
    assert line.after.startswith("delay: number, between(")
    assert line.after.endswith("nulls < 7%")
    assert line.why == "between: 2,000 of 2,000 values outside (100%)"
    assert found.after.columns[0].note == "agreed"
    assert {outcome.status for _, _, outcome in suite_outcomes(table_of(late), found.after)} == {"passed"}


def test_columns_that_came_and_went_get_and_lose_their_lines() -> None:
    other = month(4).rename(columns={"carrier": "airline"})
    found = changes(learnt(1, 2, 3), table_of(other), infer([table_of(other)]), "flights@v4")
    assert [(each.place, each.why) for each in found.lines] == [
        ("carrier", "the column is gone"),
        ("airline", "the column is new"),
    ]
    assert found.lines[0].after == found.lines[1].before == ""


def test_each_check_is_given_with_its_own_outcome_whatever_is_missing() -> None:
    suite = Suite.parse("table: rows between(1, 9), key(a)\na: integer, no nulls\nb: string, unique\nc: number")
    frame = pd.DataFrame({"a": [1, 2], "c": [1.5, 2.5]})
    judged = suite_outcomes(table_of(frame), suite)
    assert [(column, outcome.check) for column, _, outcome in judged] == [
        (None, "rows"),
        (None, "key"),
        ("a", "type"),
        ("a", "nulls"),
        ("b", "present"),
        ("b", "present"),
        ("c", "type"),
    ]
    empty = Suite.parse("a: integer\nc: number")
    assert [outcome.check for _, _, outcome in suite_outcomes(table_of(frame.head(0)), empty)] == ["type", "type"]
