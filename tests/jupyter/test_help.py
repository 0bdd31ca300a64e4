from __future__ import annotations

from typing import Any

import pytest

import nbmlops
from nbmlops.jupyter.help import Help, help_on
from tests.jupyter.cells import Cells


@pytest.mark.parametrize("line", ["%ml data save?", "%ml data save flights -m first?", "  %ml data save??"])
def test_a_question_mark_behind_a_line_of_ours_gives_the_help_of_its_verb(cells: Cells, line: str) -> None:
    assert cells.run(line).printed == cells.run("%ml data save --help").printed
    assert "Usage: %ml data save" in cells.run(line).printed


def test_a_question_mark_behind_a_noun_gives_its_verbs(cells: Cells) -> None:
    assert cells.run("%ml data?").printed == cells.run("%ml data --help").printed


def test_a_question_mark_inside_a_line_and_behind_python_is_left_as_it_is(cells: Cells) -> None:
    cells.run('%ml data list\nquestion = "%ml data save?"')
    assert cells.names["question"] == "%ml data save?"


@pytest.mark.parametrize(
    ("line", "usage"),
    [
        ("%ml data save flights", "%ml data save"),
        ("v = %ml data save flights", "%ml data save"),
        ("%%ml run gbm", "%ml run start"),
        ("%ml data", "%ml data"),
        ("%ml", "%ml"),
        ("%ml nonsense", "%ml"),
        ("%ml lint x.ipynb", "%ml lint"),
    ],
)
def test_a_line_of_ours_has_the_help_of_what_it_does(line: str, usage: str) -> None:
    told = help_on(line)
    assert told is not None
    assert told.startswith(f"Usage: {usage} [OPTIONS]")


@pytest.mark.parametrize("line", ["x = 5 % ml", "ml.data.save(x)", "%mlflow", "", "# %ml data save"])
def test_other_lines_have_no_help_of_ours(line: str) -> None:
    assert help_on(line) is None


class Kernel:
    """A kernel that says what it was asked."""

    def do_inspect(self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: tuple[str, ...] = ()) -> Any:
        return code, cursor_pos, detail_level, omit_sections


def test_a_kernel_inspects_lines_of_ours_by_us_and_all_others_itself(
    cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel: Any = Kernel()
    monkeypatch.setattr(cells.shell, "kernel", kernel, raising=False)
    face = Help(cells.shell)
    face.add()
    code = "x = 1\n%ml data load flights\nlen"
    told = kernel.do_inspect(code, code.index("load"), detail_level=1)
    assert told["found"]
    assert told["data"]["text/plain"].startswith("Usage: %ml data load")
    assert kernel.do_inspect(code, len(code), 1, omit_sections=()) == (code, len(code), 1, ())
    face.remove()
    assert kernel.do_inspect(code, code.index("load")) == (code, code.index("load"), 0, ())


def test_unloading_leaves_no_transformer(cells: Cells) -> None:
    before = list(cells.shell.input_transformers_cleanup)
    nbmlops.unload_ipython_extension(cells.shell)
    assert len(cells.shell.input_transformers_cleanup) == len(before) - 1
