"""Taking what is dead out of packs: nothing of it is left, nothing else is lost, and readers in the middle go on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nbmlops.core import digests
from nbmlops.core.clock import SystemClock
from nbmlops.core.errors import ConflictError, CorruptError, NotFoundError
from nbmlops.store import purging, turns
from nbmlops.store.catalog import Catalog
from nbmlops.store.folders import Folder
from nbmlops.store.index import Index
from nbmlops.store.local_folder import LocalFolder
from nbmlops.store.objects import ObjectStore
from nbmlops.store.remote_folder import UrlFolder
from nbmlops.store.rewriting import Dead, Rewritten, rewrite
from nbmlops.store.shelf import Shelf

if TYPE_CHECKING:
    from sqlalchemy import Connection

Noise = Callable[..., bytes]
Packs = Callable[[], list[Path]]


def test_a_purged_object_is_gone_and_what_shares_its_pack_is_not(
    objects: ObjectStore, packs: Packs, noise: Noise
) -> None:
    shared = noise(900_000)
    kept, gone = objects.put_many([shared + b"the end of one", shared + b"N14228" * 50_000])
    small, marked = objects.put_many([b"a small one", b"N14228 " + noise(5_000, 2)])
    before = sum(path.stat().st_size for path in packs())
    done = objects.purge([gone.digest, marked.digest])
    assert done.freed == before - sum(path.stat().st_size for path in packs()) > 0
    assert set(done.written) == {path.stem for path in packs()}
    assert not objects.has(gone.digest)
    with pytest.raises(NotFoundError):
        objects.read(marked.digest)
    assert objects.read(kept.digest) == shared + b"the end of one"
    assert objects.read(small.digest) == b"a small one"
    assert objects.verify(full=True).ok
    assert not any(b"N14228" in path.read_bytes() for path in packs())


def test_a_pack_of_the_dead_alone_is_removed_and_nothing_is_written(objects: ObjectStore, packs: Packs) -> None:
    gone, kept = objects.put(b"N14228"), objects.put(b"something else")
    done = objects.purge([gone.digest])
    assert (len(done.removed), done.written) == (1, ())
    assert len(packs()) == 1
    assert objects.purge([gone.digest]) == Rewritten((), (), 0)
    assert objects.read(kept.digest) == b"something else"


def test_the_same_content_can_come_again_after_it_was_purged(objects: ObjectStore) -> None:
    for _ in range(3):
        stored = objects.put(b"here and gone")
        assert stored.new_bytes > 0
        assert objects.read(stored.digest) == b"here and gone"
        objects.purge([stored.digest])
        assert not objects.has(stored.digest)


def test_a_reader_in_the_middle_of_an_object_goes_on_when_its_pack_is_written_anew(
    objects: ObjectStore, noise: Noise
) -> None:
    content = noise(3_000_000)
    kept, gone = objects.put_many([content, noise(3_000_000, 1)])
    with objects.open(kept.digest) as reader:
        begin = reader.read(300_000)
        assert len(objects.purge([gone.digest]).removed) == 1
        assert begin + reader.read() == content


def test_a_reader_of_what_is_purged_is_told_so(objects: ObjectStore, noise: Noise) -> None:
    gone = objects.put(noise(12_000_000))
    with objects.open(gone.digest) as reader:
        reader.read(10)
        objects.purge([gone.digest])
        with pytest.raises(NotFoundError, match="was removed from the store while it was read"):
            reader.read()


READER = """
import sys
from pathlib import Path
from blake3 import blake3
from nbmlops.core import digests
from nbmlops.core.clock import SystemClock
from nbmlops.store.catalog import Catalog
from nbmlops.store.objects import ObjectStore

folder, digest = Path(sys.argv[1]), sys.argv[2]
objects = ObjectStore(str(folder / "objects"), Catalog(f"sqlite:///{folder / 'objects.db'}"), SystemClock())
print("reading", flush=True)
for _ in range(40):
    with objects.open(digest) as reader:
        hasher = blake3()
        while piece := reader.read(100_000):
            hasher.update(piece)
        assert hasher.hexdigest() == digest
print("read", flush=True)
"""


def test_a_reader_in_another_process_never_notices_that_packs_are_written_anew(
    objects: ObjectStore, noise: Noise, tmp_path: Path
) -> None:
    parts = [noise(400_000, n) for n in range(10)]
    victims = [noise(40_000, 100 + n) for n in range(30)]
    # All in one pack: each victim that goes has it written anew, with what the other process reads.
    kept = objects.put_many([b"".join(parts), *victims])[0]
    command = [sys.executable, "-c", READER, str(tmp_path), kept.digest]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reading\n"
        for victim in victims:
            assert objects.purge([digests.of_bytes(victim)]).removed
        out, error = process.communicate(timeout=30)
    assert (out, error, process.returncode) == ("read\n", "", 0)
    assert objects.verify(full=True).ok


def purge_at(folder: Folder, objects: list[str], keep: Sequence[str] = ()) -> Rewritten:
    return rewrite(folder, purging.dead_at(Shelf(folder), objects, keep))


def places(tmp_path: Path) -> list[Folder]:
    return [LocalFolder(tmp_path / "remote"), UrlFolder(f"memory://rewriting-{os.getpid()}-{tmp_path.name}")]


def test_a_folder_without_a_catalog_is_rewritten_by_what_its_packs_tell(
    objects: ObjectStore, noise: Noise, tmp_path: Path
) -> None:
    shared = noise(600_000)
    kept, gone = objects.put_many([shared + b"one", shared + b"N14228" * 30_000])
    single = objects.put(b"N14228 in one chunk")
    for folder in places(tmp_path):
        objects.push([kept.digest, gone.digest, single.digest], folder.where)
        done = purge_at(folder, [gone.digest, single.digest])
        assert done.removed
        assert set(done.removed).isdisjoint(folder.names())
        shelf = Shelf(folder)
        assert set(shelf.described()) == {kept.digest}
        listed = {digest for digest, _ in objects._shelves.manifest(kept.digest)}
        assert {place.digest for place in shelf} == listed
        assert purge_at(folder, [gone.digest, single.digest]) == Rewritten((), (), 0)


def test_what_is_named_to_be_kept_stays_where_no_manifest_tells_of_it(
    objects: ObjectStore, noise: Noise, tmp_path: Path
) -> None:
    whole = objects.put(noise(600_000))
    chunk = next(iter(objects._shelves.manifest(whole.digest)))[0]
    folder = LocalFolder(tmp_path / "remote")
    objects.push([whole.digest], folder.where)
    purge_at(folder, [whole.digest], keep=[chunk])
    assert {place.digest for place in Shelf(folder)} == {chunk}


def test_a_rewriting_that_was_cut_off_finishes_when_it_is_called_again(
    objects: ObjectStore, noise: Noise, tmp_path: Path
) -> None:
    folder = LocalFolder(tmp_path / "remote")
    stored = [objects.put_many([noise(40_000, 2 * n), noise(40_000, 2 * n + 1)]) for n in range(4)]
    for kept, gone in stored:
        objects.push([kept.digest, gone.digest], folder.where)
    dead = Dead(frozenset(), frozenset(gone.digest for _, gone in stored))

    class CutOff(LocalFolder):
        left = 2

        def remove(self, name: str) -> None:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            super().remove(name)

    with pytest.raises(KeyboardInterrupt):
        rewrite(CutOff(tmp_path / "remote"), dead)
    assert len(rewrite(folder, dead).removed) == 2
    assert {place.digest for place in Shelf(folder)} == {kept.digest for kept, _ in stored}


def test_damage_in_what_lives_stops_the_rewriting_and_nothing_is_lost(
    objects: ObjectStore, packs: Packs, noise: Noise
) -> None:
    kept, gone = objects.put_many([noise(50_000), noise(50_000, 1)])
    (pack,) = packs()
    content = bytearray(pack.read_bytes())
    content[100] ^= 1
    pack.write_bytes(content)
    with pytest.raises(CorruptError, match="it stays as it is"):
        objects.purge([gone.digest])
    assert packs() == [pack]
    assert objects.has(kept.digest)


def test_a_save_that_relied_on_what_was_purged_takes_it_in_again(
    objects: ObjectStore, object_catalog: Catalog, noise: Noise, tmp_path: Path
) -> None:
    content = noise(5_000_000)
    first = objects.put(content)
    path = tmp_path / "file"
    path.write_bytes(content + b"more")
    purged: list[str] = []

    class Meddling(Catalog):
        """Between the look and the transaction of a save, a purge in another process."""

        def transact(self, work: Callable[[Connection], object]) -> object:  # type: ignore[override]
            if not purged:
                purged.append(first.digest)
                objects.purge([first.digest])
            return super().transact(work)

    meddled = ObjectStore(str(tmp_path / "objects"), Meddling(object_catalog.url), SystemClock())
    stored = meddled.put(path)
    assert purged
    assert objects.read(stored.digest) == content + b"more"
    assert objects.verify(full=True).ok
    purged.clear()
    with meddled.batch() as batch:
        objects.put(content)
        first = objects.put(content)
        with path.open("rb") as stream:
            batch.add(stream)
        objects.purge([stored.digest])
        with pytest.raises(ConflictError, match=r"nothing was saved\nhint: save again"):
            batch.finish()
    assert objects.verify(full=True).ok


def test_who_refers_to_what_was_purged_is_refused(objects: ObjectStore, object_catalog: Catalog) -> None:
    stored, empty = objects.put_many([b"soon gone", b""])
    object_catalog.transact(lambda c: turns.hold(c, [stored.digest, empty.digest]))
    objects.purge([stored.digest])
    with pytest.raises(ConflictError, match="save again"):
        object_catalog.transact(lambda c: turns.hold(c, [stored.digest]))


def test_a_pack_that_was_removed_never_comes_back_into_the_index(
    objects: ObjectStore, object_catalog: Catalog, packs: Packs
) -> None:
    stored = objects.put(b"removed")
    (pack,), index = packs(), Index(object_catalog)
    places, known = index.places_in(pack.stem), list(index.all_objects())
    content = pack.read_bytes()
    objects.purge([stored.digest])
    pack.write_bytes(content)  # as when the process was killed before the file went
    with pytest.raises(ConflictError):
        index.add(places, known)
    assert objects.reindex().chunks == 0
    assert objects.purge([]).removed == (pack.stem,)
