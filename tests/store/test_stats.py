"""store stats: whose the stored bytes are, what plain copies would take, and what a gc would free."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbmlops import Workspace
from nbmlops.core.clock import SystemClock
from nbmlops.core.errors import InvalidError
from nbmlops.render import json as as_json
from nbmlops.render import text
from nbmlops.store import lineage
from nbmlops.store.records import Share, Stats
from nbmlops.workspace.layout import locate, settings_of


class Later(SystemClock):
    """A clock that a test puts forward."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.fixture
def clock() -> Later:
    return Later()


@pytest.fixture
def workspace(folder: Path, clock: Later) -> Iterator[Workspace]:
    Workspace.init(folder).close()
    with Workspace(locate(folder), settings_of(folder), clock) as opened:
        yield opened


def noise(size: int, seed: int) -> bytes:
    return np.random.default_rng(seed).bytes(size)


def saved(workspace: Workspace, folder: Path, name: str, content: bytes) -> None:
    (folder / f"{name}.bin").write_bytes(content)
    workspace.data.save(folder / f"{name}.bin", name)


def share(stats: Stats, name: str) -> Share:
    return next(one for one in stats.holders if one.name == name)


def packs(folder: Path) -> list[Path]:
    return sorted((folder / ".nbmlops" / "objects").rglob("*.pack"))


def test_an_empty_store_has_nothing_and_says_what_to_do(workspace: Workspace) -> None:
    stats = workspace.store.stats()
    assert (stats.holders, stats.packs, stats.disk, stats.held, stats.free) == ((), 0, 0, 0, 0)
    assert (stats.logical, stats.versions, stats.ratio) == (0, 0, None)
    assert "nothing is stored yet" in text(stats)


def test_versions_that_share_most_bytes_take_little_more_than_one(workspace: Workspace, folder: Path) -> None:
    content = noise(2_000_000, 1)
    for number in range(4):
        saved(workspace, folder, "f", content + bytes([number]) * 100)
    stats = workspace.store.stats()
    (one,) = stats.holders
    assert (one.kind, one.name, one.versions, one.deleted, one.elsewhere) == ("data", "f", 4, 0, 0)
    assert one.logical == 4 * 2_000_100
    assert 2_000_000 < one.stored < 2_900_000
    assert one.shared == 0
    assert one.ratio == stats.ratio == one.logical / one.stored > 2.7
    assert stats.held == one.stored <= stats.disk == sum(pack.stat().st_size for pack in packs(folder))
    assert stats.packs == len(packs(folder))
    assert stats.free == stats.recent == 0


def test_what_two_names_have_counts_once_in_the_whole_and_is_told_as_shared(workspace: Workspace, folder: Path) -> None:
    common = noise(1_000_000, 1)
    saved(workspace, folder, "a", common)
    saved(workspace, folder, "b", common + noise(300_000, 2))
    saved(workspace, folder, "c", noise(200_000, 3))
    stats = workspace.store.stats()
    a, b, c = (share(stats, name) for name in "abc")
    assert a.shared == b.shared == stats.shared > 700_000
    assert c.shared == 0
    assert b.own > 300_000
    assert stats.held == a.own + b.own + c.own + stats.shared
    assert [one.name for one in stats.holders] == ["b", "a", "c"]


def test_a_table_that_is_a_recipe_counts_as_its_share_of_its_parents_file(workspace: Workspace) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": np.arange(60_000), "b": rng.normal(size=60_000)})
    workspace.data.save(frame, "t")
    workspace.data.save(frame[rng.random(60_000) > 0.5].reset_index(drop=True), "t")
    first, second = (workspace.versions("data").resolve(f"t@v{number}") for number in (1, 2))
    assert second.detail["layout"] == "recipe"
    stats = workspace.store.stats()
    rows = second.detail["rows"] / 60_000
    with workspace.objects.open(first.root) as file:
        own = len(file.read())
    assert share(stats, "t").logical == own + round(own * rows)
    assert share(stats, "t").ratio == pytest.approx(1.5, abs=0.1)


def test_a_deleted_version_counts_within_its_grace_and_is_freed_after_it(
    workspace: Workspace, folder: Path, clock: Later
) -> None:
    for seed in (1, 2):
        saved(workspace, folder, "f", noise(400_000, seed))
    workspace.data.delete("f@v1")
    one = share(workspace.store.stats(), "f")
    assert (one.versions, one.deleted, one.logical) == (2, 1, 800_000)
    clock.ahead = timedelta(days=28)
    stats = workspace.store.stats()
    one = share(stats, "f")
    assert (one.versions, one.deleted, one.logical) == (1, 0, 400_000)
    assert stats.free == workspace.store.gc(dry_run=True).bytes > 400_000
    workspace.store.gc()
    after = workspace.store.stats()
    assert (after.free, after.held, after.holders) == (0, stats.held, stats.holders)


def test_what_nobody_refers_to_is_recent_within_the_grace_and_free_after_it(workspace: Workspace) -> None:
    workspace.objects.put(noise(600_000, 1))
    young = workspace.store.stats()
    assert (young.held, young.free, young.versions) == (0, 0, 0)
    assert young.recent > 600_000
    old = workspace.store.stats(grace="0")
    assert (old.recent, old.free) == (0, young.recent)
    assert old.free == workspace.store.gc(dry_run=True, grace="0").bytes
    with pytest.raises(InvalidError, match="no span of time"):
        workspace.store.stats(grace="soon")


def test_folders_models_artifacts_and_reports_hold_bytes_too(workspace: Workspace, folder: Path) -> None:
    from sklearn.linear_model import LinearRegression

    (folder / "many").mkdir()
    for number in range(20):
        (folder / "many" / str(number)).write_bytes(noise(30_000, number))
    workspace.data.save(folder / "many", "many")
    saved(workspace, folder, "one", noise(30_000, 0))
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0]})
    workspace.data.save(frame, "t")
    workspace.model.save(LinearRegression().fit(frame[["x"]], frame.y), "line", example=frame[["x"]])
    workspace.check.data("t", "x: nulls < 5%")
    for _ in range(2):
        with workspace.run("keeper") as run:
            run.artifact(noise(50_000, 99), "kept.bin")
    stats = workspace.store.stats()
    assert {one.kind for one in stats.holders} == {"data", "model", "artifact", "report"}
    kept = share(stats, "artifacts of runs")
    assert (kept.versions, kept.logical) == (2, 100_000)
    assert 50_000 <= kept.own < 51_000
    assert share(stats, "many").logical >= 20 * 30_000
    assert share(stats, "one").own == 0
    assert stats.versions == 4
    assert stats.free == stats.recent == 0
    assert workspace.store.gc(grace="0").bytes == 0


def test_what_is_only_tracked_takes_what_its_record_takes(workspace: Workspace, folder: Path) -> None:
    (folder / "far.bin").write_bytes(noise(500_000, 1))
    workspace.data.track(str(folder / "far.bin"), "far")
    one = share(workspace.store.stats(), "far")
    assert one.versions == 1
    assert 0 < one.logical < 2_000
    assert 0 < one.stored < 2_000


def test_a_pack_that_is_gone_is_told_and_stops_nothing(workspace: Workspace, folder: Path) -> None:
    saved(workspace, folder, "a", noise(400_000, 1))
    (first,) = packs(folder)
    saved(workspace, folder, "b", noise(300_000, 2))
    first.unlink()
    stats = workspace.store.stats()
    assert stats.missing == (first.stem,)
    assert stats.unread == 1
    assert stats.free is None
    assert share(stats, "b").stored > 300_000
    shown = text(stats)
    assert "1 pack of the store cannot be found" in shown
    assert "would be freed" not in shown


def test_a_folder_whose_listing_is_gone_is_told_and_stops_nothing(workspace: Workspace, folder: Path) -> None:
    (folder / "many").mkdir()
    for number in range(3):
        (folder / "many" / str(number)).write_bytes(noise(30_000, number))
    workspace.data.save(folder / "many", "many")
    for pack in packs(folder):
        pack.unlink()
    stats = workspace.store.stats()
    assert stats.unread == 1
    assert stats.free is None
    assert share(stats, "many").versions == 1


def test_versions_that_are_only_known_here_hold_nothing_here(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    there = str(tmp_path_factory.mktemp("there"))
    workspace.data.save(pd.DataFrame({"a": range(100)}), "first")
    with lineage.activate(lineage.Active()), workspace.run("made"):
        workspace.data.load("first")
        workspace.data.save(pd.DataFrame({"b": range(100)}), "second")
    workspace.data.push(to=there)
    with Workspace.init(tmp_path_factory.mktemp("second")) as second:
        second.data.pull("second", from_=there)
        stats = second.store.stats()
    first, pulled = share(stats, "first"), share(stats, "second")
    assert (first.versions, first.elsewhere, first.logical, first.stored) == (0, 1, 0, 0)
    assert (pulled.versions, pulled.elsewhere) == (1, 0)
    assert stats.versions == 1
    assert "1 version is known without its bytes" in text(stats)


def test_stats_are_text_html_and_json(workspace: Workspace, folder: Path) -> None:
    from nbmlops.render import html

    saved(workspace, folder, "a", noise(400_000, 1))
    saved(workspace, folder, "b", noise(100_000, 2))
    stats = workspace.store.stats()
    shown = text(stats)
    assert "2 versions" in shown
    assert "████████████" in shown
    assert "<table" in html(stats)
    written = json.loads(json.dumps(as_json(stats)))
    assert written["logical"] == 500_000
    assert [one["name"] for one in written["holders"]] == ["a", "b"]
    assert written["holders"][0]["stored"] == stats.holders[0].stored
