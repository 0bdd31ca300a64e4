from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbmlops.core import digests
from nbmlops.core.clock import SystemClock
from nbmlops.core.errors import InvalidError, NotFoundError, UnsupportedError
from nbmlops.store.catalog import Catalog
from nbmlops.store.chunking import SMALLEST
from nbmlops.store.objects import ObjectStore

Packs = Callable[[], list[Path]]
Noise = Callable[..., bytes]
shared = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@shared
@given(st.one_of(st.binary(max_size=2_000), st.integers(0, 9_000_000)))
def test_any_bytes_come_back(objects: ObjectStore, content: bytes | int) -> None:
    if isinstance(content, int):
        content = (b"%d," % content * (content // 4 + 1))[:content]
    stored = objects.put(content)
    assert (stored.digest, stored.size) == (digests.of_bytes(content), len(content))
    assert objects.read(stored.digest) == content
    assert objects.has(stored.digest)
    assert objects.size(stored.digest) == len(content)


def test_files_of_any_size_are_stored_together_as_they_are_alone(
    objects: ObjectStore, noise: Noise, tmp_path: Path
) -> None:
    sizes = [0, 1, 4_000, SMALLEST - 1, SMALLEST, SMALLEST + 1, 64 * 1024, 300_000]
    contents = [noise(size, seed) for seed, size in enumerate(sizes)]
    paths = [tmp_path / f"{size}.bin" for size in sizes]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    told: list[int] = []
    stored = objects.put_many(paths, progress=told.append)
    assert [(one.digest, one.size) for one in stored] == [(digests.of_bytes(each), len(each)) for each in contents]
    assert sum(told) == sum(sizes)
    for content in contents:
        assert objects.put(io.BytesIO(content)).new_bytes == 0
        assert objects.read(digests.of_bytes(content)) == content


def test_what_is_no_file_among_several_is_named_and_nothing_is_stored(objects: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    for other, said in ((tmp_path / "b.txt", "no file"), (tmp_path, "is a folder")):
        with pytest.raises((NotFoundError, InvalidError), match=said):
            objects.put_many([tmp_path / "a.txt", other])
    assert not objects.has(digests.of_bytes(b"a"))


def test_a_path_and_a_stream_store_the_same_object(objects: ObjectStore, noise: Noise, tmp_path: Path) -> None:
    content = noise(5_000_000)
    (tmp_path / "table.bin").write_bytes(content)
    seen: list[int] = []
    first = objects.put(tmp_path / "table.bin", progress=seen.append)
    assert sum(seen) == len(content)
    assert first.new_bytes > len(content)  # the chunks as they are, and the manifest
    again = objects.put(io.BytesIO(content))
    assert (again.digest, again.new_bytes) == (first.digest, 0)


def test_one_small_save_is_one_pack(objects: ObjectStore, packs: Packs) -> None:
    objects.put(b"a few bytes")
    assert len(packs()) == 1
    objects.put(b"a few bytes")
    assert len(packs()) == 1


def test_many_objects_share_a_pack_and_answer_in_order(objects: ObjectStore, packs: Packs) -> None:
    contents = [b"one", b"", b"two", b"one", os.urandom(400_000)]
    stored = objects.put_many(contents)
    assert [s.digest for s in stored] == [digests.of_bytes(c) for c in contents]
    assert [objects.read(s.digest) for s in stored] == contents
    assert [bool(s.new_bytes) for s in stored] == [True, False, True, False, True]
    assert len(packs()) == 1


def test_the_empty_object_is_in_every_store(objects: ObjectStore, packs: Packs) -> None:
    empty = digests.of_bytes(b"")
    assert objects.has(empty)
    assert objects.read(empty) == b""
    assert objects.size(empty) == 0
    assert objects.put(b"").digest == empty
    assert packs() == []


@shared
@given(st.integers(0, 6_000_000), st.binary(min_size=1, max_size=3_000))
def test_any_edit_stores_only_the_chunks_it_touches(objects: ObjectStore, place: int, edit: bytes) -> None:
    base = b"".join(digests.of_bytes(b"%d" % i).encode() for i in range(94_000))
    objects.put(base)
    stored = objects.put(base[:place] + edit + base[place:])
    assert stored.new_bytes < 1_500_000


def test_a_large_object_spans_packs_and_each_stays_within_its_limit(
    objects: ObjectStore, packs: Packs, noise: Noise
) -> None:
    content = noise(70 * 1024 * 1024)
    stored = objects.put(content)
    assert [path.stat().st_size <= 65 * 1024 * 1024 for path in packs()] == [True, True]
    with objects.open(stored.digest) as file:
        file.seek(-100_000, io.SEEK_END)
        assert file.read() == content[-100_000:]


@shared
@given(st.lists(st.tuples(st.integers(0, 1_100_000), st.integers(0, 400_000)), max_size=12))
def test_the_reader_answers_as_a_file_would(objects: ObjectStore, jumps: list[tuple[int, int]]) -> None:
    content = b"".join(digests.of_bytes(b"%d" % i).encode() for i in range(16_000))
    with objects.open(objects.put(content).digest) as file:
        real = io.BytesIO(content)
        for position, count in jumps:
            assert file.seek(position) == real.seek(position)
            assert file.read(count) == real.read(count)
            assert file.tell() == real.tell()
        assert file.seek(-5, io.SEEK_END) == len(content) - 5
        assert file.read() == content[-5:]


def test_threads_may_share_a_reader(objects: ObjectStore, noise: Noise) -> None:
    content = noise(3_000_000)
    with objects.open(objects.put(content).digest) as file, ThreadPoolExecutor(4) as pool:
        assert b"".join(sorted(pool.map(lambda _: file.read(300_000), range(10)))) == b"".join(
            sorted(content[at : at + 300_000] for at in range(0, 3_000_000, 300_000))
        )


def test_a_closed_reader_and_a_negative_position_are_refused(objects: ObjectStore) -> None:
    file = objects.open(objects.put(b"abc").digest)
    with pytest.raises(ValueError, match="seek"):
        file.seek(-1)
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.read()


def test_parquet_reads_single_columns_through_the_reader(objects: ObjectStore, noise: Noise, tmp_path: Path) -> None:
    columns = {name: [noise(60, seed=i) for i in range(20_000)] for name in "abcd"}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", compression="none", use_dictionary=False)
    with objects.open(objects.put(tmp_path / "t.parquet").digest) as file:
        assert pq.read_table(file, columns=["c"])["c"].to_pylist() == columns["c"]


def test_unknown_digests_and_bad_sources_are_named(objects: ObjectStore, tmp_path: Path) -> None:
    for ask in (objects.read, objects.open, objects.size):
        with pytest.raises(NotFoundError, match="abababab"):
            ask("ab" * 32)
    assert not objects.has("ab" * 32)
    with pytest.raises(NotFoundError, match="absent"):
        objects.put(tmp_path / "absent")
    with pytest.raises(InvalidError, match="folder"):
        objects.put(tmp_path)
    with pytest.raises(InvalidError, match="binary"):
        objects.put(io.StringIO("text"))  # type: ignore[arg-type]


def test_a_lost_pack_is_stored_again_not_taken_for_stored(objects: ObjectStore, packs: Packs, noise: Noise) -> None:
    content = noise(500_000)
    stored = objects.put(content)
    for path in packs():
        path.unlink()
    assert objects.put(content).new_bytes > 0
    assert objects.read(stored.digest) == content
    assert objects.verify(full=True).ok


def test_a_store_at_a_url_does_the_same(object_catalog: Catalog, noise: Noise) -> None:
    store = ObjectStore(f"memory://store-{os.getpid()}", object_catalog, SystemClock())
    content = noise(2_000_000)
    stored = store.put(content)
    assert store.read(stored.digest) == content
    assert store.put(content).new_bytes == 0
    assert store.verify(full=True).ok


def test_a_url_of_no_known_file_system_is_refused(object_catalog: Catalog) -> None:
    with pytest.raises(UnsupportedError, match="nosuch://"):
        ObjectStore("nosuch://place", object_catalog, SystemClock())


def test_a_file_url_is_a_local_folder(object_catalog: Catalog, tmp_path: Path) -> None:
    ObjectStore(f"file://{tmp_path}/here", object_catalog, SystemClock()).put(b"content")
    assert len(list((tmp_path / "here" / "packs").iterdir())) == 1


def test_the_index_can_be_rebuilt_from_the_packs_alone(objects: ObjectStore, noise: Noise, tmp_path: Path) -> None:
    contents = [noise(2_000_000), b"small", b"other", noise(300_000, seed=9)]
    stored = objects.put_many(contents)
    empty = Catalog(f"sqlite:///{tmp_path / 'new.db'}")
    empty.create()
    rebuilt = ObjectStore(str(tmp_path / "objects"), empty, SystemClock())
    answer = rebuilt.reindex()
    assert (answer.packs, answer.objects, answer.unreadable) == (1, 4, ())
    assert [rebuilt.read(s.digest) for s in stored] == contents
    assert rebuilt.verify(full=True).ok
    assert rebuilt.put(contents[0]).new_bytes == 0
    empty.close()


@pytest.mark.slow
def test_a_gigabyte_passes_through_less_than_200_mebibytes(tmp_path: Path) -> None:
    program = """
        import hashlib, io, resource, sys
        from nbmlops.core.clock import SystemClock
        from nbmlops.store.catalog import Catalog
        from nbmlops.store.objects import ObjectStore
        class Stream(io.RawIOBase):
            count, left = 0, 1 << 30
            def read(self, size):
                self.count += 1
                piece = hashlib.shake_128(b"%d" % (self.count % 96)).digest(min(size, self.left, 1 << 20))
                self.left -= len(piece)
                return piece
        catalog = Catalog(f"sqlite:///{sys.argv[1]}/c.db")
        catalog.create()
        store = ObjectStore(sys.argv[1] + "/objects", catalog, SystemClock())
        stored = store.put(Stream())
        assert stored.size == 1 << 30, stored
        with store.open(stored.digest) as file:
            while file.read(1 << 20):
                pass
        # ru_maxrss of a child begins at its parent's; the kernel's own peak of this process does not.
        status = open("/proc/self/status").read() if sys.platform == "linux" else ""
        peak = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
        print(peak[0] // 1024 if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert int(ran.stdout) < 200
