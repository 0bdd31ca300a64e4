"""Where a benchmark of data versions works, and what it tells of a store."""

from __future__ import annotations

import functools
from pathlib import Path

import _flights
from _bounds import MEGABYTE

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
