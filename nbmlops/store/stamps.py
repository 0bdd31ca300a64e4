"""Files that were hashed before and have not been written to since, told by what the file system says of them.

As git's index does it: a file with the device, inode, size and times of modification and of change (``st_mtime_ns``,
``st_ctime_ns``) that it had when it was hashed is taken to have its digest still. The time of change no program can
set, so putting the time of modification back deceives nobody. Two things would, and are kept out: a write within the
same tick of a file system's clock (git's "racy" entry), so nothing is remembered of a file that was written to in the
last two seconds before it was hashed; and the clocks of others, so nothing is remembered of a network's files. One
thing stays: who maps a file into memory and goes on writing to it shows so only when the system writes it out. The
setting ``rehash`` lets every file be read again.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from nbmlops.core.clock import Clock
from nbmlops.store.filesystem import is_network

__all__ = ["Stamps"]

_SETTLED = 2_000_000_000
"""Nanoseconds; the coarsest clock of a file system in use, FAT's, has ticks of two seconds."""
_KEPT = 1_000
_PROTOCOL = 1


class Stamps:
    """Remembers, in a file of this machine that may be lost.

    Parameters
    ----------
    path : Path
        The file, JSON; what cannot be read in it is as if it were not there.
    clock : Clock
        Tells when hashing began.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    def now(self) -> int:
        """The time in nanoseconds since 1970, to be taken before a file is read."""
        return int(self._clock.now().timestamp() * 1e9)

    def digest(self, stream: BinaryIO) -> str | None:
        """Digest of an open file that is as it was when it was hashed, else None; nothing is read."""
        found = os.fstat(stream.fileno())
        kept = self._read().get(_key(found))
        return kept[-1] if isinstance(kept, list) and kept[:-1] == _stamp(found) else None

    def keep(self, stream: BinaryIO, digest: str, began: int) -> None:
        """Remember the digest of an open file, which was read from `began` on, unless it could change unnoticed."""
        found = os.fstat(stream.fileno())
        if max(found.st_mtime_ns, found.st_ctime_ns) + _SETTLED > began or is_network(Path(stream.name).parent):
            return
        files = self._read()
        files.pop(_key(found), None)
        files[_key(found)] = [*_stamp(found), digest]
        content = {"protocol": _PROTOCOL, "files": dict(list(files.items())[-_KEPT:])}
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with suppress(OSError):  # what is not remembered is read again, no more
            temporary.write_text(json.dumps(content))
            temporary.replace(self._path)

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_bytes())
            return dict(content["files"]) if content["protocol"] == _PROTOCOL else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}


def _key(found: os.stat_result) -> str:
    return f"{found.st_dev}:{found.st_ino}"


def _stamp(found: os.stat_result) -> list[int]:
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]
