from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.commands.answer import answer, completions
from nbmlops.commands.braces import expanded
from nbmlops.core.errors import InvalidError
from tests.commands.fakes import Asked, in_a_cell, in_a_shell

NAMES: dict[str, Any] = {"x": 0.5, "d": {"a": 2}, "p": [[1, 2], [3, 4]]}


def value_of(text: str) -> Any:
    return expanded(text, lambda expression: eval(expression, {}, NAMES))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{x}", 0.5),
        ("{ x * 2 }", 1.0),
        ('{d["a"]}', 2),
        ("{p[0][1:]}", [2]),
        ('{ {"a": 1}["a"] }', 1),
        ('{"}" + "{"}', "}{"),
        ("{(lambda a: a)(3)}", 3),
        ("{x:.3f}", "0.500"),
        ("lr-{x}-{d['a']}", "lr-0.5-2"),
        ("{{x}}", "{x}"),
        ("plain", "plain"),
        ("", ""),
        ("{[i for i in range(3)]}", [0, 1, 2]),
    ],
)
def test_braces_hold_python(text: str, value: Any) -> None:
    assert value_of(text) == value


def test_an_expression_gives_its_object_and_not_its_text() -> None:
    assert value_of("{d}") is NAMES["d"]


@pytest.mark.parametrize("text", ["{", "{}", "{x", "{1 +}", "a{b c}"])
def test_what_is_no_expression_is_an_error(text: str) -> None:
    with pytest.raises(InvalidError, match="hold no Python expression"):
        value_of(text)


@given(st.text())
def test_text_without_braces_stays_as_it_is(text: str) -> None:
    plain = text.replace("{", "").replace("}", "")
    assert value_of(plain) == plain


@given(st.text())
def test_any_text_in_a_string_literal_comes_back(text: str) -> None:
    assert value_of("{" + repr(text) + "}") == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("6", 6),
        ("-0.5", -0.5),
        ("1e-3", 0.001),
        ("true", True),
        ("False", False),
        ("None", None),
        ("null", None),
        ("[1, 2]", [1, 2]),
        ('{{"a": 1}}', '{"a": 1}'),
        ("007", "007"),
        ("gbm", "gbm"),
        ('"6"', "6"),
        ("9" * 5_000, "9" * 5_000),
        ("", ""),
        ("a=b", "a=b"),
    ],
)
def test_params_are_read_as_what_they_say(text: str, value: Any) -> None:
    workspace = Asked()
    answer(["run", "start", "gbm", "-p", f"key={text}"], in_a_cell(workspace, body="pass"))
    assert workspace.calls[0][1][1] == {"key": value}


def test_parameters_of_a_pipeline_stay_text_until_their_type_is_known() -> None:
    workspace = Asked()
    answer(["pipeline", "run", "delays", "-p", "month=02"], in_a_shell(workspace))
    assert workspace.calls[0][1] == ("delays", {"month": "02"})


class Frame:
    __module__ = "pandas.core.frame"


class Estimator:
    def fit(self) -> None: ...


VARIABLES = {
    "flights": Frame(),
    "model": Estimator(),
    "auc": 0.75,
    "_hidden": Frame(),
    "answer": answer,
    "pytest": pytest,
}


def offered(line: str, workspace: Any = None) -> list[str]:
    *words, incomplete = line.split(" ")
    return [item.value for item in completions(words, incomplete, in_a_cell(workspace, VARIABLES))]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("da", ["data"]),
        ("st", ["status", "step", "story", "store"]),
        ("data s", ["save", "show"]),
        ("data save ", ["flights"]),
        ("data save flights --m", ["--message"]),
        ("data load flights --as p", ["pandas", "polars", "path"]),
        ("model save m", ["model"]),
        ("model save model delay --example ", ["flights"]),
        ("run gbm --t", ["--tag"]),
        ("check flights --s", ["--suite", "--strict"]),
        ("log -a ", ["auc", "flights", "model"]),
    ],
)  # fmt: skip
def test_completion_offers_what_may_follow(line: str, words: list[str]) -> None:
    assert offered(line) == words


def test_completion_runs_no_expression_and_starts_no_run() -> None:
    workspace = Asked()
    offered("run start gbm -p key={1/0} --t", workspace)
    assert workspace.calls == []


@pytest.mark.parametrize("words", [["model", "save", "s3://b/m?a=hunter2"], ["check", "data", "https://h/x?a=hunter2"]])
def test_an_address_is_told_from_a_missing_file_without_being_told(words: list[str]) -> None:
    with pytest.raises(InvalidError, match=r"an address that begins with (s3|https):// cannot be used") as refused:
        answer([*words, "name"], in_a_shell(Asked()))
    assert "hunter2" not in str(refused.value)
