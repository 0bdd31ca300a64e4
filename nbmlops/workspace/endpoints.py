"""A workspace serves: where an endpoint's versions come from, and how one is begun, here or in a process apart."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import DependencyError, InvalidError
from nbmlops.serving.endpoint.endpoints import Endpoints
from nbmlops.serving.endpoint.records import Endpoint

if TYPE_CHECKING:
    from nbmlops.serving.endpoint.served import Served
    from nbmlops.workspace.root import Workspace

__all__ = ["Serving", "VersionSource", "serve_here"]

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
    ) -> Endpoint | list[Endpoint]:
        """Serve a version or an alias over HTTP, in a process of its own that outlives this one.

        Parameters
        ----------
        ref : str, optional
            What to serve, such as ``delay@production``; an alias is followed when it moves. Without it, what is
            served already is listed.
        stop : bool
            Whether to stop what serves `ref`, or everything.
        port : int
            Where to listen; 0 for a port that is free.
        host : str
            The address to listen on.
        allow_host : tuple of str
            Names that callers know this machine by, for the header ``Host``.
        workers : int
            How many processes answer.
        token_file : str, optional
            The file with the token, which is made if it is not there; by default one below ``.nbmlops``, or none
            where the environment variable ``NBMLOPS_SERVE_TOKEN`` has one.
        max_body, max_rows : int, optional
            The most bytes and rows of a request.
        logs : bool
            Whether to log each request.

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
        _check_installed()
        self._workspace.model.show(ref)
        options = {"port": port, "host": host, "workers": workers, "token-file": token_file}
        options |= {"max-body": max_body, "max-rows": max_rows}
        words = [f"--{name}={value}" for name, value in options.items() if value is not None]
        words += [f"--allow-host={name}" for name in allow_host] + ["--logs"] * logs
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
) -> None:
    """Serve until SIGTERM or SIGINT; the parameters are those of `Serving.__call__`, and it raises the same."""
    _check_installed()
    from nbmlops.serving.endpoint import supervisor, tokens
    from nbmlops.serving.endpoint.limits import Limits
    from nbmlops.serving.endpoint.worker import Order

    workspace.model.show(ref)
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
    order = Order(str(workspace.marker.root), ref, hosts, str(path) if path else None, -1, -1, -1, limits, logs)
    shown = f"[{host}]" if ":" in host else host
    endpoint = Endpoint(ref, f"http://{shown}:{number}", os.getpid(), workers, str(path) if path else None)
    command = [sys.executable, "-m", "nbmlops.workspace.endpoint_worker"]
    # A connection to the catalog is none to keep open for hours beside the workers' own.
    workspace.close()

    with ExitStack() as stack:

        def begun() -> None:
            stack.enter_context(endpoints.announced(endpoint))
            started(endpoint, said)

        supervisor.Supervisor(listening, order, command, workers).run(begun)


def _endpoints(workspace: Workspace) -> Endpoints:
    return Endpoints(workspace.marker.root, workspace.marker.state)


def _check_installed() -> None:
    from importlib.util import find_spec

    for name in ("starlette", "uvicorn", "httptools", "orjson", "prometheus_client"):
        if find_spec(name) is None:
            raise DependencyError(f"serving needs {name}, which is not installed", hint="pip install 'nbmlops[serve]'")


@dataclass(slots=True)
class VersionSource:
    """Versions of a workspace for one worker: read, checked for trust, and never written to.

    Parameters
    ----------
    workspace : Workspace
        Where the versions are.
    ref : str
        What is served.
    rows : int
        How many rows a request may have.
    """

    workspace: Workspace
    ref: str
    rows: int

    @property
    def name(self) -> str:
        """The model's name."""
        from nbmlops.core.refs import Ref

        return Ref.parse(self.ref).name

    def where(self) -> int:
        """The id of the version that the reference means now."""
        return self.workspace.versions("model").resolve(self.ref).id

    def open(self, version_id: int) -> Served:
        """Open it after all checks of trust."""
        from nbmlops.models.records import ModelSignature
        from nbmlops.models.sealing import build
        from nbmlops.serving.endpoint.served import Served

        version = self.workspace.versions("model").get(version_id)
        signature = ModelSignature.from_json(version.detail["signature"])
        if not signature.inputs:
            raise InvalidError(
                f"{version.ref} has no signature to check requests against",
                hint="save it with an example: `ml model save ESTIMATOR NAME --example X`",
            )
        model = build(version, self.workspace.objects, self.workspace.keyring)
        assert version.number is not None  # a version with a reference of its own has one
        return Served(version.name, version.number, version.id, version.digest, signature, model, "refuse", self.rows)
