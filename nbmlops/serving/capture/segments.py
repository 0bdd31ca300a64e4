"""Segments of the log: files that one writer fills and locks, and that others read up to where it has come."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.refs import check_name
from nbmlops.store.liveness import is_held

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Place", "is_closed", "read_segment"]

_ENDING = ".arrows"


class Place:
    """The folder of one deployment: ``log/`` of segments, ``hours/`` of what was folded, ``labels/``, ``roll``.

    ``environments/`` says what its workers run on.
    """

    def __init__(self, root: Path, deployment: str) -> None:
        self.deployment = check_name(deployment)
        self.root = root
        self.folder = root / deployment
        self.log = self.folder / "log"
        self.hours = self.folder / "hours"
        self.labels = self.folder / "labels"
        self.environments = self.folder / "environments"

    def segments(self) -> list[Path]:
        """Files of the log, the oldest first."""
        return sorted(self.log.glob(f"*{_ENDING}")) if self.log.is_dir() else []

    def segment(self, name: str) -> Path:
        """Where the segment of a name lies."""
        return self.log / f"{name}{_ENDING}"

    @property
    def _roll(self) -> Path:
        return self.folder / "roll"

    def ask_to_roll(self) -> None:
        """Ask those who write the log to let go of their segments at their next flush."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._roll.write_text(secrets.token_hex(8), encoding="ascii")

    def asked_to_roll(self) -> str:
        """The word of whoever asked last to let go of segments; each time another one."""
        try:
            return self._roll.read_text(encoding="ascii")
        except FileNotFoundError:
            return ""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one that changes what was folded."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "fold.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def is_closed(path: Path) -> bool:
    """Whether nobody writes a segment any more: its writer has let go of it, or has died."""
    return is_held(path) is False


def read_segment(path: Path) -> pa.Table | None:
    """All whole batches of a segment: what a writer that was killed had begun is left out; None when there is none."""
    import pyarrow as pa

    try:
        file = path.open("rb")
    except FileNotFoundError:  # folded in the meantime
        return None
    batches = []
    with file:
        try:
            stream = pa.ipc.open_stream(file)
        except (pa.ArrowInvalid, OSError):  # killed before its schema was written
            return None
        while True:
            try:
                batches.append(stream.read_next_batch())
            except StopIteration:
                break
            except (pa.ArrowInvalid, OSError):  # the tear
                break
    return pa.Table.from_batches(batches) if batches else None
