"""The log of captured requests: handed over without waiting, written by a thread of its own.

The thread that answers puts a request into a queue and goes on. When the queue is full, or the disk is, requests are
left out and counted: serving goes on. What was written at the last flush survives the process, as it is with the
operating system then; flushes are `FLUSH` seconds apart.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from nbmlops.serving.capture.batches import Layout, learnt
from nbmlops.serving.capture.policy import Policy, hash_key
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.capture.segments import Place
from nbmlops.serving.records import Deployment

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FLUSH", "CaptureCounts", "CaptureLog"]

FLUSH = 0.25
"""Seconds between flushes."""
_OPEN = 300.0
_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class CaptureCounts:
    """What became of rows: written, left out because the queue or the disk was full, and values of the wrong type."""

    written: int
    dropped: int
    failed: int
    unfit: int
    error: str = ""


class _Segment:
    """One file of the log, open and locked."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.schema = schema
        self._descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self.began = time.monotonic()
        self.size = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a batch whole, or raise and leave the file as it was."""
        # A stream is its schema and then its batches, each a message of its own. Written in one piece, a batch is whole
        # or is cut off again, so that a full disk tears nothing.
        content = memoryview(batch.serialize())
        if self.size == 0:
            content = memoryview(bytes(self.schema.serialize()) + bytes(content))
        try:
            self._append(content)
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += len(content)

    def _append(self, content: memoryview) -> None:
        while content:
            content = content[os.write(self._descriptor, content) :]

    def close(self) -> None:
        """Let go of it: whoever comes folds it."""
        os.close(self._descriptor)


class CaptureLog:
    """The log of one process of one deployment; close it, or use it in a ``with``.

    Parameters
    ----------
    root : Path
        The folder of all captured requests: ``.nbmlops/capture``.
    deployment : Deployment
        Whose requests they are, and what may be kept of them.
    worker : str
        Who writes: a name of the process, unlike that of any other.
    most : int
        Rows that may wait; more are left out and counted.
    memory : callable
        Says how much memory the process holds now, in bytes: it is noted with each batch. None where that is not known.
    """

    def __init__(
        self,
        root: Path,
        deployment: Deployment,
        worker: str,
        *,
        most: int = 50_000,
        memory: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._place = Place(root, deployment.name)
        self._worker = worker
        self._most = most
        self._memory = memory
        self._key = hash_key(root)
        self._policy = Policy.of(deployment)
        self._declared: dict[int, pa.Schema] = {}
        self._layouts: dict[int, Layout] = {}
        self._open: dict[int, _Segment] = {}
        self._queue: list[CapturedRequest] = []
        self._waiting = 0
        self._guard = threading.Lock()
        self._flushing = threading.Lock()
        self._written = self._dropped = self._failed = self._unfit = 0
        self._error = ""
        self._made = 0
        self._asked = self._place.asked_to_roll()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nbmlops-capture", daemon=True)
        self._thread.start()

    def declare(self, version: int, fields: pa.Schema) -> None:
        """Say which columns a version has: ``in:NAME``, ``out:predict``, ``out:proba:CLASS``, with their types."""
        with self._flushing:
            self._declared[version] = fields
            self._layouts.pop(version, None)

    def follow(self, deployment: Deployment) -> None:
        """Keep from now on what a changed deployment says."""
        with self._flushing:
            self._write(self._taken())
            self._policy = Policy.of(deployment)
            self._layouts.clear()

    def add(self, requests: Iterable[CapturedRequest]) -> None:
        """Hand requests over; never waits for the disk."""
        with self._guard:
            for one in requests:
                if self._waiting + one.rows <= self._most:
                    self._waiting += one.rows
                    self._queue.append(one)
                else:
                    self._dropped += one.rows

    def flush(self) -> None:
        """Write what was handed over."""
        with self._flushing:
            self._write(self._taken())
            self._roll()

    @property
    def counts(self) -> CaptureCounts:
        """What became of the rows so far."""
        unfit = self._unfit + sum(layout.unfit for layout in self._layouts.values())
        return CaptureCounts(self._written, self._dropped, self._failed, unfit, self._error)

    def close(self) -> None:
        """Write what is left, and let go of the files."""
        self._ending.set()
        self._thread.join()
        with self._flushing:
            self._write(self._taken())
            for segment in self._open.values():
                segment.close()
            self._open.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while not self._ending.wait(FLUSH):
            self.flush()

    def _taken(self) -> list[CapturedRequest]:
        with self._guard:
            queue, self._queue, self._waiting = self._queue, [], 0
        return queue

    def _write(self, queue: list[CapturedRequest]) -> None:
        groups: dict[int, list[CapturedRequest]] = {}
        for one in queue:
            groups.setdefault(one.version, []).append(one)
        for version, requests in groups.items():
            rows = sum(one.rows for one in requests)
            try:
                self._segment(version, requests).write(self._layouts[version].batch(requests))
            except (OSError, ValueError, TypeError) as error:  # pyarrow's own errors are of these; the endpoint goes on
                self._failed += rows
                self._error = f"{type(error).__name__}: {error}"
                self._forget(version)
            else:
                self._written += rows

    def _segment(self, version: int, requests: list[CapturedRequest]) -> _Segment:
        if version not in self._layouts:
            fields = self._declared.get(version)
            if fields is None:
                fields = learnt(requests)
                if any(one.inputs is not None for one in requests):
                    self._declared[version] = fields
            self._layouts[version] = Layout(fields, self._policy, self._key, self._worker, self._memory)
        schema, found = self._layouts[version].schema, self._open.get(version)
        if found is not None and found.schema.equals(schema):
            return found
        self._forget(version, layout=False)
        self._place.log.mkdir(parents=True, exist_ok=True)
        self._made += 1
        name = f"{time.time_ns() // 1000:016d}-{self._worker}-v{version}-{self._made}"
        self._open[version] = _Segment(self._place.segment(name), schema)
        return self._open[version]

    def _forget(self, version: int, *, layout: bool = True) -> None:
        if found := self._open.pop(version, None):
            found.close()
        if layout and (known := self._layouts.pop(version, None)):
            self._unfit += known.unfit

    def _roll(self) -> None:
        """Let go of segments that are old or large; of all when somebody asked for it."""
        word = self._place.asked_to_roll()
        asked, self._asked = word != self._asked, word
        for version, segment in list(self._open.items()):
            if asked or time.monotonic() - segment.began > _OPEN or segment.size > _BYTES:
                self._forget(version, layout=False)
