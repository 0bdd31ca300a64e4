"""The routes beside prediction: health, what the model is, the figures, and how to ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from nbmlops.core.version import __version__
from nbmlops.serving.endpoint.answers import datatype
from nbmlops.serving.endpoint.document import document, page
from nbmlops.serving.endpoint.refusals import Refusal

if TYPE_CHECKING:
    from starlette.requests import Request

    from nbmlops.serving.endpoint.lineup import Lineup
    from nbmlops.serving.endpoint.metrics import Metrics
    from nbmlops.serving.endpoint.served import Served
    from nbmlops.serving.endpoint.shelf import Shelf

__all__ = ["pages"]

Handler = Callable[["Request"], Awaitable[Response]]


def pages(shelf: Shelf, metrics: Metrics) -> Starlette:
    """Put the routes together."""

    def served_of(request: Request) -> Served:
        return _named(shelf.lineup, request.path_params["name"], request.path_params.get("version"))

    def fact(give: Callable[[Request], Any]) -> Handler:
        async def handler(request: Request) -> Response:
            found = give(request)
            metrics.answered(
                request.url.path.rpartition("/")[2] if "models" not in request.url.path else "model", 200, None
            )
            return _json(found)

        return handler

    async def figures(_: Request) -> Response:
        body, kind = await run_in_threadpool(metrics.text)
        return Response(body, media_type=None, headers={"content-type": kind})

    async def docs(_: Request) -> Response:
        policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
        return HTMLResponse(page(shelf.current), headers={"content-security-policy": policy})

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return _json_bytes(error.body(), error.status)

    async def unrouted(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        message = {404: "there is nothing here", 405: "the method is none of this route"}.get(error.status_code)
        refusal = Refusal(error.status_code, message or error.detail, "GET /docs tells what there is")
        return _json_bytes(refusal.body(), error.status_code, error.headers)

    facts: dict[str, Callable[[Request], Any]] = {
        "/v2": lambda _: {"name": "nbmlops", "version": __version__, "extensions": []},
        "/v2/health/live": lambda _: {"live": True},
        "/v2/health/ready": lambda _: _readiness(shelf),
        "/openapi.json": lambda _: document(shelf.current),
    }
    base = "/v2/models/{name}"
    for prefix in (base, f"{base}/versions/{{version}}"):
        facts[prefix] = lambda request: _metadata(served_of(request), shelf)
        facts[f"{prefix}/ready"] = lambda request: {"name": served_of(request).name, **_readiness(shelf, why=True)}
    routes = [Route(path, fact(give), methods=["GET"]) for path, give in facts.items()]
    routes += [Route("/metrics", figures, methods=["GET"]), Route("/docs", docs, methods=["GET"])]
    # Those that predict are answered before this is asked; here only other methods and other names arrive.
    for path in ("/invocations", f"{base}/infer", f"{base}/versions/{{version}}/infer"):
        routes.append(Route(path, fact(served_of), methods=["POST"]))
    return Starlette(routes=routes, exception_handlers={Refusal: refused, HTTPException: unrouted})


def _named(lineup: Lineup, name: str, version: str | None) -> Served:
    if name != lineup.champion.name:
        raise Refusal(404, f"there is no model {name[:60]} here", f"there is {lineup.champion.name}")
    served = lineup.champion if version is None else lineup.numbered(version)
    if served is None:
        raise Refusal(404, f"version {version} of {name}"[:80] + " is not served")
    return served


def _readiness(shelf: Shelf, *, why: bool = False) -> dict[str, Any]:
    """It answers; and whether by all versions that it should. Why not is for those who have the token."""
    missing = {ref: one.why for ref, one in shelf.lineup.missing.items()}
    found: dict[str, Any] = {"ready": True, "degraded": bool(missing) or shelf.failure is not None}
    return {**found, "behind": shelf.failure, "missing": missing} if why else found


def _metadata(served: Served, shelf: Shelf) -> dict[str, Any]:
    inputs = [
        {"name": column.name, "datatype": datatype(str(column.dtype)), "shape": [-1]}
        for column in served.intake.columns
    ]
    outputs = [
        {
            "name": each.method,
            "datatype": datatype(each.type),
            "shape": [-1 if length is None else length for length in each.shape],
        }
        for each in served.signature.outputs
    ]
    lineup = shelf.lineup
    parameters = {
        "digest": served.digest,
        "version": served.version,
        "behind": shelf.failure,
        "split": dict(lineup.deployment.split),
        "shadow": [one.version for one in lineup.shadows],
        "missing": {ref: one.why for ref, one in lineup.missing.items()},
    }
    return {
        "name": served.name,
        "versions": [str(one.version) for one in lineup.heard],
        "platform": "nbmlops",
        "inputs": inputs,
        "outputs": outputs,
        "parameters": parameters,
    }


def _json(value: Any) -> Response:
    return _json_bytes(orjson.dumps(value), 200)


def _json_bytes(body: bytes, status: int, headers: Any = None) -> Response:
    return Response(body, status, headers, media_type="application/json")
