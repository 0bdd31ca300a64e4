"""Several steps: notebooks that do not wait for one another, and steps that nothing has changed for."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import papermill
from _bounds import Row, Times, by_turns, times_faster
from _pipelines_engine import write

from nbmlops import Workspace

if TYPE_CHECKING:
    from _bench import Bench

__all__ = ["cached", "parallel"]

_NOTEBOOKS, _FASTER = 8, 1.8
_WORK = "total = 0\nfor number in range({count}):\n    total += number * number % 7"
_STEPS, _SECONDS = 1_000, 2.0


def parallel(bench: Bench) -> Iterator[Row]:
    """Notebooks that compute for some seconds each: one after the other, and as the steps of a pipeline."""
    logging.getLogger("papermill").setLevel(logging.ERROR)
    root = bench.fresh()
    source = _WORK.format(count=int(30_000_000 * bench.scale))
    notebooks = [write(root / f"{at}.ipynb", [f"# {at}\n{source}"]) for at in range(_NOTEBOOKS)]
    (root / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\neight = ["?.ipynb"]\n')

    def theirs() -> None:
        for path in notebooks:
            papermill.execute_notebook(path, root / "out.ipynb", progress_bar=False)

    with Workspace.init(root) as workspace:

        def ours() -> Callable[[], object]:
            return lambda: workspace.pipeline.run("eight", cache=False)

        peer, own = by_turns(bench.rounds, lambda: theirs, ours)
    what = f"{_NOTEBOOKS} independent notebooks that compute, {os.cpu_count()} cores"
    yield times_faster(what, ("papermill, one after the other", peer), own, _FASTER)


def cached(bench: Bench) -> Iterator[Row]:
    """A run of many steps whose results have all committed: their code differs in comments, which do not count."""
    root, count = bench.fresh(), max(10, round(_STEPS * bench.scale))
    (root / "steps").mkdir()
    for at in range(count):
        write(root / "steps" / f"s{at:04}.ipynb", [f"x = 1  # the step {at}"])
    (root / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\nmany = ["steps/*.ipynb"]\n')
    with Workspace.init(root) as workspace:
        workspace.pipeline.run("many")
        done = []

        def ours() -> Callable[[], object]:
            return lambda: done.append(workspace.pipeline.run("many"))

        (own,) = by_turns(bench.rounds, ours)
    assert all(step.status == "skipped" for each in done for step in each.steps)
    yield _within(f"{count:,} cached steps resolved", own, _SECONDS)


def _within(what: str, own: Times, limit: float) -> Row:
    return Row(what, "", str(own), "", f"at most {limit:g} s", own.median <= limit)
