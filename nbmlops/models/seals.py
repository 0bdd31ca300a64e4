"""What `model verify` finds of one version: bytes, signature, key, format and types, each held or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbmlops.core.digests import of_bytes
from nbmlops.core.errors import CorruptError, NbmlopsError, UntrustedError
from nbmlops.models.formats import format_named
from nbmlops.models.sealing import trust_in, unsealed

if TYPE_CHECKING:
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.trust import Keyring
    from nbmlops.store.versions import Version

__all__ = ["Seal", "seal_of"]


@dataclass(frozen=True, slots=True)
class Seal:
    """What holds of a version; each step is looked at only when those before it hold.

    `content`, `signature` and `types` are ``held``, ``broken`` or empty when it was not looked at; `says` is what the
    file would build, or why it is refused.
    """

    ref: str
    format: str
    signer: str
    content: str
    signature: str
    types: str
    says: str

    @property
    def holds(self) -> bool:
        """Whether it would be loaded here."""
        return self.types == "held"


def seal_of(version: Version, objects: ObjectStore, keyring: Keyring) -> Seal:
    """Look at digest, signature, format and types of a version, in that order, without building anything."""
    detail = version.detail
    signed = detail.get("signed")
    signer = str(signed.get("key", "")) if isinstance(signed, dict) else ""
    kind = str(detail.get("format", ""))

    def found(content: str, signature: str, types: str, says: str) -> Seal:
        return Seal(version.ref, kind, signer, content, signature, types, says)

    try:
        content = objects.read(version.root)
        if of_bytes(content) != version.digest:
            raise CorruptError("the bytes are not those that were saved")
    except NbmlopsError as error:
        return found("broken", "", "", error.message)
    try:
        unsealed(version, objects, keyring)
    except UntrustedError as error:
        return found("held", "broken", "", error.message)
    try:
        return found("held", "held", "held", format_named(kind).inspect(content, trust_in(keyring, signer)))
    except NbmlopsError as error:
        return found("held", "held", "broken", error.message)
