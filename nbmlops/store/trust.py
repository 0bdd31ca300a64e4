"""What one person signs with and whom they trust, in their own configuration folder, never in a workspace.

=======================  =====================================================================
``key.pem``              the private Ed25519 key (PKCS #8, PEM), mode 0600, made on first use
``bundle_key.pem``       another, on the curve P-256, for signatures that know no Ed25519; ``bundle_key.pub`` beside it
``trusted_keys``         a line for each public key: 64 hex digits, then whose it is
``trusted_types``        a line for each type that models may hold besides the reviewed ones
``trusted_code``         a line for each key id whose joblib files may run code
``trusted_workspaces``   a line for each workspace: its id, then its folder
=======================  =====================================================================

The lists are plain lines, as in ssh's ``authorized_keys``, so that a person can read and edit them and
an added line is one atomic append. A pull or a workspace never adds to them.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core import digests
from nbmlops.core.errors import InvalidError, UnavailableError, UntrustedError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["Keyring", "Signature", "key_id"]

_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Signature:
    """An Ed25519 signature (RFC 8032): the id of the key that made it, and its 64 bytes as hex."""

    key: str
    value: str


def key_id(public: bytes) -> str:
    """Id of a raw public key of 32 bytes: the first 16 hex digits of its BLAKE3 digest."""
    return digests.of_bytes(public)[:16]


class Keyring:
    """One person's private key, and the keys, types and workspaces that they trust.

    Parameters
    ----------
    folder : Path
        The person's configuration folder, such as ``~/.config/nbmlops``; made, with mode 0700, when
        something is first written to it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sign(self, payload: bytes) -> Signature:
        """Sign `payload` with the person's own key, which is made on first use.

        Raises
        ------
        UntrustedError
            When the key file can be read or written by others, belongs to another account, or is not
            an Ed25519 key.
        """
        key = self._private()
        return Signature(key_id(_public(key)), key.sign(payload).hex())

    def verify(self, payload: bytes, signature: Signature) -> None:
        """Do nothing when a trusted key made `signature` over `payload`, else raise.

        Raises
        ------
        UntrustedError
            When the key is not a trusted one, or the signature does not fit.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        public = self.trusted_keys().get(signature.key)
        if public is None:
            raise UntrustedError(
                f"signed by the key {signature.key}, which you do not trust",
                hint="its owner sees the public key with `ml doctor`; "
                f"add it as a line to {self.folder / 'trusted_keys'}",
            )
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(bytes.fromhex(signature.value), payload)
        except (InvalidSignature, ValueError):
            raise UntrustedError(
                f"the signature of the key {signature.key} does not fit: "
                "what is stored is not what was signed, or it was signed by somebody else",
                hint="do not use it; save it again from its source, or load an earlier version",
            ) from None

    @property
    def has_key(self) -> bool:
        """Whether the person has signed anything yet."""
        return self._key_file.exists()

    def public_key(self) -> str:
        """The person's own public key, 64 hex digits: what a colleague adds to their ``trusted_keys``."""
        return _public(self._private()).hex()

    def trusted_keys(self) -> dict[str, bytes]:
        """Raw public keys by key id: the person's own, once it exists, and those in ``trusted_keys``.

        Raises
        ------
        UntrustedError
            When a line of the file does not begin with a public key.
        """
        found = {}
        if self.has_key:
            own = _public(self._private())
            found[key_id(own)] = own
        for number, line in self._lines("trusted_keys"):
            word = line.split()[0].lower()
            if len(word) != 64 or not set(word) <= _HEX:
                raise UntrustedError(
                    f"line {number} of {self.folder / 'trusted_keys'} does not begin with a public key",
                    hint="a line is 64 hex digits, then whose key it is; mend it or delete it",
                )
            found[key_id(bytes.fromhex(word))] = bytes.fromhex(word)
        return found

    def trust_key(self, public: str, owner: str = "") -> str:
        """Trust what the owner of a public key signs; gives the key's id.

        Raises
        ------
        InvalidError
            When `public` is not 64 hex digits.
        """
        word = public.strip().lower()
        if len(word) != 64 or not set(word) <= _HEX:
            raise InvalidError("a public key is 64 hex digits", hint="its owner sees it with: `ml doctor`")
        self._add("trusted_keys", f"{word} {owner}".rstrip())
        return key_id(bytes.fromhex(word))

    def types(self) -> frozenset[str]:
        """Names of the types that this person trusts in models, besides the reviewed ones."""
        return frozenset(line for _, line in self._lines("trusted_types"))

    def trust_type(self, name: str) -> None:
        """Trust a type or function in models by its dotted name.

        Raises
        ------
        InvalidError
            When `name` is not a dotted name.
        """
        if not all(part.isidentifier() for part in name.split(".")) or "." not in name:
            raise InvalidError(f"{name!r} is not the name of a type", hint="write it as in sklearn.tree._tree.Tree")
        self._add("trusted_types", name)

    def code_keys(self) -> frozenset[str]:
        """Ids of the keys whose joblib files, which run code, this person opens: their own, and those they named."""
        own = {key_id(_public(self._private()))} if self.has_key else set()
        return frozenset(own | {line.split()[0] for _, line in self._lines("trusted_code")})

    def trust_code(self, key: str) -> None:
        """Let joblib files of a trusted key run code here.

        Raises
        ------
        InvalidError
            When `key` is not the id of a key that this person trusts already.
        """
        if key not in self.trusted_keys():
            raise InvalidError(
                f"{key!r} is not the id of a key that you trust",
                hint=f"add its public key as a line to {self.folder / 'trusted_keys'} first",
            )
        self._add("trusted_code", key)

    def is_trusted(self, workspace_id: str, path: Path) -> bool:
        """Whether the person trusts this workspace, at this folder."""
        return _workspace_line(workspace_id, path) in {line for _, line in self._lines("trusted_workspaces")}

    def trust_workspace(self, workspace_id: str, path: Path) -> None:
        """Trust a workspace at a folder; a copy of it elsewhere stays untrusted."""
        self._add("trusted_workspaces", _workspace_line(workspace_id, path))

    @property
    def _key_file(self) -> Path:
        return self.folder / "key.pem"

    def _private(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        if not self._key_file.exists():
            self._make_key()
        _only_mine(self.folder, 0o077)
        _only_mine(self._key_file, 0o077)
        try:
            key = load_pem_private_key(self._key_file.read_bytes(), password=None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise UntrustedError(
                f"{self._key_file} is not an Ed25519 private key without a password",
                hint="restore it from a backup, or move it away: a new one is made, "
                "and what the old one signed stays loadable once its public key is in trusted_keys",
            )
        return key

    def _make_key(self) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._write_once(self._key_file, _pem(Ed25519PrivateKey.generate()))

    def bundle_keys(self) -> tuple[Path, Path]:
        """Files of the private and the public key with which exported bundles are signed, made on first use.

        Raises
        ------
        UntrustedError
            When the private one can be read by others, belongs to another account, or is no key of P-256.
        """
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

        private, public = self.folder / "bundle_key.pem", self.folder / "bundle_key.pub"
        if not private.exists():
            self._write_once(private, _pem(ec.generate_private_key(ec.SECP256R1())))
        _only_mine(self.folder, 0o077)
        _only_mine(private, 0o077)
        try:
            key = load_pem_private_key(private.read_bytes(), password=None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise UntrustedError(
                f"{private} is not a private key of P-256 without a password",
                hint="restore it from a backup, or move it away: a new one is made",
            )
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        if not public.exists() or public.read_bytes() != pem:
            public.unlink(missing_ok=True)
            self._write_once(public, pem)
        return private, public

    def _write_once(self, path: Path, content: bytes) -> None:
        """Write a file that only its owner may read, unless it is there."""
        self._make_folder()
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".key-")  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # A link fails when the name is taken, so of two first uses at once both take the same key.
            os.link(temporary, path)
        except FileExistsError:
            return
        except OSError as error:
            raise UnavailableError(f"cannot write {path}: {error.strerror}") from error
        finally:
            Path(temporary).unlink(missing_ok=True)
        _sync_folder(self.folder)

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(
                f"cannot make {self.folder}, where your key and trust live: {error.strerror}",
                hint="check its permissions, or set NBMLOPS_CONFIG to a folder of yours",
            ) from error
        _only_mine(self.folder, 0o077)

    def _lines(self, name: str) -> Iterator[tuple[int, str]]:
        path = self.folder / name
        if not path.exists():
            return
        _only_mine(self.folder, 0o077)
        _only_mine(path, 0o022)  # who may read it in a folder of mode 0700 does not matter
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, IsADirectoryError):
            raise UntrustedError(f"{path} is not a text file", hint="restore it, or move it away") from None
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip() and not line.startswith("#"):
                yield number, line.strip()

    def _add(self, name: str, line: str) -> None:
        self._make_folder()
        if line in {known for _, known in self._lines(name)}:
            return
        path = self.folder / name
        # A file whose last line a person left without its end must not swallow the new one.
        torn = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
        try:
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(b"\n" * torn + line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UnavailableError(f"cannot write {path}: {error.strerror}") from error


def _pem(key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _workspace_line(workspace_id: str, path: Path) -> str:
    # A folder's name may hold a line break; JSON keeps it on one line.
    return f"{workspace_id} {digests.canonical_json(str(path.resolve())).decode()}"


def _only_mine(path: Path, others: int) -> None:
    """Refuse a file or folder of another account, or one that has any of the permissions `others`."""
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise UntrustedError(
            f"{path} belongs to another account, so what it says is not yours",
            hint="chown it to you if you put it there, or set NBMLOPS_CONFIG to a folder of yours",
        )
    if stat.S_IMODE(found.st_mode) & others:
        mode = "700" if path.is_dir() else "600"
        raise UntrustedError(f"{path} is open to other accounts", hint=f"chmod {mode} '{path}'")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
