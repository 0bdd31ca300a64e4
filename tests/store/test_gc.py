"""gc: frees what nothing needs, tells whose it was, and never what anybody needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Connection, insert, select

from nbmlops import Workspace
from nbmlops.core.clock import SystemClock
from nbmlops.core.errors import CorruptError, InvalidError, NotFoundError
from nbmlops.data.files import members
from nbmlops.store import lineage, schema
from nbmlops.store.records import Collected
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


def noisy(folder: Path, name: str, seed: int, size: int = 400_000) -> Path:
    path = folder / name
    path.write_bytes(np.random.default_rng(seed).bytes(size))
    return path


def owners(done: Collected) -> dict[str, int]:
    return {one.owner: one.bytes for one in done.freed}


def on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / ".nbmlops" / "objects").rglob("*.pack"))


def test_nothing_that_a_version_a_run_or_a_report_refers_to_is_freed(workspace: Workspace, folder: Path) -> None:
    frame = pd.DataFrame({"a": range(5_000), "b": [f"row {n}" for n in range(5_000)]})
    workspace.data.save(frame, "t")
    workspace.data.save(frame[frame.a % 20 > 0], "t")
    (folder / "many").mkdir()
    for number in range(5):
        noisy(folder, f"many/{number}", number, 2_000)
    workspace.data.save(folder / "many", "many")
    with workspace.run("keeper") as run:
        run.artifact(b"kept by the run", "kept.txt")
    done = workspace.store.gc(grace="0")
    assert (done.freed, done.bytes, done.disk) == ((), 0, 0)
    assert workspace.store.verify(full=True).ok
    assert len(workspace.data.load("t@v1")) == 5_000
    assert len(workspace.data.load("t")) == 4_750
    assert len(list(Path(workspace.data.load("many", as_="path")).iterdir())) == 5


def test_a_deleted_version_is_freed_when_its_grace_has_passed(workspace: Workspace, folder: Path, clock: Later) -> None:
    for seed in (1, 2):
        workspace.data.save(noisy(folder, "f.bin", seed), "f")
    workspace.data.delete("f@v1")
    before = on_disk(folder)
    assert workspace.store.gc().freed == ()
    clock.ahead = timedelta(days=13)
    assert workspace.store.gc().freed == ()
    workspace.data.restore("f@v1")
    workspace.data.delete("f@v1")
    clock.ahead = timedelta(days=28)
    told = workspace.store.gc(dry_run=True)
    assert on_disk(folder) == before
    assert list(owners(told)) == ["f@v1"]
    assert owners(told)["f@v1"] > 400_000
    done = workspace.store.gc()
    assert (done.freed, done.bytes, done.disk) == (told.freed, told.bytes, told.disk)
    assert on_disk(folder) == before - done.disk
    assert workspace.store.verify(full=True).ok
    assert Path(workspace.data.load("f", as_="path")).read_bytes() == (folder / "f.bin").read_bytes()
    with pytest.raises(NotFoundError, match=r"cannot be restored: its bytes were freed on"):
        workspace.data.restore("f@v1")
    assert workspace.audit.events(1)[0].action == "store.gc"
    assert workspace.audit.events(1)[0].detail["bytes"] == done.bytes
    assert workspace.data.save(noisy(folder, "f.bin", 1), "f").number == 3  # v1 stays what it was


def test_what_two_versions_share_stays_while_one_of_them_lives(workspace: Workspace, folder: Path) -> None:
    path = noisy(folder, "f.bin", 1, 2_000_000)
    workspace.data.save(path, "f")
    path.write_bytes(path.read_bytes() + b"one line more")
    workspace.data.save(path, "f")
    workspace.data.delete("f@v1")
    done = workspace.store.gc(grace="0")
    assert 0 < done.bytes < 300_000
    assert workspace.store.verify(full=True).ok
    assert Path(workspace.data.load("f", as_="path")).read_bytes() == path.read_bytes()


def test_a_recipe_keeps_what_it_takes_rows_from(workspace: Workspace) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": np.arange(60_000), "b": rng.normal(size=60_000)})
    workspace.data.save(frame, "t")
    left = frame[rng.random(60_000) > 0.1].reset_index(drop=True)
    workspace.data.save(left, "t")
    assert workspace.versions("data").resolve("t@v2").detail["layout"] == "recipe"
    workspace.data.delete("t@v1")
    workspace.store.gc(grace="0")
    pd.testing.assert_frame_equal(workspace.data.load("t"), left)
    assert workspace.store.verify(full=True).ok


def test_the_files_of_a_folder_go_with_it_and_each_byte_is_told_once(workspace: Workspace, folder: Path) -> None:
    (folder / "many").mkdir()
    for number in range(20):
        noisy(folder, f"many/{number}", number, 30_000)
    workspace.data.save(folder / "many", "many")
    workspace.data.save(noisy(folder, "many/0", 0, 30_000), "one")
    workspace.data.save(folder / "many", "again")
    root = workspace.versions("data").resolve("many").root
    assert len(members(workspace.objects, root)) == 20
    for name in ("many", "again"):
        workspace.data.delete(name, unlock=True)
    done = workspace.store.gc(grace="0")
    assert {one.owner: one.objects for one in done.freed} == {"many@v1": 20, "again@v1": 0}
    assert owners(done)["again@v1"] == 0
    assert done.bytes == owners(done)["many@v1"] > 19 * 30_000
    assert Path(workspace.data.load("one", as_="path")).stat().st_size == 30_000


def test_what_an_interrupted_save_left_is_nobodys(workspace: Workspace, folder: Path) -> None:
    workspace.objects.put(noisy(folder, "f.bin", 1).read_bytes())
    assert workspace.store.gc().freed == ()  # it is young
    done = workspace.store.gc(grace="0")
    assert list(owners(done)) == ["an interrupted save"]
    assert done.removed == 1
    assert on_disk(folder) == 0


def test_a_version_that_the_lock_names_stays_and_it_is_said_why(workspace: Workspace, folder: Path) -> None:
    path = noisy(folder, "f.bin", 1)
    workspace.data.save(path, "f")
    locked = (folder / "nbmlops.lock").read_text()
    workspace.data.delete("f", unlock=True)
    (folder / "nbmlops.lock").write_text(locked)  # as when an old commit is checked out
    done = workspace.store.gc(grace="0")
    assert [(kept.ref, kept.why) for kept in done.kept] == [("f@v1", "nbmlops.lock names it")]
    assert done.bytes == 0
    workspace.data.restore("f")
    assert Path(workspace.data.load("f", as_="path")).read_bytes() == path.read_bytes()


def test_a_lock_from_before_an_erasure_holds_what_is_left(workspace: Workspace, folder: Path) -> None:
    workspace.data.save(pd.DataFrame({"who": ["ann", "bob", "eve"]}), "people")
    locked = (folder / "nbmlops.lock").read_text()
    (folder / "where.txt").write_text("who = 'bob'")
    workspace.data.erase("people", where_file=folder / "where.txt", yes=True)
    assert workspace.store.gc(grace="0").kept == ()
    workspace.data.delete("people", unlock=True)
    (folder / "nbmlops.lock").write_text(locked)
    done = workspace.store.gc(grace="0")
    assert [(kept.ref, kept.why) for kept in done.kept] == [("people@v1", "nbmlops.lock names it")]
    workspace.data.restore("people")
    assert list(workspace.data.load("people", locked=True).who) == ["ann", "eve"]


def test_what_pipelines_wrote_and_read_stays_and_it_is_said_why(workspace: Workspace) -> None:
    for name in ("step", "made", "read", "loose"):
        workspace.data.save(pd.DataFrame({"a": [name]}), name)
    versions = workspace.versions("data")
    step, made, read = (versions.resolve(name) for name in ("step", "made", "read"))
    for name in ("step", "made", "read", "loose"):
        workspace.data.delete(name, unlock=True)
    with workspace.run("train") as run:
        pass
    committed = {"state": "committed", "token": 1, "step_key": "k", "started_at": workspace.clock.now()}
    key = {"pipeline": "monthly", "logical_time": "t", "parameters_digest": "p", "step": "s", "generation": 0}

    def write(connection: Connection) -> None:
        connection.execute(insert(schema.ledger).values(**key, **committed, outputs={"versions": [step.id]}))
        name_id = select(schema.version.c.name_id).filter_by(id=made.id).scalar_subquery()
        connection.execute(insert(schema.run_output).values(run_id=run.id, name_id=name_id, version_id=made.id))

    workspace.catalog.transact(write)
    archive = workspace.objects.put(b"an archive").digest
    lock = {"data:read": read.digest}
    workspace.versions("pipeline").add("p", digest=archive, root=archive, size=1, new_bytes=1, detail={"lock": lock})
    done = workspace.store.gc(grace="0")
    assert {kept.ref: kept.why for kept in done.kept} == {
        "step@v1": "the pipeline monthly has it as the output of a step",
        "made@v1": "it is an output of the run train-1",
        "read@v1": "the frozen pipeline p@v1 reads it",
    }
    assert list(owners(done)) == ["loose@v1"]
    for name in ("step", "made", "read"):
        workspace.data.restore(name)
        assert list(workspace.data.load(name).a) == [name]
    with pytest.raises(NotFoundError, match="its bytes are freed"):
        workspace.data.load("loose")


def test_what_was_freed_comes_back_from_a_remote_when_it_is_asked_for(workspace: Workspace, folder: Path) -> None:
    path = noisy(folder, "f.bin", 1)
    workspace.data.save(path, "f")
    workspace.remote.add("origin", str(folder.parent / "there"))
    workspace.data.push()
    workspace.data.delete("f", unlock=True)
    assert workspace.store.gc(grace="0").bytes > 400_000
    with pytest.raises(NotFoundError, match="its bytes were freed") as refused:
        workspace.data.restore("f@v1")
    assert "pull it" in str(refused.value.hint)
    workspace.data.pull("f@v1")
    assert workspace.store.gc(grace="0").bytes == 0
    assert Path(workspace.data.load("f@v1", as_="path")).read_bytes() == path.read_bytes()


def test_a_folder_that_is_only_known_here_stops_no_gc_and_stays_whole_once_it_is_pulled(
    workspace: Workspace, folder: Path
) -> None:
    (folder / "many").mkdir()
    for number in range(4):
        noisy(folder, f"many/{number}", number, 30_000)
    workspace.data.save(folder / "many", "many")
    first = workspace.data.load("many", as_="path")
    with lineage.activate(lineage.Active()), workspace.run("made") as run:
        workspace.data.load("many", as_="path")
        run.artifact(b"x", "x.txt")
        workspace.data.save(pd.DataFrame({"a": [1, 2]}), "made")
    workspace.remote.add("origin", str(folder.parent / "there"))
    workspace.data.push()
    with Workspace.init(folder.parent / "second") as second:
        second.remote.add("origin", str(folder.parent / "there"))
        second.data.pull("made")
        assert second.objects.missing([workspace.versions("data").resolve("many").root])
        assert second.store.gc(grace="0").bytes == 0
        second.data.pull("many")
        assert second.store.gc(grace="0").bytes == 0
        loaded = Path(second.data.load("many", as_="path"))
        assert {one.name: one.read_bytes() for one in loaded.iterdir()} == {
            one.name: one.read_bytes() for one in Path(first).iterdir()
        }


def test_damage_in_what_stays_stops_the_gc_before_it_frees_anything(workspace: Workspace, folder: Path) -> None:
    workspace.data.save(noisy(folder, "f.bin", 1, 2_000_000), "f")
    workspace.data.save(noisy(folder, "g.bin", 2), "g")
    workspace.data.delete("g", unlock=True)
    root = workspace.versions("data").resolve("f").root
    _, index = workspace.objects.parts
    known = index.objects([root])[root]
    pack = folder / ".nbmlops" / "objects" / "packs" / f"{known.pack}.pack"
    content = bytearray(pack.read_bytes())
    content[known.offset + 60] ^= 1
    pack.write_bytes(content)
    before = on_disk(folder)
    with pytest.raises(CorruptError, match="its manifest is damaged"):
        workspace.store.gc(grace="0")
    assert on_disk(folder) == before
    assert workspace.data.restore("g")


def test_a_span_that_is_none_is_refused(workspace: Workspace) -> None:
    for bad in ("a fortnight", "-1d", "14", "1.5h"):
        with pytest.raises(InvalidError, match="no span of time"):
            workspace.store.gc(grace=bad)


def fill(workspace: Workspace, folder: Path, count: int = 6) -> None:
    for seed in range(count):
        workspace.data.save(noisy(folder, "f.bin", seed), "f")
        workspace.data.save(noisy(folder, "kept.bin", 100 + seed), "kept")
    for number in range(1, count):
        workspace.data.delete(f"f@v{number}")


GC = """
import sys
from nbmlops import Workspace
print(Workspace.open(sys.argv[1]).store.gc(grace="0").bytes)
"""


def test_two_gcs_at_once_and_a_saver_beside_them_do_no_harm(workspace: Workspace, folder: Path) -> None:
    fill(workspace, folder)
    command = [sys.executable, "-c", GC, str(folder)]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) for _ in range(2)]
    saved = 0
    while any(process.poll() is None for process in running):
        workspace.data.save(noisy(folder, "more.bin", 1_000 + saved, 20_000), "more")
        saved += 1
    for process in running:
        _, error = process.communicate()
        assert (process.returncode, error) == (0, "")
    assert saved > 3
    assert workspace.store.verify(full=True).ok
    assert len(workspace.data.history("more")) == saved
    for seed in range(6):
        content = Path(workspace.data.load(f"kept@v{seed + 1}", as_="path")).read_bytes()
        assert content == np.random.default_rng(100 + seed).bytes(400_000)


KILLED = """
import os, signal, sys
from nbmlops import Workspace
from nbmlops.store.index import Index
from nbmlops.store.local_folder import LocalFolder

workspace, point = Workspace.open(sys.argv[1]), sys.argv[2]

def dies_in(owner, name, after):
    real = getattr(owner, name)
    def wrapped(*args, **kwargs):
        if not after:
            os.kill(os.getpid(), signal.SIGKILL)
        real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, wrapped)

if point == "forgotten":
    dies_in(Index, "forget", True)
elif point == "copied":
    dies_in(Index, "relocate", False)
elif point == "relocated":
    dies_in(Index, "relocate", True)
else:
    dies_in(LocalFolder, "remove", True)
workspace.store.gc(grace="0")
"""


@pytest.mark.parametrize("point", ["forgotten", "copied", "relocated", "removing"])
def test_a_gc_that_is_killed_loses_nothing_and_the_next_one_finishes(
    workspace: Workspace, folder: Path, point: str
) -> None:
    first = [noisy(folder, f"{n}.bin", n, 300_000).read_bytes() for n in range(4)]
    # In one pack: three that go and one that stays, so that it has to be written anew.
    stored = workspace.objects.put_many(first)
    workspace.data.save(folder / "0.bin", "kept")
    fill(workspace, folder, 3)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), point], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (-9, "")
    assert workspace.store.verify(full=True).ok
    assert workspace.objects.read(stored[0].digest) == first[0]
    workspace.store.gc(grace="0")
    assert workspace.store.verify(full=True).ok
    assert workspace.objects.read(stored[0].digest) == first[0]
    live = {"kept": 4, "f": 1}
    assert on_disk(folder) < sum(live.values()) * 420_000
    assert workspace.store.gc(grace="0").disk == 0
    assert not list((folder / ".nbmlops" / "objects" / "packs").glob(".w*"))


def test_many_gcs_and_saves_of_the_same_content_in_threads(workspace: Workspace, folder: Path) -> None:
    contents = [np.random.default_rng(seed).bytes(150_000) for seed in range(4)]

    def save(number: int) -> str:
        return workspace.objects.put(contents[number % 4]).digest

    def collect(_: int) -> None:
        workspace.store.gc(grace="0")

    with ThreadPoolExecutor(4) as pool:
        saves = [pool.submit(save, number) for number in range(40)]
        for done in [pool.submit(collect, number) for number in range(8)]:
            done.result()
        assert len({future.result() for future in saves}) == 4
    assert workspace.store.verify(full=True).ok
