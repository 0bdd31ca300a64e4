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

from nbmlops.core.clock import clock_here, microseconds
from nbmlops.serving.endpoint import answers, arrow, bodies, integrity
from nbmlops.serving.endpoint.batching import Batcher
from nbmlops.serving.endpoint.exchange import Exchange
from nbmlops.serving.endpoint.explaining import Explainer, wants_explanation
from nbmlops.serving.endpoint.gate import Gate, Receive, Scope, Send, read_body, send_refusal
from nbmlops.serving.endpoint.limits import Limits
from nbmlops.serving.endpoint.metrics import Metrics
from nbmlops.serving.endpoint.pages import pages
from nbmlops.serving.endpoint.refusals import Refusal
from nbmlops.serving.endpoint.shadows import Shadows
from nbmlops.serving.endpoint.shelf import Shelf
from nbmlops.serving.endpoint.tokens import Token

if TYPE_CHECKING:
    from nbmlops.serving.endpoint.lineup import Lineup
    from nbmlops.serving.endpoint.recording import Recorder
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
        The versions that answer.
    metrics : Metrics
        Where requests are counted.
    token : Token
        What callers have to show.
    hosts : iterable of str
        What the endpoint goes by.
    limits : Limits
        Bounds.
    recorder : Recorder, optional
        What keeps requests and answers; nothing is kept without it.
    logs : bool
        Whether each request is logged: its id, route, status, time, rows and version, and nothing of its values.
    """

    def __init__(
        self,
        shelf: Shelf,
        metrics: Metrics,
        token: Token,
        hosts: Iterable[str],
        limits: Limits,
        recorder: Recorder | None = None,
        *,
        logs: bool = False,
    ) -> None:
        self._shelf = shelf
        self._recorder = recorder
        self._shadows = Shadows(recorder, metrics.shadowed) if recorder is not None else None
        self._metrics = metrics
        self._limits = limits
        self._logs = logs
        self.batcher = Batcher(metrics.predicted)
        self._explainer = Explainer(limits)
        self._clock = clock_here()
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
        began, at = time.perf_counter(), microseconds(self._clock.now())
        content_type = given = b""
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value
            elif name == b"x-request-id":
                given = value
        own = _ID.fullmatch(given) is not None
        # One look: whatever the catalog says from here on, this request is answered by one version of this lineup.
        lineup = self._shelf.lineup
        one = Exchange(given.decode() if own else f"{self._prefix}{next(self._ids):x}", at, lineup.champion)
        try:
            one.explains = wants_explanation(scope["query_string"])
            chosen = _chosen(lineup, version)
            if chosen is None:
                one.choose(lineup, scope["headers"])
            else:
                one.served = chosen
            body = await read_body(receive, self._limits)
            integrity.check(scope["headers"], body)
            asked = _asked(content_type, body, one.served, route)
            one.asked = asked.rows
            if not own and asked.id is not None and _ID.fullmatch(asked.id.encode()):
                one.id = asked.id
            if chosen is None and lineup.deployment.split:
                # What the body says may choose another share, and that version may read the body in another way.
                before = one.served
                one.choose(lineup, scope["headers"])
                if one.served.signature != before.signature:
                    one.asked = _asked(content_type, body, one.served, route).rows
            payload = await self._payload(one, asked.outputs, route)
        except Refusal as refusal:
            one.status = refusal.status
            await send_refusal(send, refusal, _names_of(one))
        else:
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(payload))]
            await send({"type": "http.response.start", "status": 200, "headers": [*headers, *_names_of(one)]})
            await send({"type": "http.response.body", "body": payload})
        self._note(one, lineup, route, time.perf_counter() - began - one.explaining)

    async def _payload(self, one: Exchange, outputs: tuple[str, ...] | None, route: str) -> bytes:
        served = one.served
        shown = _outputs(outputs, served, route)
        assert one.asked is not None
        one.arrays, one.fetched = served.take(one.asked)
        wanted = tuple({*shown, *self._explainer.outputs(served, one.rows)}) if one.explains else shown
        # What is captured is the whole answer, whichever part of it the caller wants.
        whole = await self._answered(served, one.arrays, wanted if self._recorder is None else served.outputs)
        one.answer = whole
        more = await self._explained(one) if one.explains else {}
        written = answers.tensors if route == "infer" else answers.predictions
        return written(served, {name: whole[name] for name in shown}, one.id, more)

    async def _explained(self, one: Exchange) -> dict[str, Any]:
        began = time.perf_counter()
        try:
            found = await self._explainer.explain(one)
        except Refusal:
            one.answer = None  # the caller does not get it
            raise
        except Exception as error:  # noqa: BLE001 - it answered these rows, and failed on those of its background
            one.answer = None
            _log.exception("version %d could not be explained", one.served.version)
            what = f"the explanation failed with {type(error).__name__}"
            raise Refusal(500, what, "its log has the reason") from None
        finally:
            one.explaining = time.perf_counter() - began
        return {"explanation": found.to_json()}

    def _note(self, one: Exchange, lineup: Lineup, route: str, seconds: float) -> None:
        """Count, capture, and ask the shadows: the caller has its answer."""
        self._metrics.answered(route, one.status, one.served.version, seconds)
        if self._recorder is not None and self._shadows is not None:
            self._recorder.served(one, 1e3 * seconds)
            if lineup.deployment.shadow and one.answer is not None:
                self._shadows.ask(one, lineup.shadows)
        if self._logs:
            rows, version = one.rows, one.served.version
            _log.info("%s %s %d %.1f ms %d rows v%d", one.id, route, one.status, 1e3 * seconds, rows, version)

    def close(self) -> None:
        """Answer and keep what waits, and end."""
        self.batcher.close()
        self._explainer.close()
        if self._shadows is not None:
            self._shadows.close()
        if self._recorder is not None:
            self._recorder.close()

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


def _chosen(lineup: Lineup, version: str | None) -> Served | None:
    """The version that the path names, if it names one."""
    if version is None:
        return None
    found = lineup.numbered(version)
    if found is None:
        name = lineup.champion.name
        raise Refusal(404, f"version {version[:20]} of {name} is not served", "leave /versions/… out")
    return found


def _names_of(one: Exchange) -> list[tuple[bytes, bytes]]:
    return [(b"x-request-id", one.id.encode()), (b"x-model-version", b"%d" % one.served.version)]


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
