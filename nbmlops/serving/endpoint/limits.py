"""What one worker takes on, and whom it listens to."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one worker.

    Attributes
    ----------
    body : int
        Bytes of a request's body. Parsed JSON takes some twenty times as much, for as long as it is checked.
    head : int
        Bytes of a request's head: its first line and headers, which are read before the token is looked at.
    rows : int
        Rows of a request.
    explained : int
        Rows of a request that are explained.
    requests : int
        Requests at a time; whoever comes then is told to come again.
    seconds : float
        How long a body may take to arrive, and an answer to be computed.
    drain : int
        Seconds that requests in flight are given when the worker is to end.
    """

    body: int = 2 * 1024 * 1024
    head: int = 64 * 1024
    rows: int = 10_000
    explained: int = 10
    requests: int = 256
    seconds: float = 30.0
    drain: int = 20
