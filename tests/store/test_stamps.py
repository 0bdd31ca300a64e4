from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nbmlops.core.clock import SystemClock
from nbmlops.core.digests import of_bytes
from nbmlops.store.catalog import Catalog
from nbmlops.store.objects import ObjectStore
from nbmlops.store.stamps import Stamps

SIZE = 17 << 20


class Later:
    """A clock that is ahead, so that files of now are old enough to be remembered."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.seconds)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(b"one")
    return path


@pytest.fixture
def stamps(tmp_path: Path, path: Path) -> Stamps:
    made = Stamps(tmp_path / "stamps.json", Later(10))
    with path.open("rb") as stream:
        made.keep(stream, "d1", made.now())
    return made


def remembered(stamps: Stamps, path: Path) -> str | None:
    with path.open("rb") as stream:
        return stamps.digest(stream)


def test_a_file_that_was_not_written_to_is_remembered(stamps: Stamps, path: Path) -> None:
    assert remembered(stamps, path) == "d1"
    os.utime(path, ns=(0, 0))
    assert remembered(stamps, path) is None


def test_putting_the_time_of_modification_back_does_not_hide_a_write(stamps: Stamps, path: Path) -> None:
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (before.st_mtime_ns, before.st_size)
    assert remembered(stamps, path) is None


def test_another_file_in_its_place_is_not_it(stamps: Stamps, path: Path) -> None:
    other = path.with_name("other.bin")
    other.write_bytes(b"two")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert remembered(stamps, path) is None


def test_a_file_that_was_just_written_to_is_not_remembered(tmp_path: Path, path: Path) -> None:
    stamps = Stamps(tmp_path / "none.json", Later(1))
    with path.open("rb") as stream:
        stamps.keep(stream, "d1", stamps.now())
    assert remembered(stamps, path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"protocol": 2, "files": {}}', '{"protocol": 1, "files": 3}'])
def test_a_memory_that_cannot_be_read_is_none(stamps: Stamps, tmp_path: Path, path: Path, content: str) -> None:
    (tmp_path / "stamps.json").write_text(content)
    assert remembered(stamps, path) is None


def test_a_large_file_is_read_once_until_it_is_written_to(tmp_path: Path, object_catalog: Catalog) -> None:
    clock = Later(10)
    stamps = Stamps(tmp_path / "stamps.json", clock)
    store = ObjectStore(str(tmp_path / "objects"), object_catalog, clock, stamps)
    path = tmp_path / "large.bin"
    content = os.urandom(1 << 20) * 17
    path.write_bytes(content)
    first = store.put(path)
    assert first.digest == of_bytes(content)
    assert remembered(stamps, path) == first.digest
    again = store.put(path)
    assert (again.digest, again.size, again.new_bytes) == (first.digest, SIZE, 0)
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.put(path).digest == of_bytes(b"x" + content[1:])


def test_what_is_remembered_but_not_stored_is_taken_in(tmp_path: Path, object_catalog: Catalog) -> None:
    clock = Later(10)
    stamps = Stamps(tmp_path / "stamps.json", clock)
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(SIZE))
    with path.open("rb") as stream:
        stamps.keep(stream, of_bytes(bytes(SIZE)), stamps.now())
    store = ObjectStore(str(tmp_path / "objects"), object_catalog, SystemClock(), stamps)
    assert store.put(path).digest == of_bytes(bytes(SIZE))
    assert store.read(of_bytes(bytes(SIZE))) == bytes(SIZE)
