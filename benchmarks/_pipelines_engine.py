"""The engine beside papermill's own: cells that print much, and small notebooks from the shell.

Papermill is a dependency of this project, so it runs on the same Python and the same kernel. Its CLI and ours are
timed with the start of their processes; ours records a run, its cells and its environment as well.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import papermill
from _bounds import Row, at_most, by_turns, run, times_faster
from jupyter_client.manager import KernelManager
from papermill.engines import papermill_engines

from nbmlops import Workspace
from nbmlops.pipelines.engine import NbmlopsEngine
from nbmlops.pipelines.execution import execute
from nbmlops.pipelines.notebook import read_notebook

if TYPE_CHECKING:
    from _bench import Bench

__all__ = ["outputs", "shell", "write"]

# 250 lines of 80 bytes.
_PRINTS = "for line in range(250):\n    print(f'{line:079}')"
_BARE = 1.5
_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def write(path: Path, sources: Sequence[str], parameters: int | None = None) -> Path:
    """Write a notebook of code cells, of which one may hold its parameters; give its path."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"c{at}", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for at, source in enumerate(sources)
    ]
    if parameters is not None:
        cells[parameters]["metadata"] = {"tags": ["parameters"]}
    about = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    path.write_text(json.dumps({"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}))
    return path


def outputs(bench: Bench) -> Iterator[Row]:
    """Notebooks of cells that print 20 kB each, in this process; a valid file is on the disk at every moment."""
    papermill_engines.register("nbmlops", NbmlopsEngine)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    for count, limit in ((100, 4.0), (300, 8.0)):
        cells = max(2, round(count * bench.scale))
        folder = bench.fresh()
        source = write(folder / "in.ipynb", [_PRINTS] * cells)

        def through(engine: str | None, source: Path = source) -> Callable[[], object]:
            target = source.with_name(f"{engine}.ipynb")
            return lambda: papermill.execute_notebook(source, target, engine_name=engine, progress_bar=False)

        def alone(source: Path = source) -> Callable[[], object]:
            target = source.with_name("alone.ipynb")
            return lambda: execute(read_notebook(source), target, cwd=source.parent, env={}).raise_for_status()

        def bare(cells: int = cells) -> Callable[[], object]:
            return lambda: _heard(cells)

        works: list[Callable[[], Callable[[], object]]] = [
            lambda: through(None),
            lambda: through("nbmlops"),
            alone,
            bare,
        ]
        theirs, inside, ours, heard = by_turns(bench.rounds, *works)
        what = f"{cells} cells of 20 kB"
        yield times_faster(what, ("papermill", theirs), ours, limit)
        yield times_faster(f"{what}, papermill --engine nbmlops", ("papermill", theirs), inside, limit)
        # The limit: what the start of a kernel and its messages take by themselves.
        yield at_most(f"{what}, beside a client that keeps nothing", ("jupyter_client", heard), ours, _BARE)


def _heard(cells: int) -> None:
    """Have a kernel execute the cells, and only wait for the end of each."""
    manager = KernelManager(kernel_name=_KERNEL["name"])
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready()
        for _ in range(cells):
            client.execute_interactive(_PRINTS, output_hook=lambda _: None)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


def shell(bench: Bench) -> Iterator[Row]:
    """Small notebooks from the shell, cold."""
    for what, sources, limit in (("one trivial cell", ["1"], 0.75), ("50 trivial cells", ["x = 1"] * 50, 0.6)):
        root = bench.fresh()
        notebook = write(root / "step.ipynb", sources)
        (root / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\none = ["step.ipynb"]\n')
        Workspace.init(root).close()
        theirs = [sys.executable, "-m", "papermill", notebook.name, "out.ipynb", "--no-progress-bar"]
        ours = [sys.executable, "-m", "nbmlops", "pipeline", "run", "one", "--no-cache"]
        peer, own = by_turns(
            bench.rounds,
            lambda command=theirs, root=root: lambda: run(command, root),  # type: ignore[misc]
            lambda command=ours, root=root: lambda: run(command, root),  # type: ignore[misc]
        )
        yield at_most(f"{what}, from the shell", ("papermill's CLI", peer), own, limit)
