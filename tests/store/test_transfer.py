from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nbmlops.core import digests
from nbmlops.core.errors import CorruptError, InvalidError, NotFoundError, UnavailableError
from nbmlops.store.objects import ObjectStore

Noise = Callable[..., bytes]
Packs = Callable[[], list[Path]]


def test_a_push_sends_what_is_missing_and_a_second_one_nothing(
    objects: ObjectStore, noise: Noise, tmp_path: Path
) -> None:
    first = objects.put(noise(2_000_000))
    sent = objects.push([first.digest, first.digest], str(tmp_path / "copy"))
    assert (sent.objects, sent.bytes_skipped) == (1, 0)
    assert sent.bytes_sent == first.new_bytes
    again = objects.push([first.digest], str(tmp_path / "copy"))
    assert (again.objects, again.chunks, again.bytes_sent) == (1, 0, 0)
    edited = objects.put(noise(2_000_000) + b"one line more")
    more = objects.push([first.digest, edited.digest], str(tmp_path / "copy"))
    assert 0 < more.bytes_sent == edited.new_bytes < 600_000
    assert more.bytes_skipped > 3_000_000


def test_objects_of_any_shape_travel_to_a_url_and_back(objects: ObjectStore, packs: Packs, noise: Noise) -> None:
    contents = [b"", b"small", noise(700_000)]
    stored = objects.put_many(contents)
    target = f"memory://copy-{os.getpid()}"
    seen: list[int] = []
    sent = objects.push([s.digest for s in stored], target, seen.append)
    assert (sent.objects, sum(seen) <= sent.bytes_sent) == (3, True)
    for pack in packs():
        pack.unlink()
    assert objects.repair(target).missing == ()
    assert [objects.read(s.digest) for s in stored] == contents


class StopError(Exception):
    """What a person's Ctrl-C stands for."""


def test_a_push_that_was_cut_off_goes_on_where_it_stopped(objects: ObjectStore, noise: Noise, tmp_path: Path) -> None:
    content = noise(130 * 1024 * 1024)
    stored = objects.put(content)
    passed = 0

    def watch(count: int) -> None:
        nonlocal passed
        passed += count
        if passed > 100_000_000:
            raise StopError

    with pytest.raises(StopError):
        objects.push([stored.digest], str(tmp_path / "copy"), watch)
    assert {path.suffix for path in (tmp_path / "copy" / "packs").iterdir()} == {".pack"}
    rest = objects.push([stored.digest], str(tmp_path / "copy"))
    # What was lost at most: three loads of 16 MiB that were on their way.
    assert rest.bytes_skipped > 100_000_000 - 3 * 17_000_000
    assert rest.bytes_sent + rest.bytes_skipped == stored.new_bytes


def test_what_is_damaged_here_is_not_sent(objects: ObjectStore, packs: Packs, tmp_path: Path) -> None:
    stored = objects.put(b"a small object")
    content = bytearray(packs()[0].read_bytes())
    content[17] ^= 1
    packs()[0].write_bytes(content)
    with pytest.raises(CorruptError):
        objects.push([stored.digest], str(tmp_path / "copy"))
    assert list((tmp_path / "copy").rglob("*.pack")) == []


def test_a_pack_that_is_damaged_at_the_target_is_sent_again(objects: ObjectStore, packs: Packs, tmp_path: Path) -> None:
    stored = objects.put(b"a small object")
    objects.push([stored.digest], str(tmp_path / "copy"))
    (there,) = (tmp_path / "copy" / "packs").iterdir()
    there.write_bytes(there.read_bytes()[:-3])
    assert objects.push([stored.digest], str(tmp_path / "copy")).chunks == 1
    packs()[0].unlink()
    assert objects.repair(str(tmp_path / "copy")).missing == ()
    assert objects.read(stored.digest) == b"a small object"


def test_targets_that_cannot_be_are_refused(objects: ObjectStore, tmp_path: Path) -> None:
    stored = objects.put(b"content")
    with pytest.raises(InvalidError, match="this store itself"):
        objects.push([stored.digest], str(tmp_path / "objects"))
    with pytest.raises(NotFoundError):
        objects.push([digests.of_bytes(b"never stored")], str(tmp_path / "copy"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UnavailableError):
        objects.push([stored.digest], str(tmp_path / "file"))
