"""A workspace serves: how an endpoint is begun, here or in a process apart."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import DependencyError
from nbmlops.serving.endpoint.endpoints import Endpoints
from nbmlops.serving.endpoint.records import Endpoint

if TYPE_CHECKING:
    from nbmlops.workspace.root import Workspace

__all__ = ["Serving", "serve_here"]

Started = Callable[[Endpoint, str | None], None]


class Serving:
    """The verb ``serve`` of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def __call__(  # noqa: PLR0913 - one for each option of the verb
        self,
        ref: str | None = None,
        *,
        stop: bool = False,
        port: int = 0,
        host: str = "127.0.0.1",
        allow_host: tuple[str, ...] = (),
        workers: int = 1,
        token_file: str | None = None,
        max_body: int | None = None,
        max_rows: int | None = None,
        logs: bool = False,
        capture: bool = True,
        background: str | None = None,
    ) -> Endpoint | list[Endpoint]:
        """Serve a version or an alias over HTTP, in a process of its own that outlives this one.

        Parameters
        ----------
        ref : str, optional
            What to serve, such as ``delay@production``, which is followed; by default, what is served is listed.
        stop : bool
            Whether to stop what serves `ref`, or everything.
        port, host : int, str
            Where to listen, 0 for a port that is free; and at which address.
        allow_host : tuple of str
            Names that callers know this machine by, for the header ``Host``.
        workers : int
            How many processes answer.
        token_file : str, optional
            The file with the token, made if not there; by default one below ``.nbmlops``, or ``NBMLOPS_SERVE_TOKEN``.
        max_body, max_rows : int, optional
            The most bytes and rows of a request.
        logs, capture : bool
            Whether to log each request, and to keep requests and answers as the deployment says.
        background : str, optional
            The table that answers are explained against; by default the largest that the version was made from.

        Raises
        ------
        NotFoundError
            When there is no such version, or nothing that serves it to stop.
        UnavailableError
            When it does not begin.
        DependencyError
            When the extra ``serve`` is not installed.
        """
        endpoints = _endpoints(self._workspace)
        if stop:
            return endpoints.stop(ref)
        if ref is None:
            return endpoints.running()
        _check_there(self._workspace, ref, background)
        options = {"port": port, "host": host, "workers": workers, "token-file": token_file}
        options |= {"max-body": max_body, "max-rows": max_rows, "background": background}
        words = [f"--{name}={value}" for name, value in options.items() if value is not None]
        words += [f"--allow-host={name}" for name in allow_host] + ["--logs"] * logs + ["--no-capture"] * (not capture)
        return endpoints.start([*words, "--", ref], os.environ)


def serve_here(  # noqa: PLR0913 - as above
    workspace: Workspace,
    ref: str,
    started: Started,
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    allow_host: tuple[str, ...] = (),
    workers: int = 1,
    token_file: str | None = None,
    max_body: int | None = None,
    max_rows: int | None = None,
    logs: bool = False,
    capture: bool = True,
    background: str | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; the parameters are those of `Serving.__call__`, and it raises the same."""
    from nbmlops.serving.capture.segments import Place
    from nbmlops.serving.endpoint import supervisor, tokens
    from nbmlops.serving.endpoint.folder import Folder
    from nbmlops.serving.endpoint.limits import Limits
    from nbmlops.serving.endpoint.worker import Order

    _check_there(workspace, ref, background)
    endpoints = _endpoints(workspace)
    said = None
    path: Path | None = None
    if token_file is not None or not os.environ.get(tokens.VARIABLE):
        path = Path(token_file).absolute() if token_file else endpoints.token_file
        said = tokens.make(path)
    listening = supervisor.listen(host, port)
    number = listening.getsockname()[1]
    names = {"127.0.0.1", "localhost", "[::1]", *allow_host} | ({f"[{host}]" if ":" in host else host} - {"0.0.0.0"})  # noqa: S104 - it is taken out
    hosts = tuple(sorted({*(f"{name}:{number}" for name in names), *names}))
    given = {"body": max_body, "rows": max_rows}
    limits = Limits(**{name: value for name, value in given.items() if value is not None})
    kept = str(workspace.marker.state / "capture") if capture else None
    token = str(path) if path else None
    order = Order(str(workspace.marker.root), ref, hosts, token, -1, -1, -1, limits, logs, kept, background)
    shown = f"[{host}]" if ":" in host else host
    endpoint = Endpoint(ref, f"http://{shown}:{number}", os.getpid(), workers, str(path) if path else None)
    command = [sys.executable, "-m", "nbmlops.workspace.endpoint_worker"]
    folder = None
    if kept is not None:
        words = [sys.executable, "-m", "nbmlops.workspace.capture_folding", kept, endpoint.name]
        folder = Folder(Place(Path(kept), endpoint.name), words)
    # A connection to the catalog is none to keep open for hours beside the workers' own.
    workspace.close()

    with ExitStack() as stack:

        def begun() -> None:
            stack.enter_context(endpoints.announced(endpoint))
            started(endpoint, said)

        supervisor.Supervisor(listening, order, command, workers, folder).run(begun)


def _endpoints(workspace: Workspace) -> Endpoints:
    return Endpoints(workspace.marker.root, workspace.marker.state)


def _check_there(workspace: Workspace, ref: str, background: str | None) -> None:
    """Find out before a process is started that it could not serve that, or explain it by that."""
    _check_installed()
    from nbmlops.workspace.served_versions import VersionSource

    VersionSource(workspace, ref, 1).wanted()
    if background is not None:
        workspace.data.show(background)


def _check_installed() -> None:
    from importlib.util import find_spec

    for name in ("starlette", "uvicorn", "httptools", "orjson", "prometheus_client"):
        if find_spec(name) is None:
            raise DependencyError(f"serving needs {name}, which is not installed", hint="pip install 'nbmlops[serve]'")
