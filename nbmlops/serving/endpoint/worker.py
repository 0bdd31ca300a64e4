"""One worker: opens the model, says so to whoever started it, and answers until it is told to end."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nbmlops.core.errors import NbmlopsError
from nbmlops.serving.endpoint.limits import Limits
from nbmlops.serving.endpoint.shelf import Source
from nbmlops.serving.endpoint.tokens import Token

if TYPE_CHECKING:
    from nbmlops.serving.endpoint.recording import Recorder

__all__ = ["Order", "work"]


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is to do, as its command line says it.

    Attributes
    ----------
    root : str
        The project's folder.
    ref : str
        The version or alias that answers.
    hosts : tuple of str
        Values of the header ``Host`` that are the endpoint's.
    token_file : str or None
        Where the token is; the environment by default.
    socket, status, alive : int
        File descriptors: the shared socket, where to say that it is ready, and a pipe that ends with the supervisor.
    limits : Limits
        Bounds.
    logs : bool
        Whether requests are logged.
    capture : str or None
        The folder where requests and answers are kept; None keeps none.
    background : str or None
        The table that answers are explained against; None takes one that the version was made from.
    """

    root: str
    ref: str
    hosts: tuple[str, ...]
    token_file: str | None
    socket: int
    status: int
    alive: int
    limits: Limits
    logs: bool = False
    capture: str | None = None
    background: str | None = None

    def to_text(self) -> str:
        """As one word of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what `to_text` wrote."""
        given: dict[str, Any] = json.loads(text)
        return cls(**{**given, "hosts": tuple(given["hosts"]), "limits": Limits(**given["limits"])})


def work(order: Order, source_of: Callable[[Order], Source]) -> int:
    """Serve until told to end; gives the exit code."""
    # uvicorn drains on this signal and raises it again, which would end the process before what waits is kept.
    signal.signal(signal.SIGTERM, _leave)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(process)d %(message)s")
    try:
        server, sockets, application, shelf = _made(order, source_of)
    except NbmlopsError as error:
        _say(order.status, {"error": error.message, "hint": error.hint, "kind": type(error).__name__})
        return 3
    # What is in memory now stays: the collector need not walk through it while somebody waits.
    gc.collect()
    gc.freeze()
    threading.Thread(target=_end_with, args=(order.alive, server), name="nbmlops-alive", daemon=True).start()
    try:
        asyncio.run(_serve(server, sockets, lambda: _say(order.status, {"ready": os.getpid()})))
    finally:
        shelf.close()
        application.close()
    return 0


def _leave(*_: Any) -> None:
    raise SystemExit(0)


def _made(order: Order, source_of: Callable[[Order], Source]) -> Any:
    import uvicorn

    from nbmlops.serving.endpoint.application import Application
    from nbmlops.serving.endpoint.connection import connections
    from nbmlops.serving.endpoint.metrics import Metrics
    from nbmlops.serving.endpoint.shelf import Shelf

    source = source_of(order)
    metrics = Metrics(source.name)
    token = Token(Path(order.token_file) if order.token_file else None)
    token.read()
    recorder = _recorder(order, source.name)

    def looked(good: bool) -> None:
        metrics.looked(shelf.current.version, good)
        metrics.missing(shelf.lineup.missing)
        if recorder is not None:
            metrics.captured(recorder.counts)
        token.read()  # the file may have a new one

    shelf = Shelf(source, told=looked, before=(lambda _: None) if recorder is None else recorder.follow)
    looked(good=True)
    application = Application(shelf, metrics, token, order.hosts, order.limits, recorder, logs=order.logs)
    config = uvicorn.Config(
        application.asgi,
        http=connections(order.limits),
        loop="asyncio",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        ws="none",
        backlog=2048,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=order.limits.drain,
    )
    shelf.watch()
    return uvicorn.Server(config), [socket.socket(fileno=order.socket)], application, shelf


def _recorder(order: Order, name: str) -> Recorder | None:
    """What keeps requests; a folder that cannot be written to keeps none, and serving goes on."""
    from nbmlops.pipelines.memory import resident
    from nbmlops.serving.capture.environments import EnvironmentNote
    from nbmlops.serving.capture.log import CaptureLog
    from nbmlops.serving.capture.segments import Place
    from nbmlops.serving.endpoint.recording import Recorder
    from nbmlops.serving.records import Deployment

    if order.capture is None:
        return None
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:40]
    worker, root, memory = f"{host}-{os.getpid()}", Path(order.capture), partial(resident, os.getpid())
    try:
        log = CaptureLog(root, Deployment(name), worker, memory=memory)
        return Recorder(log, EnvironmentNote(Place(root, name), worker))
    except OSError as error:
        logging.getLogger(__name__).warning("nothing is captured: %s", error)
        return None


async def _serve(server: Any, sockets: list[socket.socket], ready: Callable[[], None]) -> None:
    # The socket listens already: from here on callers wait at most until the loop comes to them.
    asyncio.get_running_loop().call_soon(ready)
    await server.serve(sockets=sockets)


def _say(descriptor: int, what: Mapping[str, Any]) -> None:
    os.write(descriptor, json.dumps(what).encode() + b"\n")


def _end_with(descriptor: int, server: Any) -> None:
    """Wait until the supervisor is no more, which closes its end of the pipe; then drain."""
    os.read(descriptor, 1)
    server.should_exit = True
