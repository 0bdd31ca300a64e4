from __future__ import annotations

import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbmlops import ml
from nbmlops.core.errors import NotFoundError
from nbmlops.jupyter.panels import apart

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
SLOW = "import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(300)"


def ended(name: str) -> dict[str, object]:
    while (now := apart.look(name))["running"]:
        time.sleep(0.05)
    return now


def test_it_ends_with_its_code_and_what_it_printed(project: Path) -> None:
    now = ended(apart.start(project, ["data", "show", "nothing"]))
    assert now["code"] == 2
    assert "nothing" in str(now["text"])
    assert ended(apart.start(project, ["data", "list"]))["code"] == 0


def test_words_are_words_whatever_is_in_them(project: Path) -> None:
    with ml.run("gbm"):
        pass
    assert ended(apart.start(project, ["run", "note", "--", "gbm-1", "$(touch x); `y` {z}"]))["code"] == 0
    assert ml.run.show("gbm-1").tags["note"] == "$(touch x); `y` {z}"


@pytest.mark.notebook
def test_stopped_it_ends_as_by_ctrl_c_and_its_run_is_killed(project: Path) -> None:
    nbformat.write(new_notebook(cells=[new_code_cell(SLOW)], metadata=KERNEL), project / "slow.ipynb")
    (project / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\nslow = ["slow.ipynb"]\n')
    name = apart.start(project, ["pipeline", "run", "slow"])
    while apart.look(name)["running"] and not list(project.rglob("begun")):
        time.sleep(0.05)
    apart.stop(name)
    now = ended(name)
    assert now["code"] not in {0, None}
    assert "killed" in {run.status for run in ml.run.list(10)}, now["text"]


def test_one_that_this_process_has_not_started_is_not_found(project: Path) -> None:
    with pytest.raises(NotFoundError, match="has ended"):
        apart.look("nothing")
