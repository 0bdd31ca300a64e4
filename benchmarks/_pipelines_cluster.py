"""What a step costs on a Dask cluster beside its kernel: two workers of this machine, and steps that do nothing.

Of the seconds that the workers have from the start of the run to its end, those are the kernel's in which a notebook
is executed, from its first save until its process is gone. The others are counted as overhead: reading the notebooks,
the graph, claims, records, artifacts, commits, the way through Dask and the names that the run gives in the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from _bounds import Row
from _pipelines_engine import write

from nbmlops import Workspace

if TYPE_CHECKING:
    from _bench import Bench

__all__ = ["cluster"]

_WORKERS, _STEPS, _TARGET = 2, 1_000, 0.020


def cluster(bench: Bench) -> Iterator[Row]:
    """Steps of one trivial cell, on two worker processes that have opened the project before."""
    from distributed import LocalCluster

    count = max(4, round(_STEPS * bench.scale))
    root = bench.fresh()
    (root / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\nfew = ["few/*.ipynb"]\nmany = ["many/*.ipynb"]\n')
    for name, number in (("few", 2 * _WORKERS), ("many", count)):
        (root / name).mkdir()
        for step in range(number):
            write(root / name / f"{name}_{step:04}.ipynb", ["1"])
    with (
        Workspace.init(root) as workspace,
        LocalCluster(n_workers=_WORKERS, threads_per_worker=1, dashboard_address=":0") as workers,
    ):
        where = {"executor": "dask", "scheduler": workers.scheduler_address}
        workspace.pipeline.run("few", cache=False, **where)
        began = time.perf_counter()
        done = workspace.pipeline.run("many", cache=False, **where)
        wall = time.perf_counter() - began
    kernels = [step.seconds or 0.0 for step in done.steps]
    beside = (_WORKERS * wall - sum(kernels)) / count
    yield Row(
        f"{count:,} trivial steps on {_WORKERS} Dask workers, a step beside its kernel",
        f"its kernel {sum(kernels) / count * 1000:.0f} ms",
        f"{beside * 1000:.1f} ms",
        f"{wall:.0f} s in all",
        f"at most {_TARGET * 1000:.0f} ms",
        beside <= _TARGET,
    )
