"""One request on its way: who it is from, which version answers it, and what it was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.serving.endpoint.rows import Columns, Matrix

if TYPE_CHECKING:
    from nbmlops.serving.endpoint.fetching import Fetched
    from nbmlops.serving.endpoint.lineup import Lineup, Missing
    from nbmlops.serving.endpoint.served import Answer, Arrays, Served

__all__ = ["Exchange"]


@dataclass(slots=True)
class Exchange:
    """A request and its answer.

    Attributes
    ----------
    id : str
        The request's id.
    at : int
        When it came: microseconds since 1970, UTC.
    served : Served
        The version that answers.
    key : str or None
        The value that chose its share; None when the id did.
    skipped : Missing or None
        The version that should have answered, and is not there.
    asked : Columns or Matrix or None
        Its rows as they were sent.
    arrays, answer : optional
        Its rows as they were checked, and what the version gave for them.
    fetched : Fetched, optional
        What was fetched for it, when it named entities.
    explains : bool
        Whether its answer is to be explained.
    explaining : float
        Seconds that this took: no part of the time that the version took to answer.
    status : int
        Of the response.
    """

    id: str
    at: int
    served: Served
    key: str | None = None
    skipped: Missing | None = None
    asked: Columns | Matrix | None = None
    arrays: Arrays | None = None
    answer: Answer | None = None
    fetched: Fetched | None = None
    explains: bool = False
    explaining: float = 0.0
    status: int = 200

    @property
    def rows(self) -> int:
        """How many rows were answered."""
        return 0 if self.arrays is None else len(self.arrays[0])

    def choose(self, lineup: Lineup, headers: Any) -> None:
        """Let the share be chosen: by the sticky column or header as far as it is known by now, else by the id."""
        sticky = lineup.deployment.sticky
        self.key = None
        if sticky is not None:
            self.key = _in_rows(sticky, self.asked, self.served) or _in_headers(sticky, headers)
        self.served, self.skipped = lineup.choose(self.id if self.key is None else self.key)


def _in_rows(column: str, asked: Columns | Matrix | None, served: Served) -> str | None:
    """The first row's value of a column: a request has one answer, so its first row speaks for the others."""
    if isinstance(asked, Matrix):
        if column not in served.intake.names or not asked.rows:
            return None
        first = asked.rows[0]
        values = first if isinstance(first, list) else [first]
        at = served.intake.names.index(column)
        value = values[at] if at < len(values) else None
    else:
        found = asked.get(column) if asked else None
        value = found[0] if found else None
    return str(value) if isinstance(value, str | int | float | bool) else None


def _in_headers(name: str, headers: Any) -> str | None:
    wanted = name.lower().encode()
    return next((value.decode("latin-1") for header, value in headers if header == wanted), None)
