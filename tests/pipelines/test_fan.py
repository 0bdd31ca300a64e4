"""Steps that run for each of some values, and what the steps after them read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError, NbmlopsError, StepFailedError
from nbmlops.core.refs import check_name
from nbmlops.pipelines.fan import Branch, branches, parse_fan, read_fan, written_fan
from nbmlops.pipelines.selection import Selection
from nbmlops.render import text
from nbmlops.workspace import Workspace
from tests.pipelines.project import make, states, write

LOAD = 'raw = pd.DataFrame({"month": month, "n": range(month)})\nml.data.save(raw, "raw")\nml.log(rows=len(raw))'
CLEAN = 'raw = ml.data.load("raw")\nassert set(raw.month) == {month}\nml.data.save(raw.assign(y=raw.n * 2), "clean")'
REPORT = (
    'clean = ml.data.load("clean")\nreport = clean.groupby("month", as_index=False).y.sum()\n'
    'ml.data.save(report, "report")\nml.log(months=len(report))'
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = make(tmp_path / "project")
    for old in (tmp_path / "project" / "notebooks").glob("*.ipynb"):
        old.unlink()
    change(workspace, "1_load", "month: int = 1", LOAD)
    change(workspace, "2_clean", "month: int = 1", CLEAN)
    change(workspace, "3_report", "", REPORT)
    return workspace


def change(workspace: Workspace, step: str, parameters: str, *cells: str) -> None:
    write(workspace.marker.root / "notebooks" / f"{step}.ipynb", parameters, *cells)


def test_what_stands_behind_for_is_read() -> None:
    assert parse_fan([("month", "1..3"), ("region", "north, south")]) == {
        "month": ["1", "2", "3"],
        "region": ["north", "south"],
    }
    assert parse_fan([("day", "2013-02-27..2013-03-01")]) == {"day": ["2013-02-27", "2013-02-28", "2013-03-01"]}
    assert parse_fan([("x", "-2..1"), ("y", range(2))]) == {"x": ["-2", "-1", "0", "1"], "y": [0, 1]}
    assert written_fan({"month": [1, 2], "day": [date(2013, 3, 1)]}) == "month=1,2 day=2013-03-01"
    assert read_fan("month=1,2 day=2013-03-01") == {"month": ["1", "2"], "day": ["2013-03-01"]}
    assert read_fan("") == {}


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([("month", 3)], "month=3 are no values to run for"),
        ([("month", "3..1")], "month=3..1 ends before it begins"),
        ([("month", "1..99999")], "are 99,999 values; at most 10,000"),
        ([("day", "2013-02-30..2013-03-01")], "names no day"),
        ([("month", "1"), ("month", "2")], "month is there twice in --for"),
    ],
)
def test_what_says_nothing_to_run_for_is_refused(pairs: list[tuple[str, object]], said: str) -> None:
    with pytest.raises(InvalidError) as raised:
        parse_fan(pairs)
    assert said in raised.value.message


PLAIN = st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.dates(), st.text(max_size=60))


@given(st.lists(PLAIN, min_size=1, max_size=6, unique_by=lambda value: (type(value), value)))
def test_each_value_gives_a_name_of_its_own_that_can_be_one(values: list[object]) -> None:
    # 1 and True, or 1.0 and "1.0", are one value to a parameter that has a type.
    values = [value for value in values if type(value) is type(values[0])]
    names = [Branch((("x", value),)).named("flights") for value in values]
    assert len(set(names)) == len(values)
    for name in names:
        assert check_name(name) == name


def test_a_step_runs_for_each_combination_of_the_values_it_has() -> None:
    fan = {"month": [1, 2], "region": ["n", "s"]}
    assert [str(branch) for branch in branches(fan, ["region", "month", "other"])] == [
        *("month=1,region=n", "month=1,region=s", "month=2,region=n", "month=2,region=s"),
    ]
    assert [str(branch) for branch in branches(fan, ["region"])] == ["region=n", "region=s"]
    assert branches(fan, ["other"]) == [Branch()]
    with pytest.raises(InvalidError, match="would run 250,000 times"):
        branches({"a": range(500), "b": range(500)}, ["a", "b"])


def test_steps_run_for_each_value_and_a_step_without_it_reads_all_rows(workspace: Workspace) -> None:
    done = workspace.pipeline.run("sums", for_={"month": range(1, 4)})
    assert states(done) == dict.fromkeys(
        [
            *(f"1_load[month={month}]" for month in (1, 2, 3)),
            *(f"2_clean[month={month}]" for month in (1, 2, 3)),
            *("join-clean", "3_report"),
        ],
        "completed",
    )
    assert workspace.data.load("report").to_dict("list") == {"month": [1, 2, 3], "y": [0, 2, 6]}
    assert workspace.data.load("clean")["month"].tolist() == [1, 2, 2, 3, 3, 3]
    assert workspace.data.load("clean.month-2")["month"].tolist() == [2, 2]
    assert [version.name for version in workspace.data.list()] == [
        *("clean", "clean.month-1", "clean.month-2", "clean.month-3"),
        *("raw.month-1", "raw.month-2", "raw.month-3", "report"),
    ]
    assert done.run.tags["for"] == "month=1,2,3"
    (run,) = workspace.run.list(parent_id=done.run.id, experiment="1_load", where="params.month = 2")
    assert run.tags["step"] == "1_load[month=2]"
    assert run.metrics == {"rows": 2}
    assert workspace.pipeline.show("sums").last == dict.fromkeys(("1_load", "2_clean", "3_report"), "completed")
    assert "clean.month-2@v1" in {node.label for node in workspace.lineage("report").nodes}
    # One value more: the others are there.
    again = workspace.pipeline.run("sums", for_={"month": ["2", "3", "4"]})
    assert [name for name, state in states(again).items() if state == "completed"] == [
        *("1_load[month=4]", "2_clean[month=4]", "join-clean", "3_report"),
    ]
    assert workspace.data.load("report")["month"].tolist() == [2, 3, 4]
    assert states(workspace.pipeline.run("sums")) == {
        "1_load": "completed",
        "2_clean": "completed",
        "3_report": "completed",
    }, "without values a name is a name"


def test_a_grid_is_joined_over_what_a_step_does_not_declare(workspace: Workspace) -> None:
    change(
        workspace,
        "1_load",
        "month: int = 1\nregion: str = 'n'",
        LOAD + '\nml.data.save(raw.assign(region=region), "raw")',
    )
    change(workspace, "2_clean", "month: int = 1", CLEAN)
    done = workspace.pipeline.run("sums", for_={"month": [2, 3], "region": ["north side", "south"]})
    assert [name for name in states(done) if name.startswith("join-raw")] == ["join-raw.month-2", "join-raw.month-3"]
    assert sum(name.startswith("1_load") for name in states(done)) == 4
    second = workspace.data.load("clean.month-2")
    assert second["region"].tolist() == ["north side"] * 2 + ["south"] * 2


def test_names_that_hold_the_value_are_left_alone(workspace: Workspace) -> None:
    change(workspace, "1_load", "month: int = 1", LOAD.replace('"raw")', 'f"raw_{month:02d}")'))
    change(workspace, "2_clean", "month: int = 1", CLEAN.replace('load("raw")', 'load(f"raw_{month:02d}")'))
    workspace.pipeline.run("sums", for_={"month": [1, 2]})
    names = [version.name for version in workspace.data.list()]
    assert names == ["clean", "clean.month-1", "clean.month-2", "raw_01", "raw_02", "report"]


def test_a_failed_run_goes_on_for_what_is_left(workspace: Workspace) -> None:
    change(workspace, "2_clean", "month: int = 1", 'if month == 2:\n    raise ValueError("not in February")', CLEAN)
    with pytest.raises(StepFailedError, match=r"2_clean\[month=2\] of sums: .*not in February"):
        workspace.pipeline.run("sums", for_={"month": [1, 2]})
    assert workspace.pipeline.show("sums").last["2_clean"] == "failed"
    change(workspace, "2_clean", "month: int = 1", CLEAN)
    done = workspace.pipeline.resume("sums-1")
    assert states(done)["1_load[month=2]"] == "skipped"
    assert states(done)["2_clean[month=2]"] == "completed"
    assert workspace.data.load("report")["month"].tolist() == [1, 2]


def test_a_part_of_the_steps_means_all_their_values(workspace: Workspace) -> None:
    workspace.pipeline.run("sums", for_={"month": [1, 2]})
    done = workspace.pipeline.run("sums", steps=["2_clean"], for_={"month": [1, 2]}, cache=False)
    assert states(done) == {"2_clean[month=1]": "completed", "2_clean[month=2]": "completed"}
    one = workspace.pipeline.run("sums", steps=["2_clean[month=2]"], for_={"month": [1, 2]}, cache=False)
    assert states(one) == {"2_clean[month=2]": "completed"}
    told = {step.step: step.will for step in workspace.pipeline.explain("sums", for_={"month": [1, 2, 3]}).steps}
    assert told["1_load[month=2]"] == "skip"
    assert told["1_load[month=3]"] == "run"
    assert told["join-clean"] == "run"


def test_settings_hold_for_each_value(workspace: Workspace) -> None:
    wanted = '%%ml step\nwhen: month != 2 and col("1_load.rows") > 0\nafter: 1_load'
    change(workspace, "2_clean", "month: int = 1", "%load_ext nbmlops", wanted, CLEAN)
    done = workspace.pipeline.run("sums", for_={"month": [1, 2, 3]})
    assert states(done)["2_clean[month=2]"] == "skipped"
    joined = next(step for step in done.steps if step.name == "join-clean")
    assert joined.notes == ("clean.month-2 was never made, and is not among its rows",)
    assert "clean.month-2 was never made" in text(done)
    assert workspace.data.load("report")["month"].tolist() == [1, 3]
    change(workspace, "3_report", "", "%load_ext nbmlops", '%%ml step\nwhen: col("2_clean.rows") > 0', REPORT)
    with pytest.raises(InvalidError, match="2_clean runs 3 times: there is more than one rows"):
        workspace.pipeline.run("sums", for_={"month": [1, 2, 3]})


@pytest.mark.parametrize(
    ("fan", "given", "said"),
    [
        ({"mont": [1]}, {}, "no step of sums has a parameter 'mont'"),
        ({"month": []}, {}, "there is no value of month to run for"),
        ({"month": ["x"]}, {}, "expects int"),
        ({"month": ["1", "01"]}, {}, "month=1 is there twice in --for"),
        ({"month": [1]}, {"month": 2}, "month has a value already"),
    ],
)
def test_values_that_cannot_be_run_for_are_said_before_anything_runs(
    workspace: Workspace, fan: dict[str, list[object]], given: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidError) as raised:
        workspace.pipeline.run("sums", given, for_=fan)
    assert said in raised.value.message
    assert workspace.run.list() == []


def test_parts_that_do_not_fit_fail_the_run_and_say_where(workspace: Workspace) -> None:
    change(
        workspace,
        "2_clean",
        "month: int = 1",
        CLEAN.replace('"clean")', '"clean") if month == 1 else ml.data.save(raw.assign(z=1), "clean")'),
    )
    with pytest.raises(NbmlopsError, match="have other columns"):
        workspace.pipeline.run("sums", for_={"month": [1, 2]})
    (run,) = workspace.run.list(experiment="sums")
    assert run.status == "failed"
    assert [version.name for version in workspace.data.list()] == [], "nothing is named before the run commits"


TRAIN = (
    "from sklearn.linear_model import LinearRegression\n"
    'raw = ml.data.load("raw")\nml.model.save(LinearRegression().fit(raw[["month"]], raw.n), "guess")'
)


def test_what_reads_a_model_of_each_value_is_refused_unless_it_is_left_out(workspace: Workspace) -> None:
    change(workspace, "2_clean", "", 'ml.data.save(pd.DataFrame({"month": [1], "y": [2]}), "clean")')
    change(workspace, "3_train", "month: int = 1", TRAIN)
    change(workspace, "4_use", "", 'model = ml.model.load("guess")')
    with pytest.raises(InvalidError) as raised:
        workspace.pipeline.run("sums", for_={"month": [2, 3]})
    assert raised.value.message.endswith("line 1 reads model guess, of which 3_train makes one for each month")
    assert raised.value.message.startswith("4_use.ipynb cell ")
    assert "such as guess.month-2@v1" in str(raised.value.hint)
    done = workspace.pipeline.run("sums", steps=Selection(until=("3_train",)), for_={"month": [2, 3]})
    assert states(done) == dict.fromkeys(
        [f"{step}[month={month}]" for step in ("1_load", "3_train") for month in (2, 3)], "completed"
    )
    assert [version.name for version in workspace.model.list()] == ["guess.month-2", "guess.month-3"]
