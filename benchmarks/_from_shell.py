"""A large file and a folder of small files, saved from the shell beside ``dvc add``."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import _flights
import _peers
from _bench import Bench, describe
from _bounds import MEGABYTE, Row, by_turns, bytes_below, run, times_faster, warm

from nbmlops import Workspace

NBMLOPS = (sys.executable, "-m", "nbmlops")


def csv(bench: Bench) -> Iterator[Row]:
    """A large CSV file, saved the first time and again unchanged, from the shell."""
    yield from _by_shell(bench, bench.csv, f"{bench.csv.stat().st_size / MEGABYTE:,.0f} MB CSV", (2, 4))


def small_files(bench: Bench) -> Iterator[Row]:
    """A folder of small files, from the shell."""
    count = max(20, int(2_000 * bench.scale))
    folder = bench.fresh() / "files"
    _flights.write_small_files(folder, count)
    yield from _by_shell(bench, folder, f"folder of {count:,} small files", (3, 3))


def _by_shell(bench: Bench, source: Path, what: str, limits: tuple[float, float]) -> Iterator[Row]:
    size = bytes_below(source) if source.is_dir() else source.stat().st_size
    last: dict[str, Path] = {}

    def project(kind: str) -> Path:
        shutil.rmtree(last.pop(kind, ""), ignore_errors=True)
        last[kind] = folder = bench.fresh()
        if kind == "dvc":
            _peers.dvc_init(folder)
        else:
            run([*NBMLOPS, "init"], folder)
        if source.is_dir():
            shutil.copytree(source, folder / source.name)
        else:
            shutil.copyfile(source, folder / source.name)
        warm(folder / source.name)
        return folder

    def theirs(folder: Path) -> Callable[[], object]:
        return lambda: _peers.dvc_add(folder, source.name)

    def ours(folder: Path) -> Callable[[], object]:
        return lambda: run([*NBMLOPS, "data", "save", source.name], folder)

    first = {"nbmlops": lambda: ours(project("nbmlops")), "dvc": lambda: theirs(project("dvc"))}
    again = {"nbmlops": lambda: ours(last["nbmlops"]), "dvc": lambda: theirs(last["dvc"])}
    who = ["dvc", "nbmlops"] if bench.peers else ["nbmlops"]
    *add, save = by_turns(bench.rounds, *(first[one] for one in who))
    yield times_faster(f"{what}, first save", ("dvc add", *add), save, limits[0])
    stored = bytes_below(last["nbmlops"] / ".nbmlops" / "objects")
    cached = _peers.dvc_bytes(last["dvc"]) if bench.peers else size  # a copy is what DVC keeps
    share = f"{stored / cached:.0%}"
    yield Row("  bytes on disk", f"{cached:,}", f"{stored:,}", share, "smaller", stored < cached)
    *add, save = by_turns(2 * bench.rounds, *(again[one] for one in who))
    yield times_faster("  the same, unchanged", ("dvc add", *add), save, limits[1])
    with Workspace.open(last["nbmlops"]) as workspace:
        describe(workspace, size)
    for folder in last.values():
        shutil.rmtree(folder)
