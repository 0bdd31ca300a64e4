"""Requests that name entities instead of features: the features are read online, and those on demand are computed.

What is fetched is what the model was trained on: the same versions of the same views, under the same names. A caller
who sends all columns of the model is answered without any of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from nbmlops.core.errors import InvalidError, NbmlopsError
from nbmlops.serving.endpoint.refusals import Fault, Refusal
from nbmlops.serving.endpoint.rows import Columns

__all__ = ["FEATURE", "Features", "Fetched", "FetchedRows", "Fetcher"]

FEATURE = "feature:"
"""What the name of a captured column begins with that holds the event times of a version of a view, as served."""


class FetchedRows(Protocol):
    """What was read: values by the names of the model's inputs, and event times by version of a view."""

    @property
    def values(self) -> Mapping[str, Sequence[Any]]:
        """Features."""

    @property
    def times(self) -> Mapping[str, Sequence[Any]]:
        """When each was true."""


class Features(Protocol):
    """What reads the features of one version of a model."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The entities, and what functions take of the request."""

    @property
    def views(self) -> tuple[str, ...]:
        """Versions of views that have event times."""

    def read(self, given: Mapping[str, Sequence[Any]]) -> FetchedRows:
        """Features of rows, in their order."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The columns of the model, and what is noted beside them: keys as they were sent, and event times."""

    columns: Columns
    keys: Columns = field(default_factory=dict)
    times: Columns = field(default_factory=dict)


class Fetcher:
    """Completes requests of one version of a model.

    Parameters
    ----------
    inputs : sequence of str
        What the model takes.
    features : sequence of str
        Those of them that are features.
    keys : sequence of str
        Columns by which they are found: entities, and inputs of functions.
    views : sequence of str
        The versions of views.
    opened : callable
        Opens what reads them, which may be refused or be away.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        features: Sequence[str],
        keys: Sequence[str],
        views: Sequence[str],
        opened: Callable[[], Features],
    ) -> None:
        self._inputs = tuple(inputs)
        self._features = frozenset(features)
        self.keys = tuple(dict.fromkeys(keys))
        self.noted = tuple(key for key in self.keys if key not in inputs)
        self.views = tuple(views)
        self._opened = opened
        self._reader: Features | None = None
        self._plain = [name for name in inputs if name not in self._features]
        self._known = frozenset((*inputs, *self.keys))

    def wants(self, given: Columns) -> bool:
        """Whether a request names keys and lacks features; any other is held against the signature alone."""
        names = given.keys()
        return not self._features <= names and (
            not names.isdisjoint(self.noted) or (bool(self.keys) and names >= set(self.keys))
        )

    def complete(self, given: Columns) -> Fetched:
        """Add the features that a request lacks; those that it has are used as they were sent.

        Raises
        ------
        Refusal
            With status 422 for a key that is none, 503 when features cannot be had now.
        """
        missing = [name for name in (*self._plain, *self.keys) if name not in given]
        faults = [Fault("the request lacks this column, by which features are found", name) for name in missing]
        faults += [Fault("the model takes no such column", name[:60]) for name in given if name not in self._known]
        if faults:
            first = f"column {faults[0].column}: {faults[0].message}"
            raise Refusal(422, first, f"send {', '.join(dict.fromkeys((*self._plain, *self.keys)))}", faults)
        lengths = {name: len(values) for name, values in given.items()}
        if len(set(lengths.values())) != 1:
            told = ", ".join(f"{name} {length}" for name, length in list(lengths.items())[:8])
            raise Refusal(422, f"the columns are of unequal lengths: {told}", "send as many values in each")
        try:
            found = self._read(given)
        except InvalidError as error:
            raise Refusal(422, error.message, error.hint) from None
        except NbmlopsError as error:
            raise Refusal(503, f"features cannot be had now: {error.message}", error.hint) from None
        columns = {name: given[name] if name in given else found.values[name] for name in self._inputs}
        return Fetched(columns, {key: given[key] for key in self.noted}, found.times)

    def _read(self, given: Columns) -> FetchedRows:
        if self._reader is None:
            self._reader = self._opened()
        return self._reader.read(given)
