from __future__ import annotations

import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError
from nbmlops.store.chunking import BLOCK, LARGEST, SMALLEST, chunks


def cut(content: bytes, source: io.BytesIO | None = None) -> list[bytes]:
    return [bytes(chunk) for chunk in chunks(source or io.BytesIO(content), lambda piece: None)]


class Trickle(io.BytesIO):
    """Gives at most 7001 bytes at a time, as a socket may."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(7001, BLOCK if size is None or size < 0 else size))


def test_chunks_together_are_the_stream_and_keep_their_bounds() -> None:
    content = random.Random(1).randbytes(2 * BLOCK + 12345)
    found = cut(content)
    assert b"".join(found) == content
    assert all(SMALLEST <= len(chunk) <= LARGEST for chunk in found[:-1])
    assert 40_000 < len(content) / len(found) < 100_000


def test_cuts_are_those_of_protocol_1() -> None:
    # Reckoned by hand from the formula in docs/formats/objects.md; other cuts would share nothing with old ones.
    content = random.Random(1).randbytes(600_000)
    assert [len(chunk) for chunk in cut(content)] == [
        74_185, 106_069, 24_113, 27_575, 78_084, 66_565, 101_816, 100_216, 21_377,
    ]  # fmt: skip


def test_cuts_do_not_depend_on_how_the_stream_gives_its_bytes() -> None:
    content = random.Random(2).randbytes(BLOCK + 99_999)
    assert cut(content) == cut(content, Trickle(content))


def test_the_tap_is_given_every_byte_in_order() -> None:
    content = random.Random(3).randbytes(BLOCK + 5)
    tapped: list[bytes] = []
    assert sum(map(len, chunks(io.BytesIO(content), tapped.append))) == len(content)
    assert b"".join(tapped) == content


def test_an_empty_stream_has_no_chunks() -> None:
    assert cut(b"") == []


def test_a_small_stream_holds_no_more_memory_than_its_bytes() -> None:
    (chunk,) = chunks(io.BytesIO(bytes(5_000)), lambda piece: None)
    assert len(chunk.obj) == 5_000


def test_text_is_refused_with_the_way_to_open_it() -> None:
    with pytest.raises(InvalidError, match="str, not bytes"):
        list(chunks(io.StringIO("text"), lambda piece: None))  # type: ignore[arg-type]


BASE = random.Random(4).randbytes(3_000_000)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, len(BASE)), st.integers(0, 5_000), st.binary(max_size=5_000))
def test_any_edit_renews_only_the_chunks_around_it(place: int, removed: int, added: bytes) -> None:
    edited = BASE[:place] + added + BASE[place + removed :]
    old, new = cut(BASE), cut(edited)
    assert b"".join(new) == edited
    fresh = sum(len(chunk) for chunk in set(new) - set(old))
    assert fresh <= 8 * LARGEST + len(added)


@given(st.lists(st.integers(0, 3 * BLOCK // 2), max_size=30).map(sorted))
@settings(max_examples=30, deadline=None)
def test_a_chunk_ends_at_every_end_that_is_named(ends: list[int]) -> None:
    content = random.Random(4).randbytes(3 * BLOCK // 2)
    found = [bytes(chunk) for chunk in chunks(Trickle(content), lambda piece: None, ends)]
    assert b"".join(found) == content
    places, at = {0}, 0
    for chunk in found:
        assert 0 < len(chunk) <= LARGEST
        at += len(chunk)
        places.add(at)
    assert set(ends) <= places
