"""The engine against papermill's own, on one notebook of 100 cells that print 20 kB each.

Both are run through ``papermill.execute_notebook`` in this process, by turns, and write the same notebook; the third
row is our runner, without papermill. Bound: at least 3 times faster than papermill's engine.
"""

from __future__ import annotations

import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import papermill
from nbformat.v4 import new_code_cell, new_notebook
from papermill.engines import papermill_engines

from nbmlops.pipelines.engine import NbmlopsEngine
from nbmlops.pipelines.execution import execute
from nbmlops.pipelines.notebook import read_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

CELLS, LINES, ROUNDS, BOUND = 100, 250, 3, 3.0


def notebook() -> NotebookNode:
    """Give a notebook whose cells print 20 kB each, as 250 lines of 80 bytes."""
    source = f"for line in range({LINES}):\n    print(f'{{line:079}}')"
    cells = [new_code_cell(source) for _ in range(CELLS)]  # type: ignore[no-untyped-call]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    found: NotebookNode = new_notebook(  # type: ignore[no-untyped-call]
        cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
    )
    return found


def seconds(work: Callable[[], object]) -> float:
    """Give the wall time of `work`."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> int:
    """Print the table; the exit code says whether the bound was kept."""
    papermill_engines.register("nbmlops", NbmlopsEngine)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in.ipynb").write_text(json.dumps(notebook()))

        def through_papermill(engine: str | None) -> None:
            papermill.execute_notebook(
                folder / "in.ipynb", folder / f"{engine}.ipynb", engine_name=engine, progress_bar=False
            )

        def alone() -> None:
            execute(read_notebook(folder / "in.ipynb"), folder / "alone.ipynb", cwd=folder, env={}).raise_for_status()

        runs: dict[str, Callable[[], None]] = {
            "papermill, its own engine": lambda: through_papermill(None),
            "papermill --engine nbmlops": lambda: through_papermill("nbmlops"),
            "nbmlops, its own runner": alone,
        }
        took: dict[str, list[float]] = {label: [] for label in runs}
        for _ in range(ROUNDS):
            for label, work in runs.items():
                took[label].append(seconds(work))
    medians = {label: statistics.median(values) for label, values in took.items()}
    slowest = medians["papermill, its own engine"]
    print(f"{CELLS} cells of 20 kB, median of {ROUNDS} runs by turns")
    for label, median in medians.items():
        print(f"{label:<28}{median:7.2f} s {slowest / median:6.1f} times as fast")
    ratio = slowest / medians["papermill --engine nbmlops"]
    print(f"bound: at least {BOUND:g} times as fast as papermill's own engine")
    return 0 if ratio >= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
