from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from nbmlops import ml
from nbmlops.jupyter.panels.protocol import answer
from nbmlops.jupyter.panels.runs import panel
from nbmlops.tracking.ml_line import words
from nbmlops.workspace.current import workspace


def said(**message: Any) -> dict[str, Any]:
    return answer(workspace, {"panel": "runs", **message})


def asked(ask: str, **params: Any) -> Any:
    given = said(ask=ask, params=params)
    assert "error" not in given, given
    return given["ok"]


def line(act: str, **params: Any) -> str:
    return str(said(act=act, params=params, dry=True)["ok"]["line"])


def named(found: Any) -> list[str]:
    return [row[1] for row in found["rows"]]


@pytest.fixture
def three(project: Path) -> None:
    for number, auc in enumerate((0.7, 0.9, None)):
        with ml.run("gbm", {"depth": number, "learning rate": 0.1}) as run:
            for step in range(3):
                run.log(loss=1 / (step + 1), step=step)
            if auc is not None:
                run.log(auc=auc)


def test_the_first_page_has_the_columns_of_the_newest_runs(three: None) -> None:
    found = asked("start")
    assert found["columns"] == ["metrics.loss", "metrics.auc", "params.depth", 'params["learning rate"]']
    assert [(one["group"], one["name"]) for one in found["fields"]] == [
        *(("metrics", name) for name in ("auc", "loss")),
        *(("params", name) for name in ("depth", "learning rate")),
    ]
    assert found["rows"][0][7:] == [1 / 3, None, 2, 0.1]


def test_a_page_is_ordered_narrowed_and_says_its_line(three: None) -> None:
    found = asked("page", columns=[], by="-metrics.auc", where='status = "finished"')
    assert named(found) == ["gbm-2", "gbm-1", "gbm-3"]
    assert words(found["line"]) == ("%ml", *panel.lines["list"](where='status = "finished"', by="-metrics.auc"))


def test_pages_behind_the_anchors_are_the_whole_in_every_order(three: None) -> None:
    for number in range(9):
        with ml.run("other", {"depth": number % 3}):
            pass
    for by in (None, "-metrics.auc", "params.depth", "seconds", "experiment", "-started", "notebook"):
        outline = asked("outline", by=by, every=5)
        assert outline["total"] == 12
        pages = [asked("page", columns=[], by=by, limit=5, after=after) for after in (None, *outline["anchors"])]
        together = [name for page in pages for name in named(page)]
        assert together == named(asked("page", columns=[], by=by, limit=100)), by
        assert len(set(together)) == 12


def test_an_outline_of_nothing_is_empty(project: Path) -> None:
    assert asked("outline") == {"total": 0, "anchors": []}
    assert asked("start")["rows"] == []


def test_a_long_text_is_cut_in_the_table_and_whole_on_the_page(project: Path) -> None:
    with ml.run("gbm", {"text": "é" * 5_000, "list": [1, 2]}) as run:
        run.tag(owner="o" * 5_000)
    (row,) = asked("page", columns=["params.text", "params.list", "tags.owner"])["rows"]
    assert all(len(str(value)) <= 210 for value in row)
    assert row[8] == "[1, 2]"
    assert asked("run", ref="gbm-1")["params"]["text"] == "é" * 5_000


def test_a_run_is_told_with_its_curves(three: None) -> None:
    found = asked("run", ref="gbm-2")
    assert (found["name"], found["status"], found["models"]) == ("gbm-2", "finished", [])
    assert found["metrics"] == {"auc": 0.9, "loss": 1 / 3}
    assert asked("curves", ref="gbm-2", names=["loss"]) == {"loss": [[0, 1.0], [1, 0.5], [2, 1 / 3]]}


def test_models_that_a_run_registered_are_told_apart_from_its_data(project: Path) -> None:
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    with ml.run("gbm"):
        ml.data.save(pd.DataFrame({"a": [1]}), "rows")
        ml.model.save(LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0]), "line")
    found = asked("run", ref="gbm-1")
    assert found["models"] == ["line@v1"]
    assert set(found["outputs"]) == {"rows@v1", "line@v1"}
    assert said(act="promote", params={"ref": "line@v1", "message": "best so far"})["ok"]["good"]
    assert ml.model.show("line@production").number == 1


def test_runs_are_compared(three: None) -> None:
    found = asked("compare", refs=["gbm-1", "gbm-2"])
    assert found["params"] == [{"name": "depth", "values": [0, 1]}]
    assert found["curves"]["loss"][0][0] == [0, 1.0]
    assert said(ask="compare", params={"refs": ["gbm-1"]})["error"]["hint"]


def test_every_line_is_one_that_the_grammar_reads(three: None) -> None:
    assert line("note", ref="gbm-1", text="-1 is $less than {0}; 'why?'") == (
        "%ml run note -- gbm-1 \"-1 is $less than {0}; 'why?'\""
    )
    assert line("compare", refs=["gbm-1", "gbm-2"]) == "%ml run compare gbm-1 gbm-2"
    assert line("artifact", ref="gbm-1", name="two words.txt") == '%ml run artifact -o value gbm-1 "two words.txt"'
    assert line("register", name="gbm") == "%ml model save model gbm"
    assert line("reproduce", ref="gbm-1") == "%ml reproduce gbm-1"
    assert line("reproduce", ref="--strict") == "%ml reproduce -- --strict", "no option can be smuggled in"
    assert line("show", ref="gbm-1") == "%ml run show gbm-1"


def test_a_note_is_written_and_a_line_break_refused(three: None) -> None:
    assert said(act="note", params={"ref": "gbm-1", "text": "-1 is {less}"})["ok"]["good"]
    assert ml.run.show("gbm-1").tags["note"] == "-1 is {less}"
    refused = said(act="note", params={"ref": "gbm-1", "text": "two\nlines"})
    assert "no line break" in refused["error"]["message"]
    assert ml.run.show("gbm-1").tags["note"] == "-1 is {less}"


def test_a_run_is_executed_again_in_a_process_of_its_own(three: None, project: Path) -> None:
    # A module of the project is none of Python's own.
    (project / "calendar.py").write_text("raise ImportError")
    started = said(act="reproduce", params={"ref": "gbm-1"})["ok"]
    while (now := said(apart=started["apart"])["ok"])["running"]:
        time.sleep(0.05)
    assert now["code"] == 1
    assert "cannot be reproduced" in now["text"]
    assert ml.run.show("gbm-1").tags["reproduced"]
