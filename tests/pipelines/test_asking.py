"""What a pipeline may be asked for, before it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbmlops.pipelines.asking import FormField
from nbmlops.workspace import Workspace
from tests.pipelines.project import make, write

PARAMETERS = """\
from datetime import date
from typing import Literal
rows: int = 10
day: date = date(2013, 1, 31)
carrier: Literal["UA", "AA"] = "UA"
is_full: bool = False
columns: list[str] = ["a"]
where: str
later = rows * 2
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with make(tmp_path / "project") as made:
        write(made.marker.root / "notebooks" / "1_make.ipynb", PARAMETERS)
        write(made.marker.root / "notebooks" / "2_sum.ipynb", "rows: int = 10\nfactor: float = 1.5")
        yield made


def test_the_form_of_a_pipeline_has_a_field_for_each_parameter(workspace: Workspace) -> None:
    fields = {field.name: field for field in workspace.pipeline.form("sums")}
    assert list(fields) == ["rows", "day", "carrier", "is_full", "columns", "where", "later", "factor"]
    common = {"choices": (), "is_required": False, "is_computed": False}
    assert fields["rows"] == FormField("rows", "int", default="10", steps=("1_make", "2_sum"), **common)
    assert (fields["day"].kind, fields["day"].default) == ("date", "2013-01-31")
    assert (fields["carrier"].choices, fields["carrier"].default) == (("UA", "AA"), "UA")
    assert (fields["is_full"].choices, fields["is_full"].default) == (("True", "False"), "False")
    assert fields["columns"].default == "['a']"
    assert (fields["where"].is_required, fields["where"].default) == (True, "")
    assert (fields["later"].is_computed, fields["later"].default) == (True, "rows * 2")


def test_what_is_wrong_with_values_is_told_by_field(workspace: Workspace) -> None:
    faults = workspace.pipeline.faults("sums", {"rows": "many", "carrier": "UA", "factr": "1", "day": "2013-02-30"})
    assert set(faults) == {"rows", "factr", "day", "where"}
    assert "expects int, not 'many'" in faults["rows"].message
    assert "did you mean factor" in (faults["factr"].hint or "")
    assert "gives no default" in faults["where"].message
    assert workspace.pipeline.faults("sums", {"where": "here", "rows": "12", "is_full": "true"}) == {}


def test_what_a_default_is_typed_as_is_read_as_the_same(workspace: Workspace) -> None:
    defaults = {field.name: field.default for field in workspace.pipeline.form("sums") if not field.is_computed}
    assert workspace.pipeline.faults("sums", defaults | {"where": "here"}) == {}


def test_the_form_of_a_frozen_version_has_its_values(workspace: Workspace) -> None:
    write(workspace.marker.root / "notebooks" / "1_make.ipynb", "rows: int = 10")
    write(workspace.marker.root / "notebooks" / "2_sum.ipynb", "factor: float = 1.5")
    workspace.pipeline.promote("sums")
    write(workspace.marker.root / "notebooks" / "1_make.ipynb", "rows: int = 11")
    frozen, working = (workspace.pipeline.form(name)[0] for name in ("sums@production", "sums"))
    assert (frozen.default, working.default) == ("10", "11")


@pytest.mark.parametrize(
    ("declared", "value", "text"),
    [
        ("x: bool = True", False, "False"),
        ("x: bool = True", "false", "False"),
        ('x: Literal[1, "a"] = 1', 1, "1"),
        ("x: list[int] = []", [1, 2], "[1, 2]"),
        ("x: dict[str, int] = {}", {"a": 1}, "{'a': 1}"),
        ("x: int | None = 1", None, "None"),
        ("x: float = 1.5", 2, "2.0"),
        ("x: date = date(2013, 1, 31)", "2013-02-01", "2013-02-01"),
        ("x: list[date] = []", "['2013-02-01']", "['2013-02-01']"),
        ("x: str = ''", "a\nb", "a\nb"),
        ("x = None", '"5"', '"5"'),
        ("x: int = 1", "many", "many"),
    ],
)
def test_a_value_is_typed_as_what_is_read_as_the_same(
    workspace: Workspace, declared: str, value: object, text: str
) -> None:
    notebook = workspace.marker.root / "notebooks" / "1_make.ipynb"
    write(notebook, f"from datetime import date\nfrom typing import Literal\n{declared}")
    assert workspace.pipeline.typed("sums", {"x": value}) == {"x": text}


def test_what_no_text_says_is_not_typed(workspace: Workspace) -> None:
    write(workspace.marker.root / "notebooks" / "1_make.ipynb", 'x: str = "a"')
    assert workspace.pipeline.typed("sums", {"x": None}) == {}
