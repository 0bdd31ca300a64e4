"""What the capture of cells adds to a cell, in one IPython shell, by turns: without it, with it, and in an active run.

A cell is one of three: nothing at all, ten lines, and a hundred lines. The last rows are what comes at the end of a
run that had executed a hundred cells, when their names are read and hidden state is looked for: that is not the hook's.
Bound: the hook takes less than 1 ms of each cell.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from nbmlops.jupyter.capture import CellCapture
from nbmlops.tracking.capture import log
from nbmlops.workspace import Workspace

ROUNDS, AT_ONCE, BOUND = 20, 20, 0.001
CELLS = {
    "an empty cell": "pass",
    "ten lines": "\n".join(f"a{line} = {line} + 1" for line in range(10)),
    "a hundred lines": "\n".join(f"a{line} = {line} + 1" for line in range(100)),
}


def seconds(shell: Any, source: str) -> list[float]:
    """Run some cells and give the seconds that each took."""
    taken = []
    for number in range(AT_ONCE):
        began = time.perf_counter()
        shell.run_cell(source, store_history=False, cell_id=f"cell-{number}")
        taken.append(time.perf_counter() - began)
    return taken


def taken_by(shell: Any, workspace: Workspace, name: str) -> tuple[float, float, float]:
    """Seconds that one kind of cell takes: bare, captured, and captured in an active run."""
    capture, source = CellCapture(shell), CELLS[name]
    taken: dict[str, list[float]] = {"bare": [], "captured": [], "in a run": []}
    for _ in range(ROUNDS):
        taken["bare"] += seconds(shell, source)
        capture.add()
        taken["captured"] += seconds(shell, source)
        with workspace.run("benchmark"):
            taken["in a run"] += seconds(shell, source)
        capture.remove()
    bare, captured, active = (statistics.median(each) for each in taken.values())
    return bare, captured, active


def row(shell: Any, workspace: Workspace, name: str) -> bool:
    """Measure one kind of cell, print the row, and say whether the bound was kept."""
    bare, captured, active = taken_by(shell, workspace, name)
    print(
        f"{name:<17}{1e6 * bare:7.0f} us bare   +{1e6 * (captured - bare):4.0f} us captured   "
        f"+{1e6 * (active - bare):4.0f} us in an active run"
    )
    return max(captured, active) - bare < BOUND


def ending(shell: Any, workspace: Workspace, folder: Path) -> None:
    """Print what the end of a run costs that has executed a hundred cells of ten lines, and of one after it."""
    sources = [f"b{number} = a1\n" + CELLS["ten lines"].replace("a", f"c{number}_") for number in range(100)]
    stored = [
        {"id": f"end-{number}", "cell_type": "code", "source": source, "metadata": {}, "outputs": []}
        for number, source in enumerate(sources)
    ]
    (folder / "notebook.ipynb").write_text(json.dumps({"cells": stored, "metadata": {}, "nbformat": 4}))
    capture = CellCapture(shell)
    capture.add()
    for what in ("a hundred cells that are new", "the same cells again", "no cell"):
        run = workspace.run.start("benchmark", notebook="notebook.ipynb")
        for number, source in enumerate(sources if "cells" in what else []):
            shell.run_cell(source, store_history=False, cell_id=f"end-{number}")
        cells, began = log.since(run.record.started_at), time.perf_counter()
        workspace.run.end(run.id, "finished", cells=cells)
        print(f"the end of a run of {what:<30}{1000 * (time.perf_counter() - began):6.1f} ms")
    capture.remove()


def main() -> int:
    """Print the table, and give 0 when the bound is kept."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["IPYTHONDIR"] = name
        from IPython.core.interactiveshell import InteractiveShell

        shell: Any = InteractiveShell.instance(colors="nocolor")
        folder = Path(name) / "project"
        with Workspace.init(folder) as workspace:
            kept = [row(shell, workspace, cell) for cell in CELLS]
            ending(shell, workspace, folder)
        shell.history_manager.end_session()
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
