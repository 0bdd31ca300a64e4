from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from nbmlops.core.errors import CorruptError, NotFoundError
from nbmlops.store import schema
from nbmlops.store.catalog import Catalog
from nbmlops.store.objects import ObjectStore, Stored
from nbmlops.store.packs import TRAILER_SIZE
from nbmlops.store.records import Damage

Packs = Callable[[], list[Path]]
Noise = Callable[..., bytes]
TEXT = b"".join(b"2013,%d,UA,%d\n" % (i, i * i % 977) for i in range(60_000))


def flip(path: Path, position: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << bit
    path.write_bytes(content)


@pytest.fixture
def copy(objects: ObjectStore, noise: Noise, tmp_path: Path) -> tuple[str, dict[str, bytes], Stored]:
    """A store of noise, text and a small object, pushed to a folder."""
    contents = [noise(400_000), TEXT, b"small"]
    stored = objects.put_many(contents)
    target = str(tmp_path / "copy")
    objects.push([s.digest for s in stored], target)
    return target, {s.digest: c for s, c in zip(stored, contents, strict=True)}, stored[0]


def test_a_whole_store_verifies(objects: ObjectStore, copy: tuple[str, dict[str, bytes], Stored], packs: Packs) -> None:
    for full in (False, True):
        seen: list[int] = []
        answer = objects.verify(full=full, progress=seen.append)
        assert (answer.ok, answer.objects, answer.full) == (True, 3, full)
        assert answer.bytes == sum(seen) == sum(path.stat().st_size for path in packs())


def test_a_flipped_bit_anywhere_in_a_pack_is_found_and_never_served(
    objects: ObjectStore, copy: tuple[str, dict[str, bytes], Stored], packs: Packs
) -> None:
    _, contents, _ = copy
    (pack,) = packs()
    whole = pack.read_bytes()
    draw = random.Random(7)
    index = len(whole) - TRAILER_SIZE - 56 * 4
    places = [0, 9, 15, len(whole) - 1, len(whole) - TRAILER_SIZE, index, index + 33, index + 50]
    places += [draw.randrange(len(whole)) for _ in range(150)]
    for place in places:
        flip(pack, place, draw.randrange(8))
        answer = objects.verify(full=True)
        assert not answer.ok
        assert all(damage.pack == pack.stem for damage in answer.damages)
        for digest, content in contents.items():
            try:
                assert objects.read(digest) == content
            except CorruptError:
                assert any(damage.object == digest for damage in answer.damages)
        pack.write_bytes(whole)
    print(f"{len(places)} flips, {len(places)} found, 0 served")


def test_the_error_names_object_chunk_pack_and_what_to_type(
    objects: ObjectStore, copy: tuple[str, dict[str, bytes], Stored], packs: Packs
) -> None:
    _, _, stored = copy
    (pack,) = packs()
    flip(pack, 20)
    (damage,) = objects.verify(full=True).damages
    assert (damage.object, damage.pack) == (stored.digest, pack.stem)
    with pytest.raises(CorruptError) as caught:
        objects.read(stored.digest)
    said = str(caught.value)
    assert all(name[:8] in said for name in (stored.digest, damage.chunk, damage.pack))
    assert "nbmlops store verify" in said
    assert "nbmlops store repair --from URL" in said


def test_the_good_part_of_a_damaged_object_can_be_read_and_the_bad_part_cannot(
    objects: ObjectStore, copy: tuple[str, dict[str, bytes], Stored], packs: Packs, noise: Noise
) -> None:
    _, _, stored = copy
    flip(packs()[0], 20)
    with objects.open(stored.digest) as file:
        file.seek(-1000, 2)
        assert file.read() == noise(400_000)[-1000:]
        file.seek(0)
        with pytest.raises(CorruptError):
            file.read(10)


@pytest.mark.parametrize("damage", ["byte", "cut", "gone", "grown", "header", "footer", "manifest", "zeros"])
def test_every_damage_is_repaired_from_a_copy(
    objects: ObjectStore, copy: tuple[str, dict[str, bytes], Stored], packs: Packs, damage: str
) -> None:
    target, contents, _ = copy
    (pack,) = packs()
    whole = pack.read_bytes()
    if damage == "gone":
        pack.unlink()
    elif damage == "cut":
        pack.write_bytes(whole[: len(whole) // 2])
    elif damage == "grown":
        pack.write_bytes(whole + b"!")
    elif damage == "zeros":
        pack.write_bytes(bytes(len(whole)))
    else:
        flip(pack, {"byte": 5_000, "header": 3, "footer": -1, "manifest": whole.index(b"NBMLMANI") + 60}[damage])
    assert not objects.verify(full=True).ok
    if damage != "byte":
        assert not objects.verify().ok
    mended = objects.repair(target)
    assert mended.missing == ()
    assert objects.verify(full=True).ok
    assert {digest: objects.read(digest) for digest in contents} == contents
    assert objects.repair(target).repaired == ()


def test_a_chunk_that_no_copy_has_is_named_and_the_rest_is_mended(
    objects: ObjectStore, packs: Packs, noise: Noise, tmp_path: Path
) -> None:
    first, second = objects.put_many([noise(300_000), noise(300_000, seed=2)])
    objects.push([first.digest], str(tmp_path / "copy"))
    (pack,) = packs()
    pack.write_bytes(bytes(pack.stat().st_size))
    mended = objects.repair(str(tmp_path / "copy"))
    assert mended.repaired
    assert second.digest in mended.missing
    assert objects.read(first.digest) == noise(300_000)
    with pytest.raises(CorruptError):
        objects.read(second.digest)
    # With its manifest gone nobody can tell whose the lost chunks are.
    assert {damage.object for damage in objects.verify(full=True).damages} == {second.digest, None}


def test_a_damaged_copy_is_not_believed(
    objects: ObjectStore, copy: tuple[str, dict[str, bytes], Stored], packs: Packs, tmp_path: Path
) -> None:
    target, _, stored = copy
    flip(packs()[0], 20)
    flip(next((tmp_path / "copy" / "packs").iterdir()), 20)
    mended = objects.repair(target)
    assert len(mended.missing) == 1
    with pytest.raises(CorruptError):
        objects.read(stored.digest)


def test_a_place_without_packs_is_refused_as_a_source(objects: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nothing was pushed there"):
        objects.repair(str(tmp_path / "nowhere"))


def test_an_index_that_lost_or_moved_a_chunk_is_found_and_mended(
    objects: ObjectStore, object_catalog: Catalog, copy: tuple[str, dict[str, bytes], Stored]
) -> None:
    target, contents, _ = copy
    table = schema.chunk
    some = object_catalog.read(lambda c: c.execute(table.select().order_by(table.c.offset).limit(2)).all())
    object_catalog.transact(lambda c: c.execute(delete(table).where(table.c.digest == some[0].digest)))
    object_catalog.transact(lambda c: c.execute(update(table).where(table.c.digest == some[1].digest).values(offset=1)))
    found = objects.verify().damages
    assert {d.chunk for d in found} == {some[0].digest, some[1].digest}
    assert objects.repair(target, found).missing == ()
    assert objects.verify(full=True).ok
    assert {digest: objects.read(digest) for digest in contents} == contents


def test_damage_that_touches_no_object_is_still_told(
    objects: ObjectStore, object_catalog: Catalog, packs: Packs
) -> None:
    stored = objects.put(b"an object of one chunk")
    object_catalog.transact(lambda c: c.execute(delete(schema.object_)))
    flip(packs()[0], 20)
    (damage,) = objects.verify(full=True).damages
    assert damage == Damage(None, stored.digest, packs()[0].stem, "its bytes do not give its digest")


def test_a_manifest_from_a_copy_must_give_the_object(
    objects: ObjectStore, packs: Packs, noise: Noise, tmp_path: Path
) -> None:
    """A copy whose manifest is well formed but lists other chunks must not change what a digest means."""
    from nbmlops.store.local_folder import LocalFolder
    from nbmlops.store.manifests import ITEM, Manifest
    from nbmlops.store.packs import EntryKind
    from nbmlops.store.sink import PackSink

    mine, other = objects.put_many([noise(300_000), noise(300_000, seed=5)])
    chunks = list(objects._shelves.manifest(other.digest))
    forged = Manifest(mine.digest, b"".join(ITEM.pack(bytes.fromhex(d), n) for d, n in chunks))
    with PackSink(LocalFolder(tmp_path / "forged")) as sink:
        sink.add(EntryKind.MANIFEST, mine.digest, bytes(forged), len(bytes(forged)))
        sink.close()
    (pack,) = packs()
    flip(pack, pack.read_bytes().index(bytes.fromhex(mine.digest)))
    mended = objects.repair(str(tmp_path / "forged"))
    assert mended.missing == (mine.digest,)
    with pytest.raises(CorruptError):
        objects.read(mine.digest)
