"""Versions between workspaces by a remote, wherever it lies, also behind a network that fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbmlops.core.errors import NotFoundError, UnavailableError
from nbmlops.workspace import Workspace
from tests.contracts.fault_proxy import FaultProxy, Faults


def frame(seed: int, rows: int = 20_000) -> pd.DataFrame:
    return pd.DataFrame({"id": range(rows), "x": np.random.default_rng(seed).normal(size=rows)})


def test_versions_come_with_their_lineage_from_anywhere(place: str, tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "ann") as ann, Workspace.init(tmp_path / "ben") as ben:
        ann.data.save(frame(0), "raw")
        with ann.run("clean", params={"seed": 1}):
            ann.data.save(ann.data.load("raw").head(9), "clean")
        ann.data.push("clean", to=place)
        pulled = ben.data.pull("clean", from_=place)
        assert [one.here for one in pulled.versions] == ["clean@v1"]
        assert ben.run.list()[0].inputs == ("raw@v1",)
        pd.testing.assert_frame_equal(ben.data.load("clean"), frame(0).head(9))
        with pytest.raises(NotFoundError, match="its bytes are not"):
            ben.data.load("raw")
        ann.data.push(to=place)
        ben.data.pull(from_=place)
        pd.testing.assert_frame_equal(ben.data.load("raw"), frame(0))
        assert ben.store.verify(full=True).ok


def test_a_push_that_breaks_off_shows_nothing_half_done_and_goes_on(
    bucket: str, proxy: FaultProxy, tmp_path: Path
) -> None:
    place = f"{bucket}/prefix"
    with Workspace.init(tmp_path / "ann") as ann, Workspace.init(tmp_path / "ben") as ben:
        for seed in range(3):
            ann.data.save(frame(seed), f"table_{seed}")
        for passing in (3, 6):
            proxy.counts.clear()
            proxy.faults = Faults(errors=1.0, after=passing)
            with pytest.raises(UnavailableError, match="do it again"):
                ann.data.push(to=place)
            proxy.faults = Faults()
            with pytest.raises(NotFoundError):
                ben.data.pull(from_=place)
        proxy.faults = Faults()
        assert len(ann.data.push(to=place).versions) == 3
        ben.data.pull(from_=place)
        for seed in range(3):
            pd.testing.assert_frame_equal(ben.data.load(f"table_{seed}"), frame(seed))


def test_two_processes_push_the_same_and_other_things_to_one_bucket(bucket: str, tmp_path: Path) -> None:
    place = f"{bucket}/prefix"
    script = (
        "import sys; from nbmlops.workspace import Workspace; Workspace.open(sys.argv[1]).data.push(to=sys.argv[2])"
    )
    writers = []
    for number in range(2):
        folder = tmp_path / f"writer_{number}"
        with Workspace.init(folder) as workspace:
            for seed in (0, number + 1):
                workspace.data.save(frame(seed), f"table_{seed}")
        writers.append(subprocess.Popen([sys.executable, "-c", script, str(folder), place], stderr=subprocess.PIPE))
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert writer.returncode == 0, errors
    with Workspace.init(tmp_path / "reader") as reader:
        reader.data.pull(from_=place)
        for seed in range(3):
            pd.testing.assert_frame_equal(reader.data.load(f"table_{seed}"), frame(seed))
        assert reader.store.verify(full=True).ok


def test_many_versions_are_listed_once_and_only_what_is_asked_for_is_read(
    bucket: str, proxy: FaultProxy, tmp_path: Path
) -> None:
    place = f"{bucket}/prefix"
    with Workspace.init(tmp_path / "ann") as ann, Workspace.init(tmp_path / "ben") as ben:
        for seed in range(30):
            ann.data.save(frame(seed, 10), "flights")
        ann.data.push(to=place)
        ben.data.pull(from_=place)
        proxy.counts.clear()
        ben.data.pull(from_=place)
        assert proxy.counts["passed"] < 9
        proxy.counts.clear()
        ben.data.pull("flights@v3", from_=place)
        assert proxy.counts["passed"] < 13
