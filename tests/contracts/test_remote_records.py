"""The records of a remote, wherever it lies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nbmlops.core import digests
from nbmlops.core.errors import CorruptError, InvalidError, UnsupportedError
from nbmlops.store.remote import Remote
from nbmlops.store.remote_records import PROTOCOL, Filed, filed_as, folder_of


def document(name: str, number: int, **more: Any) -> dict[str, Any]:
    digest = digests.of_bytes(f"{name} {number}".encode())
    return {"protocol": PROTOCOL, "kind": "data", "name": name, "number": number, "digest": digest, **more}


def test_a_record_is_filed_once_found_by_its_name_and_removed(place: str) -> None:
    records = Remote(place).records
    assert records.filed("data") == []
    one, two, other = document("flights", 2), document("flights", 10), document("weather", 1)
    at = records.write(one)
    assert at == filed_as(one)
    assert records.write(one) is None
    for each in (two, other):
        records.write(each)
    assert [each.number for each in records.filed("data", "flights")] == [2, 10]
    assert len(records.filed("data")) == 3
    assert records.read_all(records.filed("data", "flights")) == [one, two]
    assert records.filed("model") == records.filed("data", shelf="lineage") == []
    records.remove(filed_as(one))
    records.remove(filed_as(one))
    assert records.read_all(records.filed("data", "flights")) == [two]


def test_names_of_any_script_have_a_folder_of_their_own(place: str) -> None:
    records = Remote(place).records
    names = ["flights", "Flights", "FLIGHTS", "Flüge", "航班", "ы" * 128]
    for name in names:
        records.write(document(name, 1))
    assert len({folder_of(name).lower() for name in names}) == len(names)
    for name in names:
        (filed,) = records.filed("data", name)
        assert records.read(filed)["name"] == name


def test_of_many_writers_of_one_record_one_wins_and_all_are_content(place: str) -> None:
    def write(number: int) -> bool:
        return Remote(place).records.write(document("flights", number % 2 + 1)) is not None

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(write, range(6)))
    assert sum(won) <= 2
    assert [each.number for each in Remote(place).records.filed("data")] == [1, 2]


def test_a_newer_protocol_is_refused_by_its_number(place: str) -> None:
    records = Remote(place).records
    records.check()
    newer = document("flights", 1) | {"protocol": PROTOCOL + 1}
    records.write(newer)
    with pytest.raises(UnsupportedError, match=f"has protocol {PROTOCOL + 1}; this nbmlops reads {PROTOCOL}"):
        records.read(filed_as(newer))
    records.begin()
    records.check()


def test_a_record_that_was_changed_is_never_believed(tmp_path: Any) -> None:
    remote = Remote(str(tmp_path))
    at = remote.records.write(document("flights", 1))
    assert at is not None
    path = tmp_path / at.path
    path.write_bytes(path.read_bytes().replace(b"flights", b"weather"))
    with pytest.raises(CorruptError, match="its bytes do not give its name"):
        remote.records.read(at)
    moved = filed_as(document("flights", 1))
    other = tmp_path / Filed(1, moved.digest, moved.uid, "data", "weather", "versions").path
    other.parent.mkdir()
    remote.records.remove(at)
    remote.records.write(document("flights", 1))
    path.rename(other)
    with pytest.raises(CorruptError, match="lies in a wrong place"):
        remote.records.read(remote.records.filed("data", "weather")[0])


def test_a_remote_of_a_newer_layout_is_refused_before_anything_is_read(tmp_path: Any) -> None:
    (tmp_path / "remote.json").write_text('{"protocol": 7}')
    with pytest.raises(UnsupportedError, match="has protocol 7"):
        Remote(str(tmp_path)).records.check()
    (tmp_path / "remote.json").write_text("nonsense")
    with pytest.raises(CorruptError, match="is damaged"):
        Remote(str(tmp_path)).records.check()


@pytest.mark.parametrize(
    "url", ["s3://key:geheim@bucket/x", "s3://bucket/x?access_key=geheim", "s3://a:ge/heim@bucket", "sftp://h/x#geheim"]
)
def test_a_url_with_credentials_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidError, match="credentials are never stored") as told:
        Remote(url)
    assert "heim" not in str(told.value)
