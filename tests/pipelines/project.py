"""A project with a pipeline of two notebooks, for the tests that run it."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nbmlops.pipelines.records import PipelineRun
from nbmlops.workspace import Workspace

__all__ = ["RAW", "TOTAL", "make", "states", "write"]

START = "import pandas as pd\nfrom nbmlops import ml"
RAW = 'raw = pd.DataFrame({"n": range(rows), "x": 1.5})\nml.data.save(raw, "raw")'
TOTAL = (
    'raw = ml.data.load("raw")\ntotal = raw.assign(y=raw.n * factor)[["y"]]\n'
    'ml.data.save(total, "total")\nml.log(total=float(total.y.sum()))'
)


def write(path: Path, parameters: str, *cells: str) -> None:
    """Write a notebook: its cell of parameters, the imports, then `cells`."""
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# A step"),
            new_code_cell(parameters, metadata={"tags": ["parameters"]}),
            *[new_code_cell(cell) for cell in (START, *cells)],
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)


def make(root: Path) -> Workspace:
    """A workspace with the pipeline ``sums``."""
    root.mkdir()
    (root / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\nsums = ["notebooks/*.ipynb"]\n')
    write(root / "notebooks" / "1_make.ipynb", "rows: int = 10", RAW)
    write(root / "notebooks" / "2_sum.ipynb", "factor: int = 2", TOTAL)
    return Workspace.init(root)


def states(done: PipelineRun) -> dict[str, str]:
    """Status of each step."""
    return {step.name: step.status for step in done.steps}
