"""Explains what was answered, in a thread of its own: the batcher's goes on with everybody else's requests.

One request is explained at a time, in small parts, and few may wait; whoever comes then is told to come again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from nbmlops.core.errors import NbmlopsError
from nbmlops.serving.endpoint.explanation import Background, Explanation, background, explained, needed
from nbmlops.serving.endpoint.refusals import Refusal

if TYPE_CHECKING:
    from nbmlops.serving.endpoint.exchange import Exchange
    from nbmlops.serving.endpoint.limits import Limits
    from nbmlops.serving.endpoint.served import Answer, Arrays, Served

__all__ = ["Explainer", "wants_explanation"]

_WAITING = 4
_KNOWN = 60.0  # seconds that a background stays in memory: what is erased is not for ever in that of a worker


def wants_explanation(query: bytes) -> bool:
    """Whether the query of a request asks for an explanation.

    Raises
    ------
    Refusal
        When it says neither that it does nor that it does not.

    Examples
    --------
    >>> wants_explanation(b"explain=true"), wants_explanation(b"explain=false"), wants_explanation(b"")
    (True, False, False)
    """
    if not query:
        return False
    said = [value for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if name == "explain"]
    if not said:
        return False
    if len(said) > 1 or said[0] not in {"true", "false"}:
        shown = " and ".join(repr(value[:20]) for value in said[:3])
        raise Refusal(400, f"explain is {shown}, and neither true nor false", "?explain=true")
    return said[0] == "true"


class Explainer:
    """Explains for one worker.

    Parameters
    ----------
    limits : Limits
        How many rows one request may have explained, and how long that may take.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting = 0
        self._ending = False
        self._known: dict[int, tuple[float, Background]] = {}  # by the row of the version in the catalog: until when
        self._pool = ThreadPoolExecutor(1, "nbmlops-explain")

    def outputs(self, served: Served, rows: int) -> tuple[str, ...]:
        """What has to be answered for an explanation.

        Raises
        ------
        Refusal
            When there are too many rows, or what the model gives cannot be explained.
        """
        most = self._limits.explained
        if rows > most:
            raise Refusal(413, f"the request has {rows:,} rows, and {most:,} are explained at most", "send them apart")
        try:
            return needed(served)
        except NbmlopsError as error:
            raise Refusal(422, error.message, error.hint) from None

    async def explain(self, one: Exchange) -> Explanation:
        """Explain what was answered to a request.

        Raises
        ------
        Refusal
            With 429 when others wait already, 422 when there is nothing to explain it against, 503 when it takes too
            long.
        """
        if self._waiting >= _WAITING:
            raise Refusal(429, "too many explanations at a time", "ask again later", headers=[(b"retry-after", b"5")])
        assert one.arrays is not None
        assert one.answer is not None
        until = time.monotonic() + self._limits.seconds
        self._waiting += 1
        done = self._pool.submit(self._explained, one.served, one.arrays, one.answer, until)
        # Whoever asked may go; the place is free when the thread is.
        loop = asyncio.get_running_loop()
        done.add_done_callback(lambda _: self._leave(loop))
        return await asyncio.wrap_future(done)

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody comes any more
            loop.call_soon_threadsafe(self._left)

    def _left(self) -> None:
        self._waiting -= 1

    def _explained(self, served: Served, arrays: Arrays, answer: Answer, until: float) -> Explanation:
        def go_on() -> None:
            if self._ending or time.monotonic() > until:
                seconds = self._limits.seconds
                raise Refusal(503, f"it could not be explained in {seconds:g} seconds", "ask for fewer rows at a time")

        go_on()
        try:
            return explained(served, arrays, answer, self._background(served), go_on)
        except NbmlopsError as error:
            raise Refusal(422, error.message, error.hint) from None

    def _background(self, served: Served) -> Background:
        now = time.monotonic()
        self._known = {key: known for key, known in self._known.items() if known[0] > now}
        if served.id not in self._known:
            if served.explained_by is None:
                raise Refusal(422, f"there is nothing to explain v{served.version} against")
            ref, columns = served.explained_by()
            self._known[served.id] = now + _KNOWN, background(served, ref, columns)
        return self._known[served.id][1]

    def close(self) -> None:
        """End, and explain no further."""
        self._ending = True
        self._pool.shutdown(wait=False, cancel_futures=True)
