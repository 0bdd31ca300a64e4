"""The endpoints of a workspace: which run, how one is started beside a notebook, and how it is stopped.

Each endpoint that runs holds a lock on a file of its own below ``.nbmlops/endpoints``; one whose lock is free has
ended, however it ended, and its file is cleared away by whoever looks next.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from nbmlops.core.errors import NotFoundError, UnavailableError
from nbmlops.serving.endpoint.records import Endpoint

__all__ = ["Endpoints"]

_START_SECONDS = 150.0
_STOP_SECONDS = 40.0
# Those that this process has started: it is for their parent to take note that they have ended.
_children: list[subprocess.Popen[bytes]] = []


class Endpoints:
    """What is served of one workspace, on this machine.

    Parameters
    ----------
    root : Path
        The project's folder.
    state : Path
        The folder ``.nbmlops`` in it.
    """

    def __init__(self, root: Path, state: Path) -> None:
        self._root = root
        self._folder = state / "endpoints"

    @property
    def token_file(self) -> Path:
        """Where the token is, unless another file is named."""
        return self._folder / "token"

    def running(self) -> list[Endpoint]:
        """What is served now, by its model."""
        _children[:] = [child for child in _children if child.poll() is None]
        found = []
        for path in self._folder.glob("*.json") if self._folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError), path.open("r+", encoding="utf-8") as file:
                if _is_held(file):
                    content = file.read()
                    if content:
                        found.append(Endpoint.from_json(json.loads(content)))
                else:
                    path.unlink()
        return sorted(found, key=lambda endpoint: (endpoint.ref, endpoint.pid))

    @contextmanager
    def announced(self, endpoint: Endpoint) -> Iterator[None]:
        """Tell others of an endpoint while the body of a ``with`` runs."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{endpoint.pid}.json"
        with path.open("w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            log = self._log(endpoint.pid)
            known = replace(endpoint, log=str(log) if log.exists() else None)
            file.write(json.dumps(asdict(known)))
            file.flush()
            try:
                yield
            finally:
                path.unlink(missing_ok=True)

    def _log(self, pid: int) -> Path:
        return self._folder / f"{pid}.log"

    def start(self, words: Sequence[str], environ: Mapping[str, str]) -> Endpoint:
        """Start one in a process of its own, and wait until it answers.

        Raises
        ------
        UnavailableError
            When it ends instead; the message is what it said.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        beginning = self._folder / f"starting-{os.getpid()}-{time.time_ns()}.log"
        with beginning.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "nbmlops", "serve", *words],
                cwd=self._root,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # It outlives the kernel, and Ctrl-C of a terminal is not meant for it.
                start_new_session=True,
            )
        _children.append(process)
        beginning.rename(self._log(process.pid))
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            for endpoint in self.running():
                if endpoint.pid == process.pid:
                    return endpoint
            if process.poll() is not None:
                break
            time.sleep(0.05)
        else:
            process.terminate()
        said = self._log(process.pid).read_text(encoding="utf-8", errors="replace").strip()
        self._log(process.pid).unlink()
        raise UnavailableError(f"the endpoint did not begin: {said[-2000:] or 'it said nothing'}")

    def stop(self, name: str | None) -> list[Endpoint]:
        """Stop what serves a model, by its name or reference; all by default.

        Raises
        ------
        NotFoundError
            When nothing does.
        """
        meant = [each for each in self.running() if name is None or name in {each.ref, each.name}]
        if name is not None and not meant:
            raise NotFoundError(f"nothing serves {name} here", hint="`ml serve` lists what is served")
        for endpoint in meant:
            os.kill(endpoint.pid, signal.SIGTERM)
        until = time.monotonic() + _STOP_SECONDS
        while any(each in self.running() for each in meant):
            if time.monotonic() > until:
                raise UnavailableError(f"{meant[0].ref} does not end: kill {meant[0].pid}")
            time.sleep(0.05)
        return [replace(endpoint, stopped=True) for endpoint in meant]


def _is_held(file: IO[Any]) -> bool:
    """Whether somebody else has the lock."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
