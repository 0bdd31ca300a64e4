"""Where the end of the audit trail is remembered apart from the catalog: signed, in the user's configuration folder.

``checkpoints/WORKSPACE.json`` holds one JSON object, ``{"format": 1, "workspace", "sequence", "digest", "at", "key",
"signature"}``: the number and the digest of the last line of a trail that was found whole, and the user's Ed25519
signature (RFC 8032) over the canonical JSON of the first five. It is replaced as a whole, after each verification.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.clock import Clock
from nbmlops.core.digests import canonical_json
from nbmlops.core.errors import CorruptError, UnavailableError, UntrustedError
from nbmlops.store.trust import Signature

if TYPE_CHECKING:
    from nbmlops.store.trust import Keyring

__all__ = ["Checkpoint", "Checkpoints"]

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last line of a trail as it was once: its number, its digest, and when that was."""

    sequence: int
    digest: str
    at: datetime


class Checkpoints:
    """Remembers the end of one workspace's trail for one user.

    Parameters
    ----------
    keyring : Keyring
        Signs, and says in which folder.
    workspace : str
        The workspace's id.
    clock : Clock
        The time.
    """

    def __init__(self, keyring: Keyring, workspace: str, clock: Clock) -> None:
        self._keyring = keyring
        self._workspace = workspace
        self._clock = clock
        self.path: Path = keyring.folder / "checkpoints" / f"{workspace}.json"

    def newest(self) -> Checkpoint | None:
        """What is remembered; None when nothing is.

        Raises
        ------
        CorruptError
            When the file is damaged, or not the one that this user signed.
        """
        try:
            said = json.loads(self.path.read_bytes())
            payload = _payload(said)
            found = Checkpoint(int(said["sequence"]), str(said["digest"]), datetime.fromisoformat(said["at"]))
            signature = Signature(str(said["key"]), str(said["signature"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged("it is no checkpoint") from error
        try:
            self._keyring.verify(payload, signature)
        except UntrustedError as error:
            raise self._damaged(error.message) from error
        if said["workspace"] != self._workspace:
            raise self._damaged("it is of another workspace")
        return found

    def keep(self, sequence: int, digest: str) -> None:
        """Remember the end of a trail that was found whole.

        Raises
        ------
        UnavailableError
            When it cannot be written.
        """
        at = self._clock.now().isoformat()
        said: dict[str, Any] = {"format": _FORMAT, "workspace": self._workspace}
        said |= {"sequence": sequence, "digest": digest, "at": at}
        signature = self._keyring.sign(_payload(said))
        content = canonical_json({**said, "key": signature.key, "signature": signature.value})
        part = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            with part.open("xb") as file:
                file.write(content + b"\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise UnavailableError(
                f"cannot write {self.path}: {error.strerror}", hint="check its permissions"
            ) from error

    def _damaged(self, why: str) -> CorruptError:
        return CorruptError(
            f"the checkpoint {self.path} of the audit trail cannot be used: {why}",
            hint="find out who wrote there; then remove it, and verify against an export",
        )


def _payload(said: dict[str, Any]) -> bytes:
    return canonical_json({key: said[key] for key in ("format", "workspace", "sequence", "digest", "at")})
