from __future__ import annotations

import ast
import enum
import os
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from nbmlops.core.errors import InvalidError, NbmlopsError, RefusedError
from nbmlops.pipelines.parameters import Parameters, as_json, inject, injected

if TYPE_CHECKING:
    from nbformat import NotebookNode

EXAMPLES = int(os.environ.get("NBMLOPS_SOAK_PARAMETERS", "400"))
CELL = """\
from datetime import date
import datetime as dt
from typing import Literal, Optional
%matplotlib inline
month: int = 5  # January is 1
rate = 0.1
deep = False
title = "delays"
when: date = date(2013, 1, 1)
at: dt.datetime | None = None
mode: Literal["fast", "exact", 3] = "fast"
days: list[date] = []
weights: dict[str, float] = {"a": 1.0}
note: Optional[str] = None
anything = None
today = date.today()
source: DataRef = "flights"
champion: ModelRef | None = None
share = 1  # type: float
weekday = "mon"  # type: Literal["mon", "tue"]  # and no other day
limit = 3  # type: int how many at most
text = "# type: int"
other = 5  # type: ignore
"""


def notebook_with(source: str | None, *more: str, tag: str = "injected-parameters") -> NotebookNode:
    cells = [] if source is None else [new_code_cell(source, metadata={"tags": ["parameters"]})]
    cells += [new_code_cell(one, metadata={"tags": [tag]}) for one in more]
    return new_notebook(cells=cells)


def declared(source: str = CELL) -> Parameters:
    return Parameters.of(notebook_with(source), "step.ipynb")


def test_types_come_from_annotations_and_else_from_defaults() -> None:
    assert {one.name: str(one.kind) for one in declared().declared} == {
        "month": "int",
        "rate": "float",
        "deep": "bool",
        "title": "str",
        "when": "date",
        "at": "None | datetime",
        "mode": "Literal['fast', 'exact', 3]",
        "days": "list[date]",
        "weights": "dict[str, float]",
        "note": "None | str",
        "anything": "a literal",
        "today": "a literal",
        "source": "DataRef",
        "champion": "None | ModelRef",
        "share": "float",
        "weekday": "Literal['mon', 'tue']",
        "limit": "int",
        "text": "str",
        "other": "int",
    }


def test_defaults_are_values_except_where_the_notebook_computes_them() -> None:
    parameters = declared()
    assert parameters.defaults["when"] == date(2013, 1, 1)
    assert parameters.defaults["month"] == 5
    assert "today" not in parameters.defaults
    assert not any(one.is_required for one in parameters.declared)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("month", "2", 2),
        ("month", "-2", -2),
        ("rate", "1", 1.0),
        ("rate", "1e-3", 0.001),
        ("deep", "true", True),
        ("deep", "False", False),
        ("title", "5", "5"),
        ("when", "2013-04-01", date(2013, 4, 1)),
        ("at", "2013-04-01T06:30", datetime(2013, 4, 1, 6, 30)),
        ("at", "none", None),
        ("mode", "exact", "exact"),
        ("mode", "3", 3),
        ("days", '["2013-04-01"]', [date(2013, 4, 1)]),
        ("weights", '{"a": 2}', {"a": 2.0}),
        ("weights", "{'a': 2}", {"a": 2.0}),
        ("note", "none", None),
        ("note", "later", "later"),
        ("source", "flights@production", "flights@production"),
        ("champion", "delay@v3", "delay@v3"),
        ("champion", "none", None),
        ("share", "2", 2.0),
        ("weekday", "tue", "tue"),
        ("anything", "[1, 2]", [1, 2]),
        ("anything", "plain words", "plain words"),
    ],
)
def test_text_is_read_as_the_declared_type_and_set_by_a_literal(name: str, text: str, value: Any) -> None:
    parameters = declared()
    bound = parameters.read({name: text})
    assert bound == {name: value}
    assert type(bound[name]) is type(value)
    result = inject(notebook_with(CELL), parameters, bound)
    namespace: dict[str, Any] = {}
    for cell in result.cells:
        exec(cell.source.replace("%matplotlib inline", ""), namespace)
    assert namespace[name] == value
    assert result.metadata.papermill.parameters == as_json(bound)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("month", "two"),
        ("month", 2.5),
        ("month", True),
        pytest.param("month", 10**5000, id="month-huge"),
        ("rate", "fast"),
        ("rate", float("nan")),
        ("rate", 10**400),
        ("deep", 1),
        ("title", 5),
        ("title", None),
        ("when", "yesterday"),
        ("when", datetime(2013, 1, 1)),
        ("at", datetime(2013, 1, 1, tzinfo=UTC)),
        ("mode", "slow"),
        ("mode", 3.0),
        ("days", ["soon"]),
        ("days", "2013-04-01"),
        ("weights", {"a": "heavy"}),
        ("weights", {1: 1.0}),
        ("source", "two words"),
        ("source", "flights@v0"),
        ("source", 5),
        ("champion", "delay@"),
        ("weekday", "sun"),
        ("limit", 2.5),
        ("anything", {1, 2}),
        ("anything", object()),
    ],
)
def test_a_value_of_another_type_is_refused_with_cell_parameter_and_type(name: str, value: Any) -> None:
    with pytest.raises(InvalidError) as caught:
        declared().bind({name: value})
    kind = next(str(one.kind) for one in declared().declared if one.name == name)
    assert f"parameter {name} of step.ipynb (cell 1) expects {kind}" in caught.value.message


def test_a_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidError, match="nested too deeply"):
        declared().bind({"anything": endless})


def test_scalars_of_numpy_are_accepted_as_python_values() -> None:
    bound = declared().bind({"month": np.int64(3), "rate": np.float32(0.5), "deep": np.bool_(True)})
    assert bound == {"month": 3, "rate": 0.5, "deep": True}
    assert [type(value) for value in bound.values()] == [int, float, bool]


def test_a_fraction_for_an_integer_says_how_to_accept_it() -> None:
    with pytest.raises(InvalidError, match="month: float = 5"):
        declared().bind({"month": 2.5})


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidError, match=r"no parameter mnth(.|\n)*did you mean month,"):
        declared().read({"mnth": "2"})


def test_a_parameter_without_a_default_must_be_given() -> None:
    with pytest.raises(InvalidError, match=r"needs a value for month(.|\n)*-p month="):
        declared("month: int").bind({})
    assert declared("month: int").bind({"month": 2}) == {"month": 2}


def test_without_the_tag_nothing_can_be_set_and_the_hint_says_where_to_put_it() -> None:
    parameters = Parameters.of(notebook_with(None), "step.ipynb")
    assert parameters.bind({}) == {}
    with pytest.raises(InvalidError, match="tag the cell that assigns the defaults"):
        parameters.bind({"month": 2})


def test_two_cells_with_the_tag_are_refused() -> None:
    with pytest.raises(InvalidError, match=r"cells 1 and 2 of step\.ipynb"):
        Parameters.of(notebook_with("x = 1", "y = 2", tag="parameters"), "step.ipynb")


def test_a_parameters_cell_with_a_syntax_error_is_refused() -> None:
    with pytest.raises(InvalidError, match=r"cell 1 of step\.ipynb, tagged parameters, is not Python"):
        declared("month = = 5")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('month: int = "x"', r"parameter month of step\.ipynb \(cell 1\) is annotated int, and its default is .*'x'"),
        ("rate: float = True", r"is annotated float"),
        ("days: list[int] = ['mon']", r"is annotated list\[int\]"),
        ("note: str = None", r"(?s)is annotated str, and its default is .*write note: str \| None = None"),
    ],
)
def test_a_default_that_contradicts_its_annotation_is_refused(source: str, said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        declared(source)


@pytest.mark.parametrize("name", ["get_ipython", "In", "ml", "exit", "__name__"])
def test_a_name_that_the_kernel_needs_is_refused(name: str) -> None:
    with pytest.raises(InvalidError, match=rf"(?s)parameter {name} of step\.ipynb \(cell 1\).*another name"):
        declared(f"{name} = 5")


def test_a_reference_that_is_none_says_why() -> None:
    with pytest.raises(InvalidError, match=r"expects DataRef, not 'two words'.*has ' ' at position 4"):
        declared().bind({"source": "two words"})
    with pytest.raises(InvalidError, match="is annotated DataRef, and its default is"):
        declared("source: DataRef = 'two words'")


def test_the_annotations_are_there_for_a_notebook_to_import() -> None:
    import nbmlops

    assert (nbmlops.DataRef, nbmlops.ModelRef) == (str, str)


def test_a_whole_number_is_a_default_for_a_fraction() -> None:
    assert declared("rate: float = 1").defaults == {"rate": 1}


def test_the_injected_cell_follows_the_parameters_cell_and_replaces_an_earlier_one() -> None:
    notebook = notebook_with("month = 5", "month = 4")
    notebook.cells.append(new_code_cell("print(month)"))
    result = inject(notebook, Parameters.of(notebook, "step.ipynb"), {"month": 2})
    assert [cell.source for cell in result.cells] == ["month = 5", "# Parameters\nmonth = 2", "print(month)"]
    assert result.cells[1].metadata.tags == ["injected-parameters"]
    assert [cell.source for cell in notebook.cells][1] == "month = 4"


def test_without_values_an_earlier_injected_cell_goes_away() -> None:
    notebook = notebook_with("month = 5", "month = 4")
    result = inject(notebook, Parameters.of(notebook, "step.ipynb"), {})
    assert [cell.source for cell in result.cells] == ["month = 5"]


@pytest.mark.parametrize(
    "source",
    [
        "month = 2\nimport os",
        "month = open('/etc/passwd')",
        "month = __import__('os').getpid()",
        "month += 1",
        "month: int = 2",
        "month, rate = 1, 2",
        "month = [x for x in range(3)]",
        "month = f'{open}'",
        "month = other = 2",
        "os.month = 2",
        "mnth = 2",
        "print(1)",
        "month = = 2",
        "month = (2).real",
        "when = date(*open('x'))",
        "when = date(year=2013)",
        "when = evil(2013, 1, 1)",
        "%%bash\nrm -rf /",
        "!ls",
    ],
)
def test_a_foreign_injected_cell_that_is_more_than_literals_is_refused(source: str) -> None:
    notebook = notebook_with(CELL, source)
    with pytest.raises(RefusedError, match=r"the injected cell 2 of step\.ipynb"):
        injected(notebook, Parameters.of(notebook, "step.ipynb"))


def test_two_injected_cells_are_refused() -> None:
    notebook = notebook_with(CELL, "month = 2", "month = 3")
    with pytest.raises(RefusedError, match="not the only one"):
        injected(notebook, Parameters.of(notebook, "step.ipynb"))


def test_a_foreign_injected_cell_is_written_anew_in_the_declared_types() -> None:
    notebook = notebook_with(CELL, '# Parameters\nwhen = "2013-04-01"\nrate = 1\nPAPERMILL_INPUT_PATH = "a.ipynb"\n')
    values = injected(notebook, Parameters.of(notebook, "step.ipynb"))
    assert values == {"rate": 1.0, "when": date(2013, 4, 1), "PAPERMILL_INPUT_PATH": "a.ipynb"}
    assert notebook.cells[1].source == (
        "# Parameters\nrate = 1.0\nwhen = date(2013, 4, 1)\nPAPERMILL_INPUT_PATH = 'a.ipynb'"
    )


class Loud(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return "__import__('os').system('true')"

    __str__ = __repr__


class Number(int):
    def __repr__(self) -> str:
        return "exit()"

    __str__ = __repr__


class Choice(enum.IntEnum):
    one = 1


HOSTILE = st.one_of(
    st.sampled_from(
        ["x\nimport os", "month\n!ls", "month=1;import os", "__class__", "month #", "\uff4donth", "'", '"""', "\\"]
    ),
    st.text(),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(1, 3).map(lambda number: number * 10**4400),
    st.floats(),
    HOSTILE,
    HOSTILE.map(Loud),
    st.integers().map(Number),
    st.just(Choice.one),
    st.dates(),
    st.datetimes(),
    st.binary(),
    st.complex_numbers(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(SCALARS, inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=12,
)
DECLARED = declared()
NAMES = [one.name for one in DECLARED.declared]


def is_constant(node: ast.expr) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
            return True
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return all(map(is_constant, items))
        case ast.Dict(keys=keys, values=values):
            return all(key is not None and is_constant(key) for key in keys) and all(map(is_constant, values))
        case ast.Call(func=func, args=arguments, keywords=[]):
            # The notebook's own spelling of a date, with nothing but integers.
            integers = all(isinstance(one, ast.Constant) and type(one.value) is int for one in arguments)
            return ast.unparse(func) in {"date", "dt.datetime"} and integers
    return False


@settings(max_examples=EXAMPLES, deadline=None)
@given(values=st.dictionaries(st.sampled_from(NAMES) | HOSTILE, VALUES, max_size=3))
def test_whatever_is_given_the_injected_cell_holds_only_assignments_of_literals(values: dict[str, Any]) -> None:
    notebook = notebook_with(CELL)
    try:
        result = inject(notebook, DECLARED, values)
    except InvalidError:
        return
    assert set(values) <= set(NAMES)
    if values:
        for statement in ast.parse(result.cells[1].source).body:
            assert isinstance(statement, ast.Assign)
            (target,) = statement.targets
            assert isinstance(target, ast.Name)
            assert target.id in values
            assert is_constant(statement.value)


@settings(max_examples=EXAMPLES, deadline=None)
@given(source=HOSTILE | st.builds("{} = {}".format, st.sampled_from(NAMES) | HOSTILE, HOSTILE))
def test_whatever_a_foreign_client_injects_only_literals_pass(source: str) -> None:
    notebook = notebook_with(CELL, source)
    try:
        values = injected(notebook, DECLARED)
    except NbmlopsError:
        return
    assert set(values) <= set(NAMES)
    assert all(
        isinstance(one, ast.Assign) and is_constant(one.value) for one in ast.parse(notebook.cells[1].source).body
    )


@settings(max_examples=EXAMPLES, deadline=None)
@given(texts=st.dictionaries(st.sampled_from(NAMES), HOSTILE, min_size=1, max_size=3))
def test_whatever_text_is_given_it_is_read_or_refused(texts: dict[str, str]) -> None:
    try:
        bound = DECLARED.read(texts)
    except InvalidError:
        return
    assert DECLARED.bind(bound) == bound
