"""What a person signs with and whom they trust."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from nbmlops.core.errors import InvalidError, UnavailableError, UntrustedError
from nbmlops.store.trust import Keyring, Signature, key_id


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "config" / "nbmlops")


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


def test_a_signature_of_ones_own_verifies(keyring: Keyring) -> None:
    signature = keyring.sign(b"model")
    keyring.verify(b"model", signature)
    assert signature.key == key_id(bytes.fromhex(keyring.public_key()))
    assert keyring.sign(b"model") == signature


def test_the_key_is_closed_to_others_from_the_start(keyring: Keyring) -> None:
    keyring.sign(b"")
    assert mode(keyring.folder) == "0o700"
    assert mode(keyring.folder / "key.pem") == "0o600"
    assert [path.name for path in keyring.folder.iterdir()] == ["key.pem"]


def test_another_payload_does_not_fit(keyring: Keyring) -> None:
    with pytest.raises(UntrustedError, match="does not fit"):
        keyring.verify(b"other", keyring.sign(b"model"))


@pytest.mark.parametrize("value", ["", "00", "zz", "00" * 64])
def test_a_made_up_signature_does_not_fit(keyring: Keyring, value: str) -> None:
    with pytest.raises(UntrustedError, match="does not fit"):
        keyring.verify(b"model", Signature(keyring.sign(b"model").key, value))


def test_a_strangers_signature_is_refused_until_their_key_is_trusted(keyring: Keyring, tmp_path: Path) -> None:
    stranger = Keyring(tmp_path / "stranger")
    signature = stranger.sign(b"model")
    with pytest.raises(UntrustedError, match=f"{signature.key}, which you do not trust") as refused:
        keyring.verify(b"model", signature)
    assert "trusted_keys" in str(refused.value.hint)
    assert keyring.trust_key(stranger.public_key(), "Ada") == signature.key
    keyring.verify(b"model", signature)


def test_a_key_may_be_added_by_hand_even_without_a_line_end(keyring: Keyring, tmp_path: Path) -> None:
    keyring.sign(b"")
    first, second = Keyring(tmp_path / "first"), Keyring(tmp_path / "second")
    (keyring.folder / "trusted_keys").write_text(f"# colleagues\n\n{first.public_key().upper()} Ada")
    keyring.trust_key(second.public_key())
    for colleague in (first, second):
        keyring.verify(b"x", colleague.sign(b"x"))


def test_a_torn_line_is_named(keyring: Keyring) -> None:
    keyring.sign(b"")
    (keyring.folder / "trusted_keys").write_text("# fine\nabc\n")
    with pytest.raises(UntrustedError, match=r"line 2 of .*trusted_keys"):
        keyring.trusted_keys()


def test_what_is_no_public_key_is_not_added(keyring: Keyring) -> None:
    with pytest.raises(InvalidError, match="64 hex digits"):
        keyring.trust_key("ssh-ed25519 AAAA")
    assert not keyring.folder.exists()


@pytest.mark.parametrize("name", ["key.pem", "."])
@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660])
def test_a_key_or_folder_open_to_others_is_refused_with_the_command_to_close_it(
    keyring: Keyring, name: str, bits: int
) -> None:
    keyring.sign(b"")
    path = keyring.folder / name
    path.chmod(bits | 0o700)
    with pytest.raises(UntrustedError, match="open to other accounts") as refused:
        keyring.sign(b"")
    assert str(refused.value.hint).startswith("chmod ")


def test_a_list_that_others_can_write_is_refused(keyring: Keyring) -> None:
    keyring.trust_type("a.B")
    (keyring.folder / "trusted_types").chmod(0o644)
    assert keyring.types() == {"a.B"}
    (keyring.folder / "trusted_types").chmod(0o620)
    with pytest.raises(UntrustedError, match="open to other accounts"):
        keyring.types()


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_corrupt_key_is_a_clear_error(keyring: Keyring, content: bytes) -> None:
    keyring.sign(b"")
    (keyring.folder / "key.pem").write_bytes(content)
    with pytest.raises(UntrustedError, match="is not an Ed25519 private key"):
        keyring.sign(b"")


def test_a_foreign_kind_of_key_is_a_clear_error(keyring: Keyring) -> None:
    keyring.sign(b"")
    foreign = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (keyring.folder / "key.pem").write_bytes(foreign)
    with pytest.raises(UntrustedError, match="is not an Ed25519 private key"):
        keyring.sign(b"")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="cannot make"):
        Keyring(tmp_path / "file" / "nbmlops").sign(b"")


def test_a_list_of_bytes_is_a_clear_error(keyring: Keyring) -> None:
    keyring.sign(b"")
    (keyring.folder / "trusted_types").write_bytes(b"\xff\xfe")
    with pytest.raises(UntrustedError, match="not a text file"):
        keyring.types()


def test_types_are_remembered_once(keyring: Keyring) -> None:
    assert keyring.types() == frozenset()
    for name in ("mine.Clean", "mine.Join", "mine.Clean"):
        keyring.trust_type(name)
    assert Keyring(keyring.folder).types() == {"mine.Clean", "mine.Join"}
    assert (keyring.folder / "trusted_types").read_text() == "mine.Clean\nmine.Join\n"


@pytest.mark.parametrize("name", ["", "Clean", "a b.C", "mine.<lambda>", "mine.C\nos.system"])
def test_what_is_no_name_of_a_type_is_not_trusted(keyring: Keyring, name: str) -> None:
    with pytest.raises(InvalidError, match="not the name of a type"):
        keyring.trust_type(name)


def test_a_workspace_is_trusted_at_its_folder_only(keyring: Keyring, tmp_path: Path) -> None:
    odd = tmp_path / "with space\nand line"
    odd.mkdir()
    keyring.trust_workspace("id1", odd)
    assert keyring.is_trusted("id1", odd)
    assert keyring.is_trusted("id1", odd / ".." / odd.name)
    assert not keyring.is_trusted("id2", odd)
    assert not keyring.is_trusted("id1", tmp_path)


def _sign(folder: Path) -> str:
    return Keyring(folder).sign(b"x").key


def test_first_uses_at_once_make_one_key(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        keys = set(pool.map(_sign, [tmp_path / "keys"] * 12))
    assert len(keys) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["key.pem"]
