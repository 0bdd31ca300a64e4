"""What is signed of a model version, and the checks before anything is built from its bytes.

The order is fixed: digest, signature, format. The object store hashes every chunk that it hands out; the
whole is hashed once more against the registry; then the signature is checked over what the registry says;
only then is the format's loader called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.core.digests import canonical_json, of_bytes
from nbmlops.core.errors import CorruptError, UntrustedError
from nbmlops.models.formats import Trust, format_named
from nbmlops.store.trust import Keyring, Signature

if TYPE_CHECKING:
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.versions import Version

__all__ = ["build", "sealed", "trust_in", "unsealed"]


def sealed(keyring: Keyring, digest: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    """Give `detail` with the signature of the person's own key added."""
    signature = keyring.sign(_payload(digest, detail))
    return {**detail, "signed": {"key": signature.key, "value": signature.value}}


def unsealed(version: Version, objects: ObjectStore, keyring: Keyring) -> bytes:
    """Bytes of a version, once its digest and signature have been checked.

    Raises
    ------
    CorruptError
        When the bytes are not those that were saved.
    UntrustedError
        When the signature is missing, does not fit, or is of a key that the person does not trust.
    """
    content = objects.read(version.root)
    if of_bytes(content) != version.digest:
        raise CorruptError(f"the bytes of {version.ref} are not those that were saved", hint="`ml store verify`")
    try:
        signature = Signature(version.detail["signed"]["key"], version.detail["signed"]["value"])
        payload = _payload(version.digest, version.detail)
    except (KeyError, TypeError):
        raise UntrustedError(f"{version.ref} is not signed", hint="save it again from its source") from None
    try:
        keyring.verify(payload, signature)
    except UntrustedError as error:
        raise UntrustedError(f"{version.ref}: {error.message}", hint=error.hint) from None
    return content


def build(version: Version, objects: ObjectStore, keyring: Keyring) -> Any:
    """Build the estimator of a version, after all checks.

    Raises
    ------
    CorruptError, UntrustedError, UnsupportedError
        See `unsealed` and the format's own loader.
    """
    content = unsealed(version, objects, keyring)
    return format_named(version.detail["format"]).load(content, trust_in(keyring, version.detail["signed"]["key"]))


def trust_in(keyring: Keyring, signer: str) -> Trust:
    """What a person lets a file do that the key `signer` has signed, once that signature holds."""
    return Trust(keyring.types(), signer in keyring.code_keys())


def _payload(digest: str, detail: Mapping[str, Any]) -> bytes:
    return canonical_json(
        {
            "kind": "model",
            "format": detail["format"],
            "digest": digest,
            "signature": detail["signature"],
            "estimator": detail["estimator"],
        }
    )
