"""The endpoint as an ASGI application: what predicts is answered here, by hand; Starlette has the rest.

A prediction is the route that counts: no request or response object is made for it, and its body is checked in the
loop, which takes microseconds, and predicted in the batcher's thread, which may take longer.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from nbmlops.serving.endpoint import answers, arrow, bodies, integrity
from nbmlops.serving.endpoint.batching import Batcher
from nbmlops.serving.endpoint.gate import Gate, Receive, Scope, Send, read_body, send_refusal
from nbmlops.serving.endpoint.limits import Limits
from nbmlops.serving.endpoint.metrics import Metrics
from nbmlops.serving.endpoint.pages import pages
from nbmlops.serving.endpoint.refusals import Refusal
from nbmlops.serving.endpoint.shelf import Shelf
from nbmlops.serving.endpoint.tokens import Token

if TYPE_CHECKING:
    from nbmlops.serving.endpoint.served import Answer, Served

__all__ = ["Application"]

_log = logging.getLogger(__name__)
_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_CSV = frozenset({b"text/csv"})
_ARROW = frozenset({b"application/vnd.apache.arrow.stream"})
_JSON = frozenset({b"application/json", b""})


class Application:
    """Answers the requests of one worker.

    Parameters
    ----------
    shelf : Shelf
        The version that answers.
    metrics : Metrics
        Where requests are counted.
    token : Token
        What callers have to show.
    hosts : iterable of str
        What the endpoint goes by.
    limits : Limits
        Bounds.
    logs : bool
        Whether each request is logged: its id, route, status, time, rows and version, and nothing of its values.
    """

    def __init__(
        self, shelf: Shelf, metrics: Metrics, token: Token, hosts: Iterable[str], limits: Limits, *, logs: bool = False
    ) -> None:
        self._shelf = shelf
        self._metrics = metrics
        self._limits = limits
        self._logs = logs
        self.batcher = Batcher(metrics.predicted)
        self._ids = itertools.count(1)
        self._prefix = f"{os.getpid():x}-{time.time_ns():x}-"
        self._base = f"/v2/models/{shelf.current.name}"
        self._rest = pages(shelf, metrics)
        self.asgi = Gate(self._route, token, hosts, limits, lambda status: metrics.answered("", status, None))

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if scope["method"] == "POST":
            if path == "/invocations":
                await self._predict(scope, receive, send, "invocations", None)
                return
            if path.endswith("/infer") and path.startswith(self._base):
                version = path[len(self._base) : -len("/infer")]
                if not version or version.startswith("/versions/"):
                    await self._predict(scope, receive, send, "infer", version.removeprefix("/versions/") or None)
                    return
        await self._rest(scope, receive, send)

    async def _predict(self, scope: Scope, receive: Receive, send: Send, route: str, version: str | None) -> None:
        began = time.perf_counter()
        content_type = given = b""
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value
            elif name == b"x-request-id":
                given = value
        own = _ID.fullmatch(given) is not None
        request_id = given.decode() if own else f"{self._prefix}{next(self._ids):x}"
        # One look: whatever the alias does from here on, this request is answered by this version.
        served = self._shelf.current
        status, rows = 200, 0
        try:
            if version is not None and version not in {str(served.version), f"v{served.version}"}:
                raise Refusal(404, f"version {version[:20]} of {served.name} is not served", "leave /versions/… out")
            body = await read_body(receive, self._limits)
            integrity.check(scope["headers"], body)
            asked = _asked(content_type, body, served, route)
            if not own and asked.id is not None and _ID.fullmatch(asked.id.encode()):
                request_id = asked.id
            outputs = _outputs(asked.outputs, served, route)
            arrays = served.intake.take(asked.rows)
            rows = len(arrays[0])
            answer = await self._answered(served, arrays, outputs)
            written = answers.tensors if route == "infer" else answers.predictions
            payload = written(served, answer, request_id)
        except Refusal as refusal:
            status = refusal.status
            await send_refusal(send, refusal, [(b"x-request-id", request_id.encode())])
        else:
            await send(
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": [
                        (b"content-type", b"application/json"),
                        (b"content-length", b"%d" % len(payload)),
                        (b"x-request-id", request_id.encode()),
                        (b"x-model-version", b"%d" % served.version),
                    ],
                }
            )
            await send({"type": "http.response.body", "body": payload})
        seconds = time.perf_counter() - began
        self._metrics.answered(route, status, served.version, seconds)
        if self._logs:
            _log.info("%s %s %d %.1f ms %d rows v%d", request_id, route, status, 1e3 * seconds, rows, served.version)

    async def _answered(self, served: Served, arrays: Any, outputs: tuple[str, ...]) -> Answer:
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self.batcher.answer(served, arrays, outputs)
        except TimeoutError:
            raise Refusal(503, f"the model has not answered in {self._limits.seconds:g} seconds") from None
        except (ValueError, TypeError) as error:
            # The rows fit the signature, and the model's own checks of values say no: a null where it has none.
            raise Refusal(422, f"the model refuses these rows: {str(error).splitlines()[0][:200]}") from None
        except Exception as error:  # noqa: BLE001 - whatever a model raises, the caller gets an answer
            _log.exception("version %d failed", served.version)
            raise Refusal(500, f"the model failed with {type(error).__name__}", "its log has the reason") from None


def _asked(content_type: bytes, body: bytes, served: Served, route: str) -> bodies.Asked:
    kind = content_type.partition(b";")[0].strip().lower()
    if kind in _JSON:
        document = bodies.json_object(body)
        return bodies.tensors(document, served.intake) if route == "infer" else bodies.invocation(document)
    if kind in _CSV:
        return bodies.Asked(bodies.from_csv(body, served.intake))
    if kind in _ARROW:
        return bodies.Asked(arrow.from_arrow(body, served.intake))
    raise Refusal(
        415, "the body's type is not read", "application/json, text/csv or application/vnd.apache.arrow.stream"
    )


def _outputs(asked: tuple[str, ...] | None, served: Served, route: str) -> tuple[str, ...]:
    if asked is None:
        return served.outputs if route == "infer" else served.outputs[:1]
    for name in asked:
        if name not in served.outputs:
            raise Refusal(422, f"the model gives no {name[:40]}", f"it gives {', '.join(served.outputs)}")
    return asked
