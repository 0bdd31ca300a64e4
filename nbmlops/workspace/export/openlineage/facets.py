"""Facets of OpenLineage, each with the address of the published schema that it holds to.

The schemas are those of OpenLineage 2-0-2 (https://openlineage.io/spec/2-0-2/OpenLineage.json). A facet that is ours
alone, whose key begins with ``nbmlops_``, names the schema of any facet, which is all that others can hold it to.
"""

from __future__ import annotations

from typing import Any, Final

from nbmlops.core.version import __version__

__all__ = ["PRODUCER", "SPEC", "facet", "own"]

SPEC: Final = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
PRODUCER: Final = f"pkg:generic/nbmlops@{__version__}"
"""Who says all this, as a package URL: https://github.com/package-url/purl-spec."""
_VERSIONS: Final = {
    "DataQualityAssertionsDatasetFacet": "1-1-0",
    "DataQualityMetricsDatasetFacet": "1-0-0",
    "DatasetTypeDatasetFacet": "1-0-1",
    "DatasetVersionDatasetFacet": "1-0-1",
    "DatasourceDatasetFacet": "1-0-1",
    "DocumentationDatasetFacet": "1-1-0",
    "ErrorMessageRunFacet": "1-0-1",
    "ExecutionParametersRunFacet": "1-0-0",
    "JobTypeJobFacet": "2-0-4",
    "LifecycleStateChangeDatasetFacet": "1-0-1",
    "LineageFacet": "1-0-0",
    "NominalTimeRunFacet": "1-0-1",
    "OutputStatisticsOutputDatasetFacet": "1-0-2",
    "OwnershipDatasetFacet": "1-0-1",
    "OwnershipJobFacet": "1-0-1",
    "ParentRunFacet": "1-2-0",
    "ProcessingEngineRunFacet": "1-1-1",
    "SchemaDatasetFacet": "1-2-0",
    "SourceCodeLocationJobFacet": "1-1-0",
    "SymlinksDatasetFacet": "1-0-1",
    "TagsDatasetFacet": "1-0-0",
    "TagsRunFacet": "1-0-0",
}
_FILES: Final = {"LineageDatasetFacet": "LineageFacet", "LineageJobFacet": "LineageFacet"}
"""Files that have another name than what they define."""


def facet(name: str, /, **fields: Any) -> dict[str, Any]:
    """A facet of the standard; fields without a value are left out.

    Examples
    --------
    >>> facet("DatasetVersionDatasetFacet", datasetVersion="flights@v3")["_schemaURL"].rpartition("/")[2]
    'DatasetVersionDatasetFacet'
    """
    file = _FILES.get(name, name)
    return _with(f"https://openlineage.io/spec/facets/{_VERSIONS[file]}/{file}.json#/$defs/{name}", fields)


def own(kind: str, /, **fields: Any) -> dict[str, Any]:
    """A facet of ours; `kind` is that of the standard's definition, such as ``RunFacet``."""
    return _with(f"{SPEC}#/$defs/{kind}", fields)


def _with(url: str, fields: dict[str, Any]) -> dict[str, Any]:
    said = {key: value for key, value in fields.items() if value is not None}
    return {"_producer": PRODUCER, "_schemaURL": url, **said}
