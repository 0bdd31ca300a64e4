"""``nbmlops.lock``: complete, readable, never older than what was saved."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbmlops.core.errors import CorruptError, NotFoundError, UnavailableError
from nbmlops.data.lockfile import LockFile


@pytest.fixture
def lock(tmp_path: Path) -> LockFile:
    return LockFile(tmp_path / "nbmlops.lock", tmp_path / "guard")


def test_what_is_written_is_read(lock: LockFile, tmp_path: Path) -> None:
    assert lock.read() == {}
    lock.update({"flights": "ab" * 32, "été.2013": "cd" * 32})
    lock.update({"weather": "ef" * 32})
    assert lock.read() == {"flights": "ab" * 32, "été.2013": "cd" * 32, "weather": "ef" * 32}
    lock.update({"flights": None})
    assert set(lock.read()) == {"weather", "été.2013"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["guard", "nbmlops.lock"]


def test_nothing_changed_is_nothing_written(lock: LockFile, tmp_path: Path) -> None:
    lock.update({"flights": "ab" * 32})
    before = (tmp_path / "nbmlops.lock").stat()
    lock.update({"flights": "ab" * 32})
    after = (tmp_path / "nbmlops.lock").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_name_that_is_not_there_is_told_with_the_nearest(lock: LockFile) -> None:
    lock.update({"flights": "ab" * 32})
    assert lock.digest("flights") == "ab" * 32
    with pytest.raises(NotFoundError, match="no line for 'flihgts'") as missing:
        lock.digest("flihgts")
    assert missing.value.hint == "did you mean flights?"


def test_a_merge_that_is_not_settled_is_told(lock: LockFile, tmp_path: Path) -> None:
    (tmp_path / "nbmlops.lock").write_text('[data]\n<<<<<<< HEAD\n"a" = "1"\n=======\n"a" = "2"\n>>>>>>> b\n')
    with pytest.raises(CorruptError, match="cannot be read"):
        lock.read()


def test_writers_at_the_same_time_lose_no_line(lock: LockFile) -> None:
    names = [f"table_{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: lock.update({name: "ab" * 32}), names))
    assert sorted(lock.read()) == sorted(names)


def test_what_is_refreshed_is_asked_for_under_the_lock(lock: LockFile) -> None:
    newest = {"flights": "ab" * 32}

    def digest_of(name: str) -> str:
        return newest[name]

    lock.refresh(["flights"], digest_of)
    newest["flights"] = "cd" * 32
    lock.refresh(["flights"], digest_of)
    assert lock.digest("flights") == "cd" * 32


def test_a_folder_that_is_gone_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="what was saved is saved"):
        LockFile(tmp_path / "gone" / "nbmlops.lock", tmp_path / "gone" / "guard").update({"a": "b"})
