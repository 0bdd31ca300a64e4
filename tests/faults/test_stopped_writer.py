"""A writer is stopped at any point of a save, everything is collected that can be, and the writer goes on.

Either its save completes and can be loaded, or it fails cleanly; the store is whole in any case.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from nbmlops import Workspace

WRITER = """
import os, signal, sys
from pathlib import Path
from nbmlops import Workspace
from nbmlops.core.errors import ConflictError
from nbmlops.data import Data
from nbmlops.store.index import Index
from nbmlops.store.ingest import Ingest
from nbmlops.store.local_folder import LocalFolder

folder, what, point = Path(sys.argv[1]), sys.argv[2], sys.argv[3]

def stops_at(owner, name, after=False):
    real = getattr(owner, name)
    stopped = []
    def wrapped(*args, **kwargs):
        result = real(*args, **kwargs) if after else None
        if not stopped:
            stopped.append(True)
            os.kill(os.getpid(), signal.SIGSTOP)
        return result if after else real(*args, **kwargs)
    setattr(owner, name, wrapped)

if point == "before the pack is sealed":
    stops_at(Ingest, "finish")
elif point == "before the index":
    stops_at(LocalFolder, "sync", after=True)
elif point == "after the index":
    stops_at(Index, "add", after=True)
else:
    stops_at(Data, "_enter")
try:
    saved = Workspace.open(folder).data.save(folder / what, "new")
except ConflictError as error:
    print("refused", error.hint)
else:
    print("saved", saved.number)
"""

POINTS = ["before the pack is sealed", "before the index", "after the index", "before the version"]


@contextmanager
def stopped(folder: Path, what: str, point: str) -> Iterator[subprocess.Popen[str]]:
    """A writer that has stopped at a point; it is killed if the test ends while it still stands there."""
    command = [sys.executable, "-c", WRITER, str(folder), what, point]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as writer:
        try:
            _, status = os.waitpid(writer.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status), f"it never came to this point: {point}"
            yield writer
        finally:
            writer.kill()


def noise(seed: int, size: int) -> bytes:
    return np.random.default_rng(seed).bytes(size)


@pytest.fixture
def workspace(folder: Path) -> Workspace:
    return Workspace.init(folder)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("what", ["file.bin", "many"])
def test_a_save_that_was_stopped_while_all_was_collected_completes_or_fails_cleanly(
    workspace: Workspace, folder: Path, what: str, point: str
) -> None:
    # Most of what is saved lies in the store already, in a version that is deleted and goes meanwhile.
    (folder / "file.bin").write_bytes(noise(1, 3_000_000))
    (folder / "many").mkdir()
    for number in range(10):
        (folder / "many" / str(number)).write_bytes(noise(number, 60_000))
    workspace.data.save(folder / what, "old")
    if what == "many":
        (folder / "many" / "11").write_bytes(noise(11, 60_000))
    else:
        (folder / "file.bin").write_bytes(noise(1, 3_000_000) + noise(2, 100_000))
    workspace.data.delete("old", unlock=True)
    with stopped(folder, what, point) as writer:
        done = workspace.store.gc(grace="0")
        assert any(one.owner == "old@v1" for one in done.freed)
        assert workspace.store.verify(full=True).ok
        writer.send_signal(signal.SIGCONT)
        out, error = writer.communicate(timeout=60)
    assert (error, writer.returncode) == ("", 0)
    verified = workspace.store.verify(full=True)
    assert verified.ok, verified.damages
    if out.startswith("refused"):
        assert out == "refused save again\n"
        assert workspace.data.save(folder / what, "new").number == 1
    loaded = Path(workspace.data.load("new", as_="path"))
    if what == "many":
        assert {path.name: path.read_bytes() for path in loaded.iterdir()} == {
            path.name: path.read_bytes() for path in (folder / "many").iterdir()
        }
    else:
        assert loaded.read_bytes() == (folder / "file.bin").read_bytes()
    # What the stopped writer may have left goes with the next gc, and nothing of the new version does.
    workspace.store.gc(grace="0")
    assert workspace.store.verify(full=True).ok
    assert workspace.store.gc(grace="0").bytes == 0


def test_the_packs_of_a_writer_that_lives_are_left_alone_and_those_of_a_dead_one_go(
    workspace: Workspace, folder: Path
) -> None:
    (folder / "file.bin").write_bytes(noise(1, 3_000_000))
    packs = folder / ".nbmlops" / "objects" / "packs"
    with stopped(folder, "file.bin", "before the index") as writer:
        assert len(list(packs.glob("*.pack"))) == 1
        assert workspace.store.gc(grace="0").removed == 0
        assert len(list(packs.glob("*.pack"))) == 1
        writer.kill()
        writer.communicate()
    told = workspace.store.gc(dry_run=True, grace="0")
    assert [(one.owner, one.kind) for one in told.freed] == [("an interrupted save", "nobody")]
    assert workspace.store.gc(grace="0").disk == told.disk > 3_000_000
    assert list(packs.glob("*.pack")) == []
