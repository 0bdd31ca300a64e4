"""Checks, drift and profiles against their peers: seconds and bytes, each beside its peer, in one run.

``python benchmarks/checks.py`` prints every row, with ``profile`` after it those rows alone; ``--scale 0.1`` takes
tables of a tenth, ``--without-peers`` leaves out those that have an environment of their own. What is timed runs by
turns with its peer; each file was read once before.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import _checks_profile
import _checks_report
import _peers
from _bench import Bench
from _bounds import Row, print_rows

ROWS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "profile": _checks_profile.profile,
    "report": _checks_report.report,
}
PEERS = ("duckdb",)


def main(words: Sequence[str]) -> int:
    """Print the table, and give 0 when every target is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--scale", type=float, default=1.0, help="share of the sizes that the targets are for")
    parser.add_argument("--rounds", type=int, default=3, help="how often what is timed is run")
    parser.add_argument("--without-peers", action="store_true", help=f"leave out {', '.join(PEERS)}")
    asked = parser.parse_args(words)
    if not asked.without_peers:
        _peers.installed(*PEERS)
        print(_peers.versions_of(*PEERS))
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="nbmlops-bench-") as name:
        os.environ["XDG_CONFIG_HOME"] = f"{name}/config"  # the trust given here ends with the folder
        bench = Bench(Path(name), asked.scale, asked.rounds, peers=not asked.without_peers)
        for row in asked.rows or ROWS:
            print(f"  {row}", flush=True)
            found += ROWS[row](bench)
    print_rows(found)
    return 1 if any(row.met is False for row in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
