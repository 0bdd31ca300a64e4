"""Notebooks as steps beside papermill: seconds, each beside its peer, in one run.

``python benchmarks/pipelines.py`` prints every row, with ``outputs`` after it those rows alone; ``--scale 0.1`` takes
notebooks of a tenth of the cells. What is timed runs by turns with its peer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import _pipelines_cluster
import _pipelines_engine
import _pipelines_many
import _pipelines_warm
from _bench import Bench, print_table

if TYPE_CHECKING:
    from _bounds import Row

ROWS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "outputs": _pipelines_engine.outputs,
    "shell": _pipelines_engine.shell,
    "start": _pipelines_warm.start,
    "scheduler": _pipelines_warm.scheduler,
    "parallel": _pipelines_many.parallel,
    "cached": _pipelines_many.cached,
    "cluster": _pipelines_cluster.cluster,
}


def main(words: Sequence[str]) -> int:
    """Print the table, and give 0 when every target is met."""
    return print_table(words, __doc__, ROWS, ())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
