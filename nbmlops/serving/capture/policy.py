"""What may be kept of a request: columns left out, values hashed with the workspace's key, rows drawn by the id.

All of it is applied before anything is written. A keyed hash lets labels meet their request and counts stay counts,
and without the key, which never leaves the workspace's folder, nobody can try out values.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blake3 import blake3

from nbmlops.serving.records import Deployment

__all__ = ["Policy", "hash_key", "hashed", "is_drawn"]

_KEY = "hash.key"
_RANGE = 1 << 64
_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Policy:
    """What is kept of the requests of a deployment."""

    deployment: str
    sampled: float
    personal: Mapping[str, str]
    sticky: str | None

    @classmethod
    def of(cls, deployment: Deployment) -> Policy:
        """As a deployment says."""
        return cls(deployment.name, deployment.sampled, dict(deployment.personal), deployment.sticky)

    def rule(self, column: str) -> str:
        """What is done with an input column."""
        return self.personal.get(column, "keep")

    @property
    def key_rule(self) -> str:
        """What is done with the key that chose the share: the same as with the column that it is of."""
        return self.rule(self.sticky) if self.sticky else "keep"


def hash_key(folder: Path) -> bytes:
    """The key of hashes of one workspace; made on first use, by one of those who need it at once."""
    path = folder / _KEY
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = folder / f".{_KEY}-{secrets.token_hex(8)}"
        made.touch(mode=0o600)
        made.write_bytes(secrets.token_bytes(32))
        with suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    return path.read_bytes()


def hashed(values: Iterable[Any], key: bytes) -> list[str | None]:
    """Keyed BLAKE3 of the text of each value, 32 hex digits; nulls stay."""
    return [
        None if value is None else blake3(str(value).encode(), key=key).hexdigest(length=_LENGTH) for value in values
    ]


def is_drawn(deployment: str, request: str, share: float) -> bool:
    """Whether the rows of a request are among the share that is kept: the same in every replica, and for a retry.

    Examples
    --------
    >>> sum(is_drawn("delay", str(number), 0.1) for number in range(10_000)) // 100
    10
    """
    if share >= 1:
        return True
    digest = blake3(f"kept\0{deployment}\0{request}".encode()).digest(length=8)
    return int.from_bytes(digest, "little") < share * _RANGE
