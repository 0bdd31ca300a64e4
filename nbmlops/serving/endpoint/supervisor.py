"""The workers of an endpoint on one socket: started, started again when one ends, drained when all is to end."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nbmlops.core import errors
from nbmlops.core.errors import NbmlopsError, UnavailableError
from nbmlops.serving.endpoint import metrics
from nbmlops.serving.endpoint.folder import Folder
from nbmlops.serving.endpoint.worker import Order

__all__ = ["Supervisor", "listen"]

_START_SECONDS = 120
_SOON, _LATEST = 0.2, 10.0


def listen(host: str, port: int) -> socket.socket:
    """Listen; port 0 is one that is free.

    Raises
    ------
    UnavailableError
        When the port cannot be had.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(2048)
    except (OSError, OverflowError) as error:
        raise UnavailableError(
            f"cannot listen on {host}, port {port}: {error}", hint="leave --port out for one that is free"
        ) from None
    listening.setblocking(False)
    return listening


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    status: int
    began: float
    ready: bool = False


class Supervisor:
    """Keeps workers alive.

    Parameters
    ----------
    listening : socket
        What they share.
    order : Order
        What each is to do; descriptors are filled in here.
    command : sequence of str
        What starts a worker; the order is its last word.
    count : int
        How many there are to be.
    folder : Folder, optional
        What folds that which they capture.
    """

    def __init__(
        self,
        listening: socket.socket,
        order: Order,
        command: Sequence[str],
        count: int,
        folder: Folder | None = None,
    ) -> None:
        self._folder = folder
        self._listening = listening
        self._order = order
        self._command = list(command)
        self._count = count
        self._workers: dict[int, _Worker] = {}
        self._ending = False
        self._wait = _SOON
        self._next_start = 0.0
        self._alive, self._own_end = os.pipe()
        self._woken, self._wake = os.pipe()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)

    def run(self, started: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT; `started` is called when all workers answer for the first time.

        Raises
        ------
        NbmlopsError
            What a worker said when none could begin.
        """
        previous = {number: signal.signal(number, self._end) for number in (signal.SIGTERM, signal.SIGINT)}
        with tempfile.TemporaryDirectory(prefix="nbmlops-serve-") as folder:
            self._figures = Path(folder)
            try:
                self._first(started)
                while not self._ending:
                    self._once()
                    if self._folder is not None:
                        self._folder.look()
            finally:
                if self._folder is not None:
                    self._folder.close()
                self._drain()
                for number, handler in previous.items():
                    signal.signal(number, handler)
                self._listening.close()

    def _end(self, *_: Any) -> None:
        self._ending = True
        os.write(self._wake, b"x")

    def _first(self, started: Callable[[], None]) -> None:
        until = time.monotonic() + _START_SECONDS
        for _ in range(self._count):
            self._start()
        while not self._ending and not all(worker.ready for worker in self._workers.values()):
            if time.monotonic() > until:
                raise UnavailableError(f"the workers have not begun in {_START_SECONDS} seconds")
            self._listen_to_workers(0.2)
            for worker in self._workers.values():
                if worker.process.poll() is not None and not worker.ready:
                    self._listen_to_workers(0)
                    raise UnavailableError("a worker ended before it answered", hint="its reason stands above")
        if not self._ending:
            started()

    def _once(self) -> None:
        self._listen_to_workers(0.1)
        for pid, worker in list(self._workers.items()):
            if worker.process.poll() is None:
                continue
            self._let_go(pid)
            # One that ends at once again and again is not started without end.
            lived = time.monotonic() - worker.began
            self._wait = _SOON if worker.ready and lived > 2 else min(2 * self._wait, _LATEST)
            self._next_start = time.monotonic() + (0 if worker.ready and lived > 2 else self._wait)
        if len(self._workers) < self._count and time.monotonic() >= self._next_start:
            self._start()

    def _start(self) -> None:
        status, theirs = os.pipe()
        order = replace(self._order, socket=self._listening.fileno(), status=theirs, alive=self._alive)
        environment = {**os.environ, metrics.FOLDER: str(self._figures)}
        process = subprocess.Popen(
            [*self._command, order.to_text()],
            pass_fds=(order.socket, order.status, order.alive),
            env=environment,
            stdin=subprocess.DEVNULL,
            # What stops us at a terminal is passed on once, by us.
            start_new_session=True,
        )
        os.close(theirs)
        self._workers[process.pid] = _Worker(process, status, time.monotonic())
        self._selector.register(status, selectors.EVENT_READ, process.pid)

    def _listen_to_workers(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                os.read(self._woken, 64)
                continue
            said = os.read(key.fd, 65536)
            if not said:
                self._selector.unregister(key.fd)
                continue
            self._hear(self._workers[key.data], json.loads(said.splitlines()[0]))

    def _hear(self, worker: _Worker, said: dict[str, Any]) -> None:
        if "ready" in said:
            worker.ready = True
        elif not any(each.ready for each in self._workers.values()):
            kind = getattr(errors, said["kind"], NbmlopsError)
            raise kind(said["error"], hint=said["hint"])

    def _let_go(self, pid: int) -> None:
        worker = self._workers.pop(pid)
        with contextlib.suppress(KeyError):
            self._selector.unregister(worker.status)
        os.close(worker.status)
        metrics.forget(self._figures, pid)

    def _drain(self) -> None:
        """Tell all workers to end; those that do not in time are ended."""
        for worker in self._workers.values():
            worker.process.terminate()
        until = time.monotonic() + self._order.limits.drain + 5
        for pid, worker in list(self._workers.items()):
            try:
                worker.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            self._let_go(pid)
        self._selector.close()
        for descriptor in (self._alive, self._own_end, self._woken, self._wake):
            os.close(descriptor)
