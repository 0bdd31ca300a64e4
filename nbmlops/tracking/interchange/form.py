"""The form of exported runs: lines of JSON in one file, artifacts beside it by their digests.

Specified in ``docs/formats/runs.md``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

from blake3 import blake3

from nbmlops.core.errors import CorruptError, UnsupportedError

__all__ = ["ARTIFACTS", "AT_ONCE", "LINES", "Line", "Writer", "corrupt", "lines", "shown"]

_PROTOCOL = 1
_NAMED = "nbmlops-runs"
_HEAD = [_NAMED, _PROTOCOL]
LINES = "runs.jsonl"
"""The file of lines."""
ARTIFACTS = "artifacts"
"""The folder of artifacts."""
AT_ONCE = 1_000
"""Points, params or tags on one line, at most."""
_LONGEST = 64 << 20

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Line(NamedTuple):
    """One line: its number from 1 on, where it begins and ends in the file, in bytes, and what it says."""

    number: int
    begin: int
    end: int
    said: list[Any]


class Writer:
    """Writes lines, and at the end how many runs there were and the digest of all that stands before.

    Parameters
    ----------
    sink : file
        Open for bytes.
    """

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink
        self._hasher = blake3()
        self._runs = 0
        self.say(_NAMED, _PROTOCOL)

    def say(self, kind: str, *rest: Any) -> int:
        """Write one line; its bytes."""
        line = _encode([kind, *rest]).encode() + b"\n"
        self._hasher.update(line)
        self._sink.write(line)
        self._runs += kind == "run"
        return len(line)

    def end(self) -> None:
        """Write the last line."""
        self.say("end", self._runs, self._hasher.hexdigest())


def shown(value: float | None) -> float | str:
    """A value as JSON can write it; None stands for NaN, as in the catalog."""
    if value is None:
        return "nan"
    return value if math.isfinite(value) else repr(value)


def lines(path: Path, begin: int = 0, end: int | None = None) -> Iterator[Line]:
    """The lines of a file between two places; from its beginning, the first and the last one are checked, too.

    Raises
    ------
    CorruptError
        When a line is no JSON, or the file is not whole.
    UnsupportedError
        When a newer nbmlops wrote it.
    """
    with path.open("rb") as file:
        file.seek(begin)
        if begin:
            for line in _raw(path, file, begin):
                if end is not None and line.begin >= end:
                    return
                yield line
            return
        yield from _whole(path, file)


def _raw(path: Path, file: BinaryIO, begin: int) -> Iterator[Line]:
    number, at = 0, begin
    while content := file.readline(_LONGEST + 1):
        number += 1
        if not content.endswith(b"\n"):
            why = "it ends in the middle of a line" if len(content) <= _LONGEST else f"line {number} is too long"
            raise corrupt(path, why)
        try:
            said = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise corrupt(path, f"line {number} is no JSON: {error}") from None
        if not isinstance(said, list) or not said or not isinstance(said[0], str):
            raise corrupt(path, f"line {number} is no list that begins with its kind")
        yield Line(number, at, at + len(content), said)
        at += len(content)


def _whole(path: Path, file: BinaryIO) -> Iterator[Line]:
    hasher, counted, last = _Hashing(file), 0, False
    for line in _raw(path, hasher, 0):  # type: ignore[arg-type]  # it has what is needed of a file
        kind = line.said[0]
        if last:
            raise corrupt(path, f"line {line.number} stands after the end")
        if line.number == 1:
            _check_head(path, line.said)
            continue
        if kind == "end":
            last = True
            if line.said != ["end", counted, hasher.before]:
                raise corrupt(path, "it is not what its last line says")
            continue
        counted += kind == "run"
        yield line
    if not last:
        raise corrupt(path, "its end is missing")


class _Hashing:
    """A file whose lines are hashed as they are read; `before` is the digest of all before the line read last."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hasher = blake3()
        self.before = ""

    def readline(self, most: int) -> bytes:
        line = self._file.readline(most)
        if line.startswith(b'["end"'):
            self.before = self._hasher.hexdigest()
        self._hasher.update(line)
        return line


def _check_head(path: Path, said: list[Any]) -> None:
    if said == _HEAD:
        return
    if said[0] == _NAMED and type(said[-1]) is int and said[-1] > _PROTOCOL:
        raise UnsupportedError(f"{path} was written by a newer nbmlops", hint="pip install --upgrade nbmlops")
    raise corrupt(path, "it does not begin as exported runs do")


def corrupt(path: Path, why: str) -> CorruptError:
    """What is wrong with a file."""
    return CorruptError(f"{path} cannot be imported: {why}; nothing was imported"[:400], hint="export the runs again")
