from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops import Workspace
from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.tracking.filtering import RunField, read_field

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path) as opened:
        yield opened


def test_names_are_found_in_order_however_many_runs_have_them(workspace: Workspace) -> None:
    for number in range(30):
        with workspace.run("gbm", {"depth": number, "a b": 1}, {"owner": "me"}) as run:
            run.log(auc=0.5, loss=1)
    fields = [
        RunField("params", "a b"),
        RunField("params", "depth"),
        RunField("metrics", "auc"),
        RunField("metrics", "loss"),
    ]
    workspace.run.reap()
    assert workspace.run.fields() == [*fields, RunField("tags", "owner")]
    assert workspace.run.fields(1) == [fields[0], fields[2], RunField("tags", "owner")]


def test_a_row_has_the_columns_that_were_asked_for_and_none_where_a_run_has_none(workspace: Workspace) -> None:
    with workspace.run("gbm", {"depth": 4, "flag": True, "text": "4"}, {"owner": "me"}) as run:
        run.log(auc=float("nan"))
    wanted = ("params.depth", "params.flag", "params.text", "params.other", "tags.owner", "metrics.auc", "status")
    (row,) = workspace.run.rows(wanted)
    assert row.values[:5] == (4, True, "4", None, "me")
    assert row.name == "gbm-1"
    assert row.seconds is not None


@pytest.mark.parametrize("limit", [0, 1_001, -1])
def test_a_page_has_a_sensible_length(workspace: Workspace, limit: int) -> None:
    with pytest.raises(InvalidError, match="1 to 1,000"):
        workspace.run.rows(limit=limit)


def test_a_page_behind_a_run_that_is_not_there_is_refused(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError):
        workspace.run.rows(after="0" * 32)


@given(group=st.sampled_from(["params", "metrics", "tags"]), name=NAMES)
def test_a_field_is_written_as_it_is_read(group: str, name: str) -> None:
    field = RunField(group, name)  # type: ignore[arg-type]
    assert read_field(str(field)) == field


@pytest.mark.parametrize("name", ["auc", "a.b", "class", "True", "NULL", "ﬁt", "a b", 'a"b', "1st", "a..b", "μ", "{x}"])
def test_names_that_are_no_names_of_python_are_written_too(name: str) -> None:
    assert read_field(str(RunField("metrics", name))) == RunField("metrics", name)
