"""What a feature view and a feature service are: documents of protocol 1, as docs/formats/feature.md specifies them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Self

from nbmlops.core import digests
from nbmlops.core.errors import CorruptError, InvalidError, UnsupportedError
from nbmlops.core.refs import Ref, check_name

__all__ = ["CREATED", "PROTOCOL", "Definition", "Document", "FeatureRef", "ServiceDefinition", "document_of"]

PROTOCOL = 1
CREATED = "created"
"""A column of this name tells when a row was made: the last one holds of several rows of one entity and time."""


@dataclass(frozen=True, slots=True)
class FeatureRef:
    """Some features of a view: ``carrier_delay``, ``carrier_delay:mean_delay_7d``, ``carrier_delay@v2:mean_delay_7d``.

    `feature` is None for all of them.

    Examples
    --------
    >>> FeatureRef.parse("carrier_delay@v2:mean_delay_7d")
    FeatureRef(view='carrier_delay@v2', feature='mean_delay_7d')
    """

    view: str
    feature: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `text`; `InvalidError` when it names nothing."""
        view, colon, feature = text.partition(":")
        if colon and not feature:
            raise InvalidError(f"{text!r} names no feature behind the colon", hint="view:feature, or the view alone")
        return cls(str(Ref.parse(view)), feature or None)

    @property
    def name(self) -> str:
        """The name of the view, without a version."""
        return Ref.parse(self.view).name

    def __str__(self) -> str:
        return self.view if self.feature is None else f"{self.view}:{self.feature}"


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of a feature view.

    Attributes
    ----------
    name : str
        What the view is called.
    entities : tuple of str
        The key columns, such as ``carrier``.
    sources : tuple of str
        References of data, one for each parameter of the function, in order; none when on demand.
    time : str or None
        The column of the event time in what the function returns; None when a row holds for ever.
    ttl : timedelta or None
        How long a value is valid after its time; None for ever.
    source : str
        The text of the function with what it needs, which runs without the notebook.
    function : str
        Its name in that text.
    on_demand : bool
        Whether it is computed on the request, from `inputs`.
    inputs : tuple of str
        Of an on-demand view: columns of the request, or ``view:feature``, in the order of the parameters.
    features : tuple of tuple of str
        Pairs of a column and its Arrow type, without entities, time and ``created``.
    owner, description : str
        Who looks after it; what it is.
    tags : mapping
        Pairs of text.
    code_digest : str
        Digest of the code's syntax tree: comments, layout and docstrings are no part of it.
    """

    name: str
    entities: tuple[str, ...]
    sources: tuple[str, ...]
    time: str | None
    ttl: timedelta | None
    source: str
    function: str
    on_demand: bool
    inputs: tuple[str, ...]
    features: tuple[tuple[str, str], ...]
    owner: str
    description: str
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    code_digest: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(name for name, _ in self.features)

    def document(self) -> bytes:
        """Its canonical JSON, whose digest is the identity of the version."""
        seconds = None if self.ttl is None else self.ttl.total_seconds()
        return _written("view", {**asdict(self), "ttl": seconds})


@dataclass(frozen=True, slots=True)
class ServiceDefinition:
    """One version of a feature service: a named list of features that a model is trained on.

    Attributes
    ----------
    name : str
        What it is called.
    refs : tuple of str
        References of features, in order.
    owner, description : str
        Who looks after it; what it is for.
    tags : mapping
        Pairs of text.
    """

    name: str
    refs: tuple[str, ...]
    owner: str
    description: str
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)

    def document(self) -> bytes:
        """Its canonical JSON, whose digest is the identity of the version."""
        return _written("service", asdict(self))


Document = Definition | ServiceDefinition


def _written(kind: str, values: Mapping[str, Any]) -> bytes:
    return digests.canonical_json({"protocol": PROTOCOL, "kind": kind, **values})


def document_of(content: bytes) -> Document:
    """Read the document of a version.

    Raises
    ------
    UnsupportedError
        When a newer nbmlops wrote it.
    CorruptError
        When it is none.
    """
    try:
        read = json.loads(content)
        protocol, kind = read.pop("protocol"), read.pop("kind")
        if type(protocol) is not int or protocol > PROTOCOL:
            raise UnsupportedError(f"a feature is written in protocol {protocol!r}; known are those up to {PROTOCOL}")
        check_name(read["name"])
        if kind == "service":
            return ServiceDefinition(**{**read, "refs": tuple(read["refs"])})
        for key in ("entities", "sources", "inputs"):
            read[key] = tuple(read[key])
        read["features"] = tuple((str(name), str(kept)) for name, kept in read["features"])
        read["ttl"] = None if read["ttl"] is None else timedelta(seconds=read["ttl"])
        return Definition(**read)
    except (AttributeError, KeyError, TypeError, ValueError, InvalidError) as error:
        raise CorruptError(f"the document of a feature cannot be read: {error!r}"[:300]) from error
