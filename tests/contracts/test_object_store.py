"""What every object store keeps to, wherever its packs lie, also behind a network that fails."""

from __future__ import annotations

import io
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from nbmlops.core import digests
from nbmlops.core.errors import CorruptError, NotFoundError, UnavailableError
from nbmlops.store.objects import ObjectStore
from tests.contracts.fault_proxy import FaultProxy, Faults

StoreAt = Callable[[str], ObjectStore]
SAVES = int(os.environ.get("NBMLOPS_SOAK_SAVES", "40"))


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def test_what_is_put_comes_back(place: str, store_at: StoreAt) -> None:
    store = store_at(place)
    contents = [b"", b"x", b"text " * 1000, noise(300_000), noise(2_000_000, 1)]
    stored = [store.put(content) for content in contents]
    assert [one.digest for one in stored] == [digests.of_bytes(content) for content in contents]
    assert [store.read(one.digest) for one in stored] == contents
    assert [store.size(one.digest) for one in stored] == [len(content) for content in contents]
    assert all(store.has(one.digest) for one in stored)


def test_the_same_again_adds_nothing(place: str, store_at: StoreAt) -> None:
    store = store_at(place)
    assert store.put(noise(500_000)).new_bytes >= 500_000
    assert store.put(noise(500_000)).new_bytes == 0
    assert store.put(noise(500_000) + b"a line more").new_bytes < 400_000


def test_parts_of_an_object_are_read_where_they_lie(place: str, store_at: StoreAt) -> None:
    store, content = store_at(place), noise(1_500_000)
    digest = store.put(io.BytesIO(content)).digest
    with store.open(digest) as file:
        for start, length in ((0, 10), (1_000_000, 70_000), (1_499_990, 100), (5, 1_400_000)):
            file.seek(start)
            assert file.read(length) == content[start : start + length]
    view = store.view(digest)
    view.need([(700_000, 700_100)])
    assert view.memory[700_000:700_100] == content[700_000:700_100]


def test_several_are_stored_together(place: str, store_at: StoreAt) -> None:
    store = store_at(place)
    contents = [noise(10_000, seed) for seed in range(50)]
    stored = store.put_many(contents)
    assert [store.read(one.digest) for one in stored] == contents
    assert store.verify(full=True).ok


def test_the_packs_alone_tell_all(place: str, store_at: StoreAt) -> None:
    first = store_at(place)
    stored = first.put_many([b"small", noise(700_000)])
    again = store_at(place)
    with pytest.raises(NotFoundError):
        again.read(stored[1].digest)
    again.reindex()
    assert again.read(stored[1].digest) == noise(700_000)


def test_objects_travel_and_come_back(place: str, store_at: StoreAt, tmp_path: Path) -> None:
    here, there = store_at(str(tmp_path / "here")), store_at(str(tmp_path / "there"))
    contents = [b"", b"small", noise(3_000_000), noise(3_000_000) + b"more"]
    wanted = [here.put(content).digest for content in contents]
    sent = here.push(wanted, place)
    assert sent.bytes_sent > 3_000_000
    assert here.push(wanted, place).bytes_sent == 0
    came = there.pull(wanted, place)
    assert came.bytes_sent >= 3_000_000
    assert there.pull(wanted, place).bytes_sent == 0
    assert [there.read(digest) for digest in wanted] == contents
    assert there.verify(full=True).ok


def test_what_is_not_there_is_said(place: str, store_at: StoreAt, tmp_path: Path) -> None:
    here = store_at(str(tmp_path / "here"))
    with pytest.raises(NotFoundError, match="is missing"):
        here.pull([digests.of_bytes(b"never")], place)
    with pytest.raises(NotFoundError):
        store_at(place).read(digests.of_bytes(b"never"))


@pytest.mark.timeout(3_600)
def test_no_save_is_lost_and_none_is_corrupt(
    place: str, request: pytest.FixtureRequest, store_at: StoreAt, capsys: pytest.CaptureFixture[str]
) -> None:
    store = store_at(place)
    saved: dict[str, bytes] = {}
    refused, outcomes = 0, Counter[str]()
    for seed in range(SAVES):
        content = noise(random.Random(seed).randrange(1, 60_000), seed)
        try:
            saved[store.put(content).digest] = content
        except UnavailableError:
            refused += 1
    for digest, content in saved.items():
        outcomes[_read_back(store, digest, content)] += 1
    checked = store.verify(full=True)
    told = f"{SAVES} saves, {len(saved)} acknowledged, {refused} refused; read back: {dict(outcomes)}"
    if "that fails" in request.node.name:
        counts = request.getfixturevalue("proxy").counts
        again = sum(counts.values()) - counts["passed"]
        told += f"; {again} of {sum(counts.values())} requests failed: {dict(sorted(counts.items()))}"
        assert again > 0
    with capsys.disabled():
        print(f"\n{request.node.name.partition('[')[2].rstrip(']')}: {told}")
    assert outcomes == {"whole": len(saved)}
    assert checked.ok, checked.damages
    assert refused <= SAVES / 1000
    assert len(saved) == SAVES - refused


def _read_back(store: ObjectStore, digest: str, content: bytes) -> str:
    try:
        return "whole" if store.read(digest) == content else "corrupt, and served"
    except CorruptError:
        return "corrupt"
    except NotFoundError:
        return "lost"


def test_a_server_that_is_down_is_said_once_and_clearly(
    bucket: str, proxy: FaultProxy, store_at: StoreAt, tmp_path: Path
) -> None:
    here = store_at(str(tmp_path / "here"))
    digest = here.put(b"content").digest
    proxy.faults = Faults(errors=1.0)
    with pytest.raises(UnavailableError, match=rf"{bucket}/x failed 8 times in a row") as told:
        here.push([digest], f"{bucket}/x")
    assert "do it again" in str(told.value.hint)
    proxy.faults = Faults()
    assert here.push([digest], f"{bucket}/x").chunks == 1


def test_credentials_that_are_refused_are_tried_once_and_never_shown(
    bucket: str, proxy: FaultProxy, store_at: StoreAt, tmp_path: Path
) -> None:
    here = store_at(str(tmp_path / "here"))
    digest = here.put(b"content").digest
    proxy.faults = Faults(denials=1.0)
    with pytest.raises(UnavailableError, match="does not let you in") as told:
        here.push([digest], f"{bucket}/x")
    assert proxy.counts["denials"] == 1
    assert "AWS_ACCESS_KEY_ID" in str(told.value.hint)
    assert "testing" not in str(told.value)


def test_without_credentials_it_is_said_where_they_come_from(
    bucket: str, store_at: StoreAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    here = store_at(str(tmp_path / "here"))
    with pytest.raises(UnavailableError, match="does not let you in"):
        here.push([here.put(b"content").digest], f"{bucket}/x")


def test_a_bucket_that_is_not_there_is_not_made(bucket: str, store_at: StoreAt, tmp_path: Path) -> None:
    here = store_at(str(tmp_path / "here"))
    digest = here.put(b"content").digest
    for verb in (here.push, here.pull):
        with pytest.raises(UnavailableError, match="the bucket of s3://no-such-bucket/x does not exist"):
            verb([digest], "s3://no-such-bucket/x")
