from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.core import digests
from nbmlops.core.errors import UnsupportedError
from nbmlops.store.local_folder import LocalFolder
from nbmlops.store.manifests import ITEM, Manifest
from nbmlops.store.packs import (
    HEADER,
    TRAILER_SIZE,
    BrokenError,
    Codec,
    Entry,
    EntryKind,
    pack_footer,
    read_index,
    read_trailer,
    squeeze,
    unpack,
)
from nbmlops.store.sink import PackSink


def parse(footer: bytes, size: int) -> list[Entry]:
    trailer = read_trailer(footer[-TRAILER_SIZE:], size)
    return read_index(trailer, footer[: trailer.index_size])


def entries() -> list[Entry]:
    first = Entry(os.urandom(32), EntryKind.CHUNK, Codec.ZSTD, len(HEADER), 10, 100)
    return [first, Entry(os.urandom(32), EntryKind.MANIFEST, Codec.RAW, len(HEADER) + 10, 7, 7)]


def test_an_index_comes_back_as_it_was_written() -> None:
    written = entries()
    footer = pack_footer(written)
    assert parse(footer, len(HEADER) + 17 + len(footer)) == written


def test_every_flipped_bit_of_index_and_trailer_is_found() -> None:
    footer = pack_footer(entries())
    for position in range(8 * len(footer)):
        spoilt = bytearray(footer)
        spoilt[position // 8] ^= 1 << position % 8
        with pytest.raises((BrokenError, UnsupportedError)):
            parse(bytes(spoilt), len(HEADER) + 17 + len(footer))


def test_a_pack_that_is_longer_or_shorter_than_its_trailer_says_is_broken() -> None:
    footer = pack_footer(entries())
    for size in (0, len(footer), len(HEADER) + 18 + len(footer)):
        with pytest.raises(BrokenError):
            parse(footer, size)


def test_a_newer_protocol_is_refused_by_its_number() -> None:
    footer = bytearray(pack_footer(entries()))
    footer[-TRAILER_SIZE + 16] = 2
    with pytest.raises(UnsupportedError, match="protocol 2"):
        parse(bytes(footer), len(HEADER) + 17 + len(footer))


def test_the_name_of_a_pack_is_the_digest_of_its_file(tmp_path: Path) -> None:
    with PackSink(LocalFolder(tmp_path)) as sink:
        sink.add(EntryKind.CHUNK, digests.of_bytes(b"one"), b"one", 3)
        (placed,) = sink.close()
    (file,) = (tmp_path / "packs").iterdir()
    assert file.name == f"{placed.pack}.pack"
    assert blake3(file.read_bytes()).hexdigest() == placed.pack


def test_compression_is_kept_only_when_it_helps() -> None:
    noise, text = os.urandom(50_000), b"carrier,UA\n" * 5_000
    (raw, as_is), (zstd, small) = squeeze([(0, memoryview(noise)), (0, memoryview(text))])
    assert (raw, bytes(as_is)) == (Codec.RAW, noise)
    assert zstd is Codec.ZSTD
    assert unpack(digests.of_bytes(text), zstd, len(text), bytes(small)) == text


def test_after_much_noise_text_is_still_compressed() -> None:
    contents = [os.urandom(20_000) for _ in range(20)] + [b"x" * 20_000] * 20
    codecs = [codec for codec, _ in squeeze((0, memoryview(content)) for content in contents)]
    assert codecs.count(Codec.ZSTD) >= 12


def test_noise_of_one_object_says_nothing_of_the_next() -> None:
    contents = [(0, os.urandom(20_000)) for _ in range(9)] + [(number, b"x" * 20_000) for number in range(1, 9)]
    codecs = [codec for codec, _ in squeeze((number, memoryview(content)) for number, content in contents)]
    assert codecs == [Codec.RAW] * 9 + [Codec.ZSTD] * 8


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(1, 60)), max_size=40), st.randoms())
def test_squeezed_together_or_alone_each_chunk_reads_back(shapes: list[tuple[int, bool, int]], chance: Random) -> None:
    chunks = [
        (number, memoryview(chance.randbytes(64 * size) if noisy else chance.randbytes(8) * 8 * size))
        for number, noisy, size in sorted(shapes, key=lambda shape: shape[0])
    ]
    squeezed = squeeze(chunks)
    assert len(squeezed) == len(chunks)
    for (_, content), (codec, stored) in zip(chunks, squeezed, strict=True):
        assert unpack(digests.of_bytes(content), codec, len(content), bytes(stored)) == content
        assert len(stored) < len(content) or codec is Codec.RAW


def test_text_is_squeezed_whatever_noise_came_before() -> None:
    noise, text = memoryview(os.urandom(20_000)), memoryview(b"a line of text\n" * 2_000)
    codecs = [codec for codec, _ in squeeze([(0, noise), *[(1, text)] * 300])]
    assert codecs == [Codec.RAW] + [Codec.ZSTD] * 300


@given(st.binary(max_size=300), st.integers(0))
def test_a_chunk_with_any_flipped_bit_is_never_given(content: bytes, place: int) -> None:
    for codec, stored in ((Codec.RAW, content), squeeze([(0, memoryview(bytes(20_000) + content))])[0]):
        if not stored:
            continue
        full = content if codec is Codec.RAW else bytes(20_000) + content
        spoilt = bytearray(stored)
        spoilt[place // 8 % len(spoilt)] ^= 1 << place % 8
        try:
            given = unpack(digests.of_bytes(full), codec, len(full), bytes(spoilt))
        except BrokenError:
            continue
        assert given == full


def test_a_frame_that_lies_about_its_size_is_not_decoded() -> None:
    (_, small) = squeeze([(0, memoryview(bytes(200_000)))])[0]
    with pytest.raises(BrokenError):
        unpack(digests.of_bytes(bytes(200_000)), Codec.ZSTD, 100_000, bytes(small))
    with pytest.raises(BrokenError, match="more than a chunk"):
        unpack(digests.of_bytes(bytes(200_000)), Codec.ZSTD, 1 << 31, bytes(small))


def manifest() -> Manifest:
    return Manifest("ab" * 32, ITEM.pack(b"a" * 32, 70_000) + ITEM.pack(b"b" * 32, 30_000))


def test_a_manifest_comes_back_and_finds_the_chunk_of_an_offset() -> None:
    back = Manifest.parse("ab" * 32, bytes(manifest()))
    assert list(back) == [("61" * 32, 70_000), ("62" * 32, 30_000)]
    assert (back.size, len(back), back[1]) == (100_000, 2, ("62" * 32, 30_000))
    assert [back.at(offset) for offset in (0, 69_999, 70_000, 99_999)] == [0, 0, 1, 1]
    assert [back.start(0), back.start(1)] == [0, 70_000]


def test_every_flipped_bit_of_a_manifest_is_found() -> None:
    stored = bytes(manifest())
    for position in range(8 * len(stored)):
        spoilt = bytearray(stored)
        spoilt[position // 8] ^= 1 << position % 8
        with pytest.raises(BrokenError):
            Manifest.parse("ab" * 32, bytes(spoilt))


def test_a_manifest_of_another_object_is_refused() -> None:
    with pytest.raises(BrokenError, match="another object"):
        Manifest.parse("cd" * 32, bytes(manifest()))
