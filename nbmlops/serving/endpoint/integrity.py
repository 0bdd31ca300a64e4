"""Whether a body is the one that was sent, when its sender says so: the header ``Content-Digest`` of RFC 9530.

A body that is whole JSON or a whole Arrow stream may still have a digit or a bit turned on its way, and would be
answered as if it had been meant. A sender who wants that to be noticed sends the digest of the body with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable

from nbmlops.serving.endpoint.refusals import Refusal

__all__ = ["check"]

_KNOWN = {b"sha-256": hashlib.sha256, b"sha-512": hashlib.sha512}  # those that RFC 9530 calls active
_MEMBER = re.compile(rb"\s*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):\s*")  # a byte sequence of RFC 8941
_HINT = "Content-Digest: sha-256=:BASE64:"


def check(headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
    """Hold a body against the digests that came with it, if any did.

    Raises
    ------
    Refusal
        With status 400: when the header is none of RFC 9530, names no digest that is known here, or one of those
        that are known is that of another body.
    """
    given = [value for name, value in headers if name == b"content-digest"]
    if not given:
        return
    known = 0
    for member in b",".join(given).split(b","):
        found = _MEMBER.fullmatch(member)
        if found is None:
            raise Refusal(400, "the header Content-Digest cannot be read", _HINT)
        make = _KNOWN.get(found[1])
        if make is None:
            continue
        known += 1
        try:
            told = base64.b64decode(found[2], validate=True)
        except binascii.Error:
            raise Refusal(400, "the header Content-Digest cannot be read", _HINT) from None
        if not hmac.compare_digest(told, make(body).digest()):
            raise Refusal(400, "the body is not the one whose digest was sent: it was damaged on its way", "send again")
    if not known:
        raise Refusal(400, f"the header Content-Digest has none of {', '.join(k.decode() for k in _KNOWN)}", _HINT)
