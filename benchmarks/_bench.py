"""Where a benchmark of data versions works, and what it tells of a store."""

from __future__ import annotations

import argparse
import functools
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import _flights
import _peers
from _bounds import MEGABYTE, Row, print_rows

from nbmlops import Workspace


class Bench:
    """A temporary folder, how large what is measured in it is, 1 for the targets' size, how often, and beside whom."""

    def __init__(self, folder: Path, scale: float, rounds: int, *, peers: bool) -> None:
        self.folder = folder
        self.scale = scale
        self.rounds = rounds
        self.peers = peers
        self._made = 0

    def fresh(self) -> Path:
        """An empty folder."""
        self._made += 1
        folder = self.folder / f"{self._made:03}"
        folder.mkdir()
        return folder

    def years(self, count: int) -> int:
        """How many years of flights, scaled."""
        return max(1, round(count * self.scale))

    @functools.cached_property
    def csv(self) -> Path:
        """1.1 GB of CSV."""
        path = self.folder / "flights.csv"
        _flights.write_csv(path, int(1_100 * MEGABYTE * self.scale))
        return path


def describe(workspace: Workspace, size: int) -> None:
    """Print what a store holds, so that the figures can be checked."""
    found = workspace.store.verify(full=True)
    assert found.ok, found.damages
    for version in workspace.data.list():
        print(f"    {version.ref} {version.digest} {version.size:,} bytes, {version.new_bytes:,} new")
    print(f"    {found.objects:,} objects, {found.chunks:,} chunks, {found.bytes:,} bytes in packs for {size:,}")


def print_table(
    words: Sequence[str], about: str | None, rows: Mapping[str, Callable[[Bench], Iterator[Row]]], names: Sequence[str]
) -> int:
    """Run the rows that a command line asks for, beside the peers of these names; 0 when every target is met."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("rows", nargs="*", choices=[*rows, []], metavar="ROW", help=", ".join(rows))
    parser.add_argument("--scale", type=float, default=1.0, help="share of the sizes that the targets are for")
    parser.add_argument("--rounds", type=int, default=3, help="how often what is timed is run")
    parser.add_argument("--without-peers", action="store_true", help=f"leave out {', '.join(names)}")
    asked = parser.parse_args(words)
    if names and not asked.without_peers:
        _peers.installed(*names)
        print(_peers.versions_of(*names))
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="nbmlops-bench-") as name:
        os.environ["XDG_CONFIG_HOME"] = f"{name}/config"  # the trust given here ends with the folder
        bench = Bench(Path(name), asked.scale, asked.rounds, peers=not asked.without_peers)
        for row in asked.rows or rows:
            print(f"  {row}", flush=True)
            found += rows[row](bench)
    print_rows(found)
    return 1 if any(row.met is False for row in found) else 0
