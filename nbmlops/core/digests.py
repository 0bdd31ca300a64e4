"""Content digests: BLAKE3-256, written as 64 lower-case hex digits."""

from __future__ import annotations

import json
import re
from typing import Any

from blake3 import blake3

__all__ = ["canonical_json", "is_digest", "of_bytes", "of_json", "of_text", "short"]

_DIGEST = re.compile(r"[0-9a-f]{64}")


def of_bytes(content: bytes | bytearray | memoryview) -> str:
    """Digest of `content`, 64 hex digits.

    Examples
    --------
    >>> of_bytes(b"")[:16]
    'af1349b9f5f9a1a6'
    """
    return blake3(content).hexdigest()


def of_text(text: str) -> str:
    """Digest of a text in UTF-8; one with halves of surrogate pairs has one too.

    Examples
    --------
    >>> of_text("x = 1") == of_bytes(b"x = 1")
    True
    """
    return of_bytes(text.encode("utf-8", "surrogatepass"))


def canonical_json(value: Any) -> bytes:
    """Write `value` as JSON in one way only: sorted keys, no spaces, UTF-8, no NaN.

    Raises
    ------
    ValueError
        When `value` holds NaN or an infinity, which JSON cannot write.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def of_json(value: Any) -> str:
    """Digest of the canonical JSON of `value`."""
    return of_bytes(canonical_json(value))


def short(digest: str) -> str:
    """First eight digits, the form that people read."""
    return digest[:8]


def is_digest(text: str) -> bool:
    """Whether a text is written as a whole digest is.

    Examples
    --------
    >>> is_digest(of_bytes(b"")), is_digest("af1349b9")
    (True, False)
    """
    return _DIGEST.fullmatch(text) is not None
