"""A version written for the world outside: its file and a signature that others check without nbmlops.

The signature is a bundle of OpenSSF Model Signing: an in-toto statement with the SHA-256 of each file, in a DSSE
envelope, in Sigstore's bundle format v0.3. That format knows the elliptic curves of NIST and not Ed25519, so a person
has a second key for it; it lies beside the first.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import ConflictError, DependencyError, InvalidError, UnavailableError
from nbmlops.models.formats import format_named
from nbmlops.models.sealing import unsealed

if TYPE_CHECKING:
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.trust import Keyring
    from nbmlops.store.versions import Version

__all__ = ["Bundle", "bundled"]

_SIGNATURE = "model.sig"
_FACTS = "model.json"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A version that was exported with a signature of OpenSSF Model Signing.

    Attributes
    ----------
    ref : str
        The version.
    folder : Path
        Where it lies: the model's file, ``model.json`` with what is known of it, and ``model.sig``.
    public_key : Path
        What others need to check the signature; give it to them by another way than the folder.
    """

    ref: str
    folder: Path
    public_key: Path

    @property
    def command(self) -> str:
        """What to type to check it, where model-signing is installed."""
        return (
            f"model_signing verify key {self.folder} --signature {self.folder / _SIGNATURE} "
            f"--public_key {self.public_key}"
        )


def bundled(version: Version, objects: ObjectStore, keyring: Keyring, folder: Path) -> Bundle:
    """Write a version, whose own signature holds, and sign it for others.

    The folder appears whole or not at all.

    Raises
    ------
    CorruptError, UntrustedError
        When the version is not what a trusted key signed; see `nbmlops.models.sealing.unsealed`.
    ConflictError
        When something is at the folder already.
    InvalidError
        When the folder that it is to be made in is not there.
    DependencyError
        When model-signing is not installed.
    """
    try:
        from model_signing import hashing, signing
    except ImportError as error:
        raise DependencyError(
            f"a bundle of OpenSSF Model Signing needs {error.name}", hint="pip install 'nbmlops[oms]'"
        ) from None
    if folder.exists() or folder.is_symlink():
        raise ConflictError(f"there is something at {folder} already", hint="name a folder that is not there yet")
    if not folder.parent.is_dir():
        raise InvalidError(f"there is no folder {folder.parent}", hint=f"`mkdir -p {folder.parent}`")
    content = unsealed(version, objects, keyring)
    private, public = keyring.bundle_keys()
    try:
        making = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".nbmlops-export-"))
    except OSError as error:
        raise UnavailableError(f"cannot write in {folder.parent}: {error.strerror}") from error
    try:
        (making / f"model{format_named(version.detail['format']).ending}").write_bytes(content)
        (making / _FACTS).write_text(json.dumps(_facts(version), indent=2, sort_keys=True) + "\n", encoding="utf-8")
        hashed = hashing.Config().set_ignored_paths(paths=[making / _SIGNATURE])
        signer = signing.Config().use_elliptic_key_signer(private_key=private).set_hashing_config(hashed)
        signer.sign(making, making / _SIGNATURE)
        making.chmod(0o755)
        os.rename(making, folder)  # noqa: PTH104 - Path.rename says the same with more words
    except OSError as error:
        raise UnavailableError(f"cannot write {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return Bundle(version.ref, folder, public)


def _facts(version: Version) -> dict[str, object]:
    """What the registry signed of the version, for readers without a store."""
    kept = ("canonical", "estimator", "format", "libraries", "signature", "signed")
    return {
        "digest": f"blake3:{version.digest}",
        "name": version.name,
        "version": version.number,
        **{name: version.detail[name] for name in kept if name in version.detail},
    }
