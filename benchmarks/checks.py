"""Checks, drift and profiles against their peers: seconds and bytes, each beside its peer, in one run.

``python benchmarks/checks.py`` prints every row, with ``profile`` after it those rows alone; ``--scale 0.1`` takes
tables of a tenth, ``--without-peers`` leaves out those that have an environment of their own. What is timed runs by
turns with its peer; each file was read once before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import _checks_data
import _checks_drift
import _checks_profile
import _checks_report
from _bench import Bench, print_table

if TYPE_CHECKING:
    from _bounds import Row

ROWS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "data": _checks_data.data,
    "drift": _checks_drift.drift,
    "profile": _checks_profile.profile,
    "report": _checks_report.report,
}
PEERS = ("duckdb", "evidently")


def main(words: Sequence[str]) -> int:
    """Print the table, and give 0 when every target is met."""
    return print_table(words, __doc__, ROWS, PEERS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
