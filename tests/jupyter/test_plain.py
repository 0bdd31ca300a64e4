"""Where there is no front end: plain IPython and ``jupyter console``, with widgets and without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"ipywidgets", "anywidget"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
"""
CELLS = """
%load_ext nbmlops
import pandas as pd
flights = pd.DataFrame({"a": [1, 2]})
%ml data save flights
%ml data list
%ml
%ml data save?
print(get_ipython().Completer.complete(line_buffer="%ml data load fl")[1])
%ml data load nothing
"""


def ipython(project: Path, *, before: str = "") -> str:
    """What IPython prints that is given the cells one by one on its standard input, as a person types them."""
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=nocolor", "--simple-prompt", "-i", "-c", before],
        input=CELLS,
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("before", ["", HIDE], ids=["with widgets", "without widgets"])
def test_plain_ipython_shows_text_completes_and_tells_errors(project: Path, before: str) -> None:
    printed = ipython(project, before=before)
    assert f"nbmlops 0.1 · workspace {project.name}" in printed
    assert "flights@v1   2 rows" in printed
    assert f"workspace {project.name}   no git   no active run   1 name of data" in printed
    assert "notebook" not in printed.partition("1 name of data")[2].partition("Usage")[0], "there is none"
    assert "Usage: %ml data save [OPTIONS] [VALUE] [NAME]" in printed
    assert "['flights']" in printed
    assert "there is no data named 'nothing'\nhint: `%ml data list`" in printed
    assert "<div" not in printed
    assert "Traceback" not in printed


def test_a_console_on_a_kernel_shows_text_and_tells_errors(project: Path) -> None:
    typed = [line for line in CELLS.splitlines() if "?" not in line and not line.startswith("print(")]
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_console", "--simple-prompt"],
        input="\n".join([*typed, "exit", ""]),
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    printed = done.stdout + done.stderr
    assert f"nbmlops 0.1 · workspace {project.name}" in printed
    assert "flights@v1   2 rows" in printed
    assert f"workspace {project.name}   no git   no active run   1 name of data" in printed
    assert "there is no data named 'nothing'\nhint: `%ml data list`" in printed
    assert "<div" not in printed
    assert "Traceback" not in printed
