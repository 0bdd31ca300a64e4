"""Names of DataHub: https://docs.datahub.com/docs/what/urn. What is reserved in them is written as in a URL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from nbmlops.core.clock import microseconds
from nbmlops.workspace.export.addresses import External

__all__ = ["NOBODY", "PLATFORM", "WHOLE", "Urns", "elsewhere", "millis", "person", "proposal", "tag"]

PLATFORM: Final = "urn:li:dataPlatform:nbmlops"
NOBODY: Final = "urn:li:corpuser:unknown"
"""Who did what the catalog has no name for, as DataHub says it."""
WHOLE: Final = {"partition": "FULL_TABLE_SNAPSHOT", "type": "FULL_TABLE"}
"""The part of a dataset, or of a job, that all of it is."""
_RESERVED: Final = frozenset(",()%␟")
_PLATFORMS: Final[Mapping[str, str]] = {"gs": "gcs", "abfs": "abs", "abfss": "abs", "az": "abs"}


def _safe(text: str) -> str:
    """A part of a urn.

    Examples
    --------
    >>> _safe("a,b (c)")
    'a%2Cb %28c%29'
    """
    return "".join(quote(each) if each in _RESERVED else each for each in text)


class Urns:
    """Urns of what one workspace holds.

    Parameters
    ----------
    namespace : str
        What names are told under, so that those of two workspaces stay apart.
    """

    def __init__(self, namespace: str) -> None:
        self._space = _safe(namespace.removeprefix("nbmlops://"))

    def data(self, name: str) -> str:
        """A name of data."""
        return f"urn:li:dataset:({PLATFORM},{self._space}/{_safe(name)},PROD)"

    def group(self, name: str) -> str:
        """A name of models."""
        return f"urn:li:mlModelGroup:({PLATFORM},{self._space}/{_safe(name)},PROD)"

    def model(self, ref: str) -> str:
        """A version of a model."""
        return f"urn:li:mlModel:({PLATFORM},{self._space}/{_safe(ref)},PROD)"

    def features(self, name: str) -> str:
        """A feature view or a feature service."""
        return f"urn:li:mlFeatureTable:({PLATFORM},{self._space}/{_safe(name)})"

    def feature(self, view: str, name: str) -> str:
        """One feature of a view."""
        return f"urn:li:mlFeature:({self._space}/{_safe(view)},{_safe(name)})"

    def key(self, view: str, name: str) -> str:
        """One key of a view."""
        return f"urn:li:mlPrimaryKey:({self._space}/{_safe(view)},{_safe(name)})"

    def flow(self, name: str) -> str:
        """A pipeline or an experiment, by its kind and name."""
        return f"urn:li:dataFlow:(nbmlops,{self._space}/{_safe(name)},PROD)"

    def job(self, flow: str, name: str) -> str:
        """A step of a pipeline, or what an experiment runs."""
        return f"urn:li:dataJob:({self.flow(flow)},{_safe(name)})"


def elsewhere(place: External) -> str:
    """A dataset elsewhere: of a store its bucket and key, of anything else its address without the scheme.

    Examples
    --------
    >>> elsewhere(External("s3://bucket", "a/flights.parquet"))
    'urn:li:dataset:(urn:li:dataPlatform:s3,bucket/a/flights.parquet,PROD)'
    """
    scheme, _, host = place.namespace.partition("://")
    return f"urn:li:dataset:(urn:li:dataPlatform:{_PLATFORMS.get(scheme, scheme)},{_safe(f'{host}/{place.name}')},PROD)"


def person(name: str) -> str:
    """Somebody by name."""
    return f"urn:li:corpuser:{_safe(name)}"


def tag(name: str) -> str:
    """A tag by name."""
    return f"urn:li:tag:{_safe(name)}"


def millis(at: datetime) -> int:
    """A time as DataHub has it: whole milliseconds since 1970, UTC."""
    return microseconds(at) // 1_000


def proposal(urn: str, aspect: str, /, **fields: Any) -> dict[str, Any]:
    """A change of one aspect, which takes the place of the one before; fields without a value are left out."""
    said = {key: value for key, value in fields.items() if value is not None}
    return {
        "entityType": urn.split(":", 3)[2],
        "entityUrn": urn,
        "changeType": "UPSERT",
        "aspectName": aspect,
        "aspect": {"json": said},
    }
