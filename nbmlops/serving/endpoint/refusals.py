"""How a request is refused: one JSON document that says what is wrong, where, and what to send instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["MOST_FAULTS", "Fault", "Refusal"]

MOST_FAULTS = 20
"""How many faults of one request are told."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the rows of a request; `row` counts from 0."""

    message: str
    column: str | None = None
    row: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"row": self.row, "column": self.column, "message": self.message}


class Refusal(Exception):  # noqa: N818 - an answer, and it is sent
    """The request is not answered with a prediction.

    Parameters
    ----------
    status : int
        The status code of HTTP.
    message : str
        What is wrong.
    hint : str, optional
        What to send instead.
    faults : sequence of Fault
        What is wrong with which rows and columns, all of it as far as `MOST_FAULTS`.
    headers : sequence of (bytes, bytes)
        What HTTP wants said besides.
    """

    def __init__(
        self,
        status: int,
        message: str,
        hint: str | None = None,
        faults: Sequence[Fault] = (),
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.hint = hint
        self.faults = tuple(faults)
        self.headers = tuple(headers)

    def body(self) -> bytes:
        """The document that is sent; ``error`` is a text, as the Open Inference Protocol wants it."""
        import orjson  # of the extra: who only holds rows against a signature goes without

        document: dict[str, Any] = {"error": self.message, "hint": self.hint}
        if self.faults:
            document["faults"] = [fault.to_json() for fault in self.faults[:MOST_FAULTS]]
            document["more"] = max(0, len(self.faults) - MOST_FAULTS)
        return orjson.dumps(document)
