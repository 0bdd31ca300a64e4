"""One request as whoever answers hands it over, and the columns that it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["INPUT", "OUTPUT", "CapturedRequest", "Role", "own_schema"]

Role = Literal["served", "shadow"]
INPUT = "in:"
"""What the name of a column of an input begins with."""
OUTPUT = "out:"
"""The same of an answer."""


@dataclass(frozen=True, slots=True)
class CapturedRequest:
    """A request and its answer, all rows of it.

    Attributes
    ----------
    id : str
        Its id; that of a row is ``ID#row`` when there are several.
    at : int
        When it came: microseconds since 1970, UTC.
    version : int
        The number of the version that answered.
    role : {"served", "shadow"}
        Whether the answer was given, or only noted.
    key : str or None
        What chose its share.
    latency_ms : float
        How long it took.
    status : int
        The status of the HTTP answer.
    inputs : mapping of str to sequence, optional
        Values by the names of the inputs; None when it was refused.
    outputs : mapping of str to sequence, optional
        Values by ``predict`` and ``proba:CLASS``.
    rows : int
        How many rows it has; one when it was refused.
    """

    id: str
    at: int
    version: int
    role: Role = "served"
    key: str | None = None
    latency_ms: float = 0.0
    status: int = 200
    inputs: Mapping[str, Sequence[Any]] | None = None
    outputs: Mapping[str, Sequence[Any]] | None = None
    rows: int = 1

    def ids(self) -> list[str]:
        """The ids of its rows."""
        return [self.id] if self.rows == 1 else [f"{self.id}#{row}" for row in range(self.rows)]


def own_schema() -> pa.Schema:
    """The columns that every captured row has."""
    import pyarrow as pa

    return pa.schema(
        [
            ("_id", pa.string()),
            ("_at", pa.timestamp("us", "UTC")),
            ("_version", pa.int32()),
            ("_role", pa.string()),
            ("_key", pa.string()),
            ("_latency_ms", pa.float32()),
            ("_status", pa.int16()),
            ("_worker", pa.string()),
            ("_memory", pa.int64()),
        ]
    )
