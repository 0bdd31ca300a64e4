"""What workers run on: the packages of each, and the versions that it has in memory, noted for as long as it lives.

A record is a file that its worker has locked, put into its place as a whole: the lock tells who lives, and goes with a
process however that ends. Whoever notes takes those of the dead away, so what an endpoint ran on last stays until
another one begins.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nbmlops.core.errors import CorruptError
from nbmlops.serving.capture.segments import Place
from nbmlops.store.liveness import is_held

__all__ = ["EnvironmentNote", "WorkerEnvironment", "worker_environments"]

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class WorkerEnvironment:
    """What one worker runs on.

    Attributes
    ----------
    worker : str
        Its name, as in what it captures.
    at : datetime
        When it was noted: at its start, and whenever it had other versions in memory.
    versions : tuple of int
        The numbers of those versions.
    python : str
        The version of Python.
    distributions : mapping of str to str
        Versions of the installed packages, as the worker found them first.
    alive : bool
        Whether it still answers.
    """

    worker: str
    at: datetime
    versions: tuple[int, ...]
    python: str
    distributions: Mapping[str, str]
    alive: bool


class EnvironmentNote:
    """The record of one worker.

    Parameters
    ----------
    place : Place
        The folder of its deployment.
    worker : str
        Its name, unlike that of any other.
    """

    def __init__(self, place: Place, worker: str) -> None:
        self._folder = place.environments
        self._worker = worker
        self._descriptor: int | None = None

    def write(self, at: datetime, versions: Iterable[int], environment: Mapping[str, Any]) -> None:
        """Note what is so now, in the place of what was noted before.

        Raises
        ------
        OSError
            When it cannot be written; what was noted before stays.
        """
        said = {
            "format": _FORMAT,
            "worker": self._worker,
            "at": at.isoformat(),
            "versions": sorted(set(versions)),
            "python": environment["python"],
            "distributions": dict(environment["distributions"]),
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / f"{self._worker}.part"
        descriptor = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            # Locked before it has its name, so that nobody takes it for one of the dead.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            content = memoryview(json.dumps(said).encode())
            while content:
                content = content[os.write(descriptor, content) :]
            os.fsync(descriptor)
            part.replace(self._folder / f"{self._worker}.json")
        except OSError:
            os.close(descriptor)
            raise
        self.close()
        self._descriptor = descriptor
        for path in self._folder.glob("*.json"):
            if _is_alive(path) is False:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of it: it stays as what the worker ran on last."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def worker_environments(place: Place) -> list[WorkerEnvironment]:
    """What the workers that live run on, by their names; when none lives, the one that was noted last; else none.

    Raises
    ------
    CorruptError
        When a record is damaged.
    """
    found = []
    for path in sorted(place.environments.glob("*.json")) if place.environments.is_dir() else []:
        alive = _is_alive(path)
        if alive is not None:
            found.append(_read(path, alive=alive))
    living = [one for one in found if one.alive]
    return living or sorted(found, key=lambda one: one.at)[-1:]


def _is_alive(path: Path) -> bool | None:
    """Whether the worker of a record lives; None where it is gone.

    A worker lets go of its last record once the new one is in its place, so only what is there still tells of a death.
    """
    while True:
        try:
            before = path.stat()
            held = is_held(path)
            if held is not False or os.path.samestat(before, path.stat()):
                return held
        except FileNotFoundError:
            return None


def _read(path: Path, *, alive: bool) -> WorkerEnvironment:
    try:
        said = json.loads(path.read_bytes())
        at, versions = datetime.fromisoformat(said["at"]), tuple(map(int, said["versions"]))
        distributions = {str(name): str(version) for name, version in said["distributions"].items()}
        return WorkerEnvironment(str(said["worker"]), at, versions, str(said["python"]), distributions, alive)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptError(f"{path} is damaged: {error}", hint="delete it: its worker notes it anew") from error
