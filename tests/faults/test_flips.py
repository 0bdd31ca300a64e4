"""A bit that flips on the disk: each is found, and no wrong byte is ever handed out."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbmlops.core.errors import CorruptError
from nbmlops.store.packs import TRAILER_SIZE
from nbmlops.workspace import Workspace

FLIPS = int(os.environ.get("NBMLOPS_SOAK_FLIPS", "100"))


def table(rows: int) -> pd.DataFrame:
    generator = np.random.default_rng(2)
    carriers = pd.Categorical(generator.choice(["UA", "AA", "DL"], rows))
    return pd.DataFrame({"id": np.arange(rows), "delay": generator.normal(10, 30, rows), "carrier": carriers})


def fill(workspace: Workspace, sources: Path) -> dict[str, Any]:
    """Save one of each kind, a file and a table of several chunks among them; what each holds, by reference."""
    flights = table(60_000)
    late = flights[flights["delay"] > 0]
    array = np.arange(5_000, dtype="float32").reshape(50, 100)
    folder = sources / "folder"
    folder.mkdir(parents=True)
    for number in range(5):
        (folder / f"{number}.txt").write_text(f"file {number}\n" * 500)
    (sources / "note.bin").write_bytes(random.Random(1).randbytes(400_000))
    workspace.data.save(flights, "flights")
    workspace.data.save(late, "flights")
    assert workspace.versions("data").resolve("flights@v2").detail["layout"] == "recipe"
    workspace.data.save(array, "array")
    workspace.data.save(folder, "folder")
    workspace.data.save(sources / "note.bin", "note")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    note = (sources / "note.bin").read_bytes()
    return {"flights@v1": flights, "flights@v2": late, "array@v1": array, "folder@v1": files, "note@v1": note}


def content(workspace: Workspace, ref: str, place: Path) -> Any:
    if ref.startswith(("flights", "array")):
        return workspace.data.load(ref)
    path = workspace.data.load(ref, to=place / ref, overwrite=True)
    return {one.name: one.read_bytes() for one in path.iterdir()} if path.is_dir() else path.read_bytes()


def same(one: Any, other: Any) -> bool:
    if isinstance(one, pd.DataFrame):
        return bool(one.equals(other))
    return bool(np.array_equal(one, other)) if isinstance(one, np.ndarray) else bool(one == other)


@contextmanager
def flipped(path: Path, bit: int) -> Iterator[None]:
    def flip() -> None:
        with path.open("r+b") as file:
            file.seek(bit // 8)
            (byte,) = file.read(1)
            file.seek(bit // 8)
            file.write(bytes([byte ^ 1 << bit % 8]))

    flip()
    yield
    flip()


@pytest.mark.timeout(1_800)
def test_every_bit_that_flips_is_found_and_none_is_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(4)
    detected = refused = served = 0
    with Workspace.init(tmp_path / "project") as workspace:
        known = fill(workspace, tmp_path / "sources")
        packs = sorted((workspace.marker.state / "objects").rglob("*.pack"))
        for _ in range(FLIPS):
            # Every pack as often as any other, so that manifests, which are small, have their share.
            path = chance.choice(packs)
            with flipped(path, chance.randrange(8 * path.stat().st_size)):
                detected += not workspace.store.verify(full=True).ok
                outcomes = [_outcome(partial(content, workspace, ref, tmp_path), known[ref]) for ref in known]
                refused += "refused" in outcomes
                served += "wrong" in outcomes
        assert workspace.store.verify(full=True).ok
        assert all(same(known[ref], content(workspace, ref, tmp_path)) for ref in known)
    with capsys.disabled():
        print(f"\nflipped {FLIPS} bits: {detected} found, {refused} made a load refuse, {served} served")
    assert (detected, served) == (FLIPS, 0)
    assert refused


def _outcome(load: Callable[[], Any], wanted: Any) -> str:
    try:
        return "right" if same(wanted, load()) else "wrong"
    except CorruptError:
        return "refused"


def test_a_bit_in_the_end_of_a_pack_is_damage_and_no_newer_protocol(tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "project") as workspace:
        workspace.data.save(table(100), "flights")
        (path,) = (workspace.marker.state / "objects").rglob("*.pack")
        size = path.stat().st_size
        for bit in range(8 * (size - TRAILER_SIZE), 8 * size):
            with flipped(path, bit):
                assert not workspace.store.verify().ok, bit
        assert workspace.store.verify(full=True).ok
