from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbmlops import ml
from nbmlops.core.errors import InvalidError, NotFoundError
from tests.commands.fakes import in_a_shell
from tests.jupyter.cells import Cells


class Sent:
    """What a widget sends to its front end."""

    def __init__(self, widget: Any) -> None:
        self.widget = widget
        self.messages: list[Any] = []
        widget.send = self.messages.append

    def receive(self, content: Any) -> Any:
        self.widget._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
        return self.messages


@pytest.fixture
def gbm(project: Path) -> str:
    with ml.run("gbm", {"depth": 4}) as run:
        run.log(auc=0.8)
    return "gbm-1"


def test_a_message_of_the_front_end_is_answered_under_its_number(gbm: str) -> None:
    (sent,) = Sent(ml.panel("runs")).receive(
        {"id": 7, "message": {"panel": "runs", "ask": "run", "params": {"ref": gbm}}}
    )
    assert sent["id"] == 7
    assert sent["answer"]["ok"]["params"] == {"depth": 4}


@pytest.mark.parametrize("content", [None, [], {}, {"id": "x"}, {"message": {}}])
def test_what_is_no_message_is_not_answered(project: Path, content: Any) -> None:
    assert Sent(ml.panel()).receive(content) == []


def test_a_panel_reads_well_where_nothing_draws_it(gbm: str) -> None:
    data, _ = ml.panel("runs")._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "gbm-1" in data["text/plain"]
    assert "<td>gbm-1</td>" in data["text/html"]


def test_an_empty_panel_says_what_to_type_where_nothing_draws_it(project: Path) -> None:
    data, _ = ml.panel("runs")._repr_mimebundle_()
    assert "%%ml run NAME" in data["text/plain"]


def test_a_picture_of_many_runs_with_long_names_is_small(project: Path) -> None:
    for number in range(120):
        with ml.run("gbm", {f"<b>{'x' * 400}": f"<script>{'y' * 5_000}", "n": number}):
            pass
    data, _ = ml.panel()._repr_mimebundle_()
    assert len(data["text/html"].encode()) < 100_000
    assert "<script>" not in data["text/html"]


def test_the_state_that_a_notebook_may_keep_holds_nothing_of_the_store(gbm: str) -> None:
    state = ml.panel("runs").get_state()
    assert gbm not in str({key: value for key, value in state.items() if key not in {"_esm", "_css"}})
    assert state["panel"] == "runs"


def test_an_unknown_panel_is_refused_with_the_nearest(project: Path) -> None:
    with pytest.raises(NotFoundError) as error:
        ml.panel("rums")
    assert error.value.hint == "did you mean runs?"


def test_the_line_draws_it_too(cells: Cells) -> None:
    assert cells.value("%ml panel runs").panel == "runs"
    assert cells.value("p = %ml panel") is None
    assert cells.names["p"].panel == ""


def test_a_shell_says_that_it_has_no_cell(project: Path) -> None:
    from nbmlops.commands.answer import answer

    with pytest.raises(InvalidError, match="a shell has none"):
        answer(["panel", "runs"], in_a_shell())


def test_without_anywidget_the_picture_stands_alone(gbm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "nbmlops.jupyter.panels.widget", raising=False)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    shown = ml.panel("runs")
    assert "pip install anywidget" in repr(shown)
    assert "gbm-1" in shown._repr_html_()
