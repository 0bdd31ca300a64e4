"""What a full disk, a crash, a Ctrl-C or a second writer leave behind: a store as it was before."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from nbmlops.core import digests
from nbmlops.core.clock import SystemClock
from nbmlops.core.errors import UnavailableError
from nbmlops.store.catalog import Catalog
from nbmlops.store.objects import ObjectStore

if TYPE_CHECKING:
    from sqlalchemy import Connection

Noise = Callable[..., bytes]
Packs = Callable[[], list[Path]]
T = TypeVar("T")

OPEN = """
import os, sys
from nbmlops.core.clock import SystemClock
from nbmlops.store.catalog import Catalog
from nbmlops.store.objects import ObjectStore
folder = sys.argv[1]
store = ObjectStore(folder + "/objects", Catalog(f"sqlite:///{folder}/objects.db"), SystemClock())
"""


def child(tmp_path: Path, program: str) -> subprocess.Popen[str]:
    code = OPEN + textwrap.dedent(program)
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )


def temporaries(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "objects" / "packs").glob(".writing-*"))


class PowerCut(Catalog):
    """A catalog whose process dies before the transaction."""

    def transact(self, work: Callable[[Connection], T]) -> T:
        raise SystemExit("the power is gone")


def test_a_crash_before_the_index_is_written_leaves_the_store_readable(
    objects: ObjectStore, object_catalog: Catalog, packs: Packs, noise: Noise, tmp_path: Path
) -> None:
    before = objects.put(b"what was there")
    crashing = ObjectStore(str(tmp_path / "objects"), PowerCut(object_catalog.url), SystemClock())
    with pytest.raises(SystemExit):
        crashing.put(noise(300_000))
    assert len(packs()) == 2
    assert objects.read(before.digest) == b"what was there"
    assert objects.verify(full=True).ok
    assert not objects.has(digests.of_bytes(noise(300_000)))
    assert objects.put(noise(300_000)).new_bytes > 0
    assert objects.read(digests.of_bytes(noise(300_000))) == noise(300_000)
    assert objects.purge([]).freed > 0  # the pack that the index never knew
    assert len(packs()) == 2


class Interrupted(io.BytesIO):
    """A source in the middle of which a person presses Ctrl-C."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 80_000_000:
            raise KeyboardInterrupt
        return super().read(size)


def test_ctrl_c_in_the_middle_of_a_save_leaves_nothing_of_it(
    objects: ObjectStore, packs: Packs, noise: Noise, tmp_path: Path
) -> None:
    before = objects.put(b"what was there")
    with pytest.raises(KeyboardInterrupt):
        objects.put(Interrupted(noise(100_000_000)))
    assert temporaries(tmp_path) == []
    assert objects.verify(full=True).objects == 1
    assert objects.read(before.digest) == b"what was there"


def test_a_full_disk_is_said_and_leaves_no_half_file(objects: ObjectStore, packs: Packs, tmp_path: Path) -> None:
    before = objects.put(b"what was there")
    ran = child(
        tmp_path,
        """
        import resource
        from nbmlops.core.errors import UnavailableError
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        try:
            store.put(os.urandom(8_000_000))
        except UnavailableError as error:
            print(error)
        """,
    )
    said, wrong = ran.communicate()
    assert "no space is left" in said, wrong
    assert "hint: free some space" in said
    assert temporaries(tmp_path) == []
    assert len(packs()) == 1
    assert objects.read(before.digest) == b"what was there"
    assert objects.verify(full=True).objects == 1


def test_a_place_that_cannot_be_written_is_said(object_catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = ObjectStore(str(tmp_path / "file" / "objects"), object_catalog, SystemClock())
    with pytest.raises(UnavailableError, match="file"):
        store.put(b"content")


def test_what_a_killed_writer_left_is_swept_and_what_a_live_one_writes_is_not(
    objects: ObjectStore, noise: Noise, tmp_path: Path
) -> None:
    writer = child(
        tmp_path,
        """
        class Slow:
            sent = 0
            def read(self, size):
                self.sent += 1
                if self.sent < 20:
                    return os.urandom(size)
                print("half-way", flush=True)
                sys.stdin.readline()
                return b""
        print(store.put(Slow()).digest)
        """,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "half-way\n"
    objects.put(b"another writer comes along")
    objects.verify()
    assert len(temporaries(tmp_path)) == 1
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert len(temporaries(tmp_path)) == 1
    assert objects.verify(full=True).ok
    assert temporaries(tmp_path) == []


def test_two_processes_saving_the_same_content_at_once_both_succeed(objects: ObjectStore, tmp_path: Path) -> None:
    program = """
        import random
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(12):
            stored = store.put(random.Random(number).randbytes(300_000))
            assert store.read(stored.digest)
        print("done")
    """
    writers = [child(tmp_path, program) for _ in range(2)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        said, wrong = writer.communicate()
        assert said == "done\n", wrong
    answer = objects.verify(full=True)
    assert (answer.ok, answer.objects) == (True, 12)
