from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops import ml
from nbmlops.core import errors
from nbmlops.core.errors import NotFoundError
from nbmlops.jupyter.panels.panel import names
from nbmlops.jupyter.panels.protocol import answer
from nbmlops.workspace.current import workspace


def said(message: Any) -> dict[str, Any]:
    return answer(workspace, message)


def asked(ask: str, **params: Any) -> Any:
    came = said({"panel": "runs", "ask": ask, "params": params})
    assert "error" not in came, came
    return came["ok"]


@pytest.fixture
def gbm(project: Path) -> str:
    with ml.run("gbm", {"depth": 4}) as run:
        run.log(auc=0.8)
    return "gbm-1"


def test_what_is_asked_is_answered(gbm: str) -> None:
    (row,) = asked("start")["rows"]
    assert row[1:4] == ["gbm-1", "finished", "run"]
    assert row[-2:] == [0.8, 4]


def test_an_action_is_a_line_which_is_written_first_and_then_run(gbm: str) -> None:
    note = {"panel": "runs", "act": "note", "params": {"ref": gbm, "text": 'it "holds"'}}
    assert said({**note, "dry": True})["ok"]["line"] == '%ml run note gbm-1 "it \\"holds\\""'
    assert "note" not in ml.run.show(gbm).tags
    done = said(note)["ok"]
    assert done["good"]
    assert "gbm-1" in done["text"]
    assert "gbm-1" in done["html"]
    assert ml.run.show(gbm).tags["note"] == 'it "holds"'


def test_where_there_are_no_cells_a_line_is_one_of_the_shell(gbm: str) -> None:
    errors.speak("nbmlops")
    note = {"panel": "runs", "act": "note", "params": {"ref": gbm, "text": "it holds; why?"}, "dry": True}
    shown = said(note)["ok"]
    assert shown["line"] == "nbmlops run note gbm-1 'it holds; why?'"
    assert shown["cell"] == '%ml run note gbm-1 "it holds; why?"'
    assert (
        asked("page", columns=[], where="metrics.auc > 0.5")["line"] == "nbmlops run list --where 'metrics.auc > 0.5'"
    )


def test_an_action_that_is_refused_says_why_and_shows_its_line(project: Path) -> None:
    came = said({"panel": "runs", "act": "show", "params": {"ref": "gbm-7"}})
    assert "there is no run 'gbm-7'" in came["error"]["message"]
    assert came["error"]["hint"]
    assert came["line"] == "%ml run show gbm-7"


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (None, "a message is a mapping"),
        ([], "a message is a mapping"),
        ({}, "one of the three"),
        ({"panel": "runs"}, "one of the three"),
        ({"panel": "runs", "ask": "page", "act": "note"}, "one of the three"),
        ({"panel": "runs", "ask": 7}, "one of the three"),
        ({"panel": 7, "ask": "page"}, "the panel of a message is a name"),
        ({"panel": "rums", "ask": "page"}, "there is no panel 'rums'"),
        ({"panel": "runs", "ask": "__class__"}, "cannot be asked"),
        ({"panel": "runs", "act": "erase"}, "cannot be done"),
        ({"panel": "runs", "ask": "page", "shell": "rm"}, "a message has no 'shell'"),
        ({"panel": "runs", "ask": "page"}, "needs columns"),
        ({"panel": "runs", "ask": "page", "params": []}, "params by name"),
        ({"panel": "runs", "ask": "page", "params": {"columns": "a"}}, "columns of runs: page is to be list"),
        ({"panel": "runs", "ask": "page", "params": {"columns": [1]}}, "columns of runs: page is to be list"),
        ({"panel": "runs", "ask": "page", "params": {"columns": [], "limit": True}}, "not true or false"),
        ({"panel": "runs", "ask": "page", "params": {"columns": [], "wher": ""}}, "takes no 'wher'"),
        ({"panel": "runs", "ask": "page", "params": {"columns": [], "limit": 10**6}}, "1 to 1,000 rows"),
        ({"panel": "runs", "ask": "run", "params": {"ref": "x" * 30_000}}, "a text of 30,000 characters"),
        ({"panel": "runs", "apart": "0" * 32}, "has ended"),
    ],
)
def test_a_bad_message_is_answered_with_what_is_wrong(project: Path, message: Any, why: str) -> None:
    assert why in said(message)["error"]["message"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["panel", "ask", "act", "apart", "params", "dry", "stop", "x"])
VALUES = JSON | st.sampled_from(["runs", "data", "page", "start", "changed", "note", "list"])


@given(message=st.dictionaries(KEYS, VALUES, max_size=5))
def test_whatever_comes_is_answered_with_what_json_can_hold(message: Any) -> None:
    def nowhere() -> Any:
        raise NotFoundError("there is no workspace", hint="`ml init`")

    came = answer(nowhere, message)
    assert set(came) <= {"ok", "error", "line"}
    assert json.loads(json.dumps(came, allow_nan=False)) == came
    if "error" in came:
        assert not came["error"]["message"].startswith(("TypeError", "KeyError", "AttributeError", "ValueError"))


def test_a_condition_that_cannot_be_read_shows_the_place(gbm: str) -> None:
    error = said({"panel": "runs", "ask": "page", "params": {"columns": [], "where": "metrics.auc >"}})["error"]
    assert "^" in error["message"]


def test_what_nobody_expected_is_told_too(
    project: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests read the contracts between packages, and what does so turns off the loggers that it finds.
    monkeypatch.setattr(logging.getLogger("nbmlops.jupyter.panels.protocol"), "disabled", False)

    def broken() -> Any:
        raise RuntimeError("disk on fire")

    came = answer(broken, {"panel": "runs", "ask": "page", "params": {"columns": []}})
    assert came["error"]["message"] == "RuntimeError: disk on fire"
    assert "disk on fire" in caplog.text


def test_the_token_changes_when_somebody_writes_and_only_then(gbm: str) -> None:
    before = asked("changed")
    assert asked("changed") == before
    with ml.run("gbm"):
        during = asked("changed")
        assert during != before
    assert asked("changed") != during


def test_a_store_that_is_gone_is_told_and_found_again(gbm: str) -> None:
    catalog = workspace().catalog.path
    away = catalog.with_suffix(".away")
    catalog.rename(away)
    note = {"ref": gbm, "text": "lost"}
    messages = [{"ask": "changed"}, {"ask": "start"}, {"act": "note", "params": note}]
    for message in messages:
        assert "is gone" in said({"panel": "runs", **message})["error"]["message"]
    assert not catalog.exists(), "nothing is made in its place"
    away.rename(catalog)
    assert asked("changed")


def test_every_panel_has_a_title_and_says_what_it_shows_where_nothing_draws_it(project: Path) -> None:
    told = said({"ask": "panels"})["ok"]
    assert [each["name"] for each in told] == names()
    assert all(each["title"] for each in told)
