"""Versions as datasets of OpenLineage: a name is a dataset, and its version is a facet of each mention.

No value of any data is told: not of columns (bounds, common values, categories, classes), only names, types and counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nbmlops.store.addresses import recordable
from nbmlops.workspace.export.addresses import External, external
from nbmlops.workspace.export.facts import Thing
from nbmlops.workspace.export.openlineage.facets import facet, own

__all__ = ["Datasets"]

_TYPES = {"data": "TABLE", "model": "MODEL", "feature": "FEATURE_VIEW"}


class Datasets:
    """Says what versions are.

    Parameters
    ----------
    namespace : str
        The namespace of what the workspace holds.
    """

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def named(self, kind: str, name: str) -> dict[str, Any]:
        """The dataset of a name: names are the same for data, models and features, so the kind is a part of it."""
        return {"namespace": self._namespace, "name": f"{kind}/{name}"}

    def of(self, thing: Thing) -> dict[str, Any]:
        """The dataset of a version."""
        return self.named(thing.version.kind, thing.version.name)

    def elsewhere(self, things: Iterable[Thing]) -> list[dict[str, Any]]:
        """The datasets elsewhere that versions were fetched from; what is tracked where it is names its own."""
        found = {
            place: None
            for one in things
            if not one.version.detail.get("tracked") and (place := external(one.version.detail.get("source")))
        }
        return [{"namespace": place.namespace, "name": place.name} for place in found]

    def static(self, thing: Thing, sources: Iterable[Thing] = ()) -> dict[str, Any]:
        """A version that was saved outside of any run, with what it was made of."""
        facets = self._facets(thing)
        made_of = [*self._distinct(sources), *self.elsewhere([thing])]
        if made_of:
            inputs = [{**one, "type": "DATASET"} for one in made_of]
            facets["lineage"] = facet("LineageDatasetFacet", inputs=inputs)
        return {**self.of(thing), "facets": facets}

    def taken(self, thing: Thing) -> dict[str, Any]:
        """A version that a run has read, with what the newest report says of it."""
        found = {**self.of(thing), "facets": self._facets(thing)}
        if report := thing.judged:
            about = {"assertion": report.suite, "name": f"report {report.number}", "severity": "error"}
            said = {**about, "success": report.status in {"passed", "warned"}}
            found["inputFacets"] = {
                "dataQualityAssertions": facet("DataQualityAssertionsDatasetFacet", assertions=[said])
            }
        return found

    def made(self, thing: Thing) -> dict[str, Any]:
        """A version that a run has written, with how large it is."""
        rows = thing.version.detail.get("rows")
        size = facet("OutputStatisticsOutputDatasetFacet", rowCount=rows, size=thing.version.size)
        return {**self.of(thing), "facets": self._facets(thing), "outputFacets": {"outputStatistics": size}}

    def entries(self, made_from: Mapping[str, Iterable[Thing]]) -> list[dict[str, Any]]:
        """What flowed into each of some datasets of the workspace, by ``KIND/NAME``."""
        return [
            {
                "namespace": self._namespace,
                "name": name,
                "type": "DATASET",
                "inputs": [{**one, "type": "DATASET"} for one in self._distinct(sources)],
            }
            for name, sources in made_from.items()
        ]

    def _distinct(self, things: Iterable[Thing]) -> list[dict[str, Any]]:
        return [self.named(*key) for key in dict.fromkeys((one.version.kind, one.version.name) for one in things)]

    def _facets(self, thing: Thing) -> dict[str, Any]:
        version = thing.version
        owner = {"name": thing.owner, "type": "AUTHOR" if thing.owner == version.author else "OWNER"}
        found = {
            "version": facet("DatasetVersionDatasetFacet", datasetVersion=version.ref),
            "dataSource": self._source(thing),
            "datasetType": facet("DatasetTypeDatasetFacet", datasetType=_TYPES[version.kind], subType=_sub_type(thing)),
            "ownership": facet("OwnershipDatasetFacet", owners=[owner]),
            "nbmlops_version": _version(thing),
        }
        if columns := version.detail.get("columns"):
            fields = [
                {"name": str(one[0]), "type": str(one[1]), "ordinal_position": place}
                for place, one in enumerate(columns, 1)
            ]
            found["schema"] = facet("SchemaDatasetFacet", fields=fields)
        if thing.about:
            found["documentation"] = facet("DocumentationDatasetFacet", description=recordable(thing.about))
        if tags := _tags(thing):
            found["tags"] = facet("TagsDatasetFacet", tags=tags)
        if thing.quality is not None:
            counts = {
                name: {"nullCount": nulls} | ({} if distinct is None else {"distinctCount": distinct})
                for name, (nulls, distinct) in thing.quality.columns.items()
            }
            size = {"rowCount": thing.quality.rows, "bytes": version.size}
            found["dataQualityMetrics"] = facet("DataQualityMetricsDatasetFacet", columnMetrics=counts, **size)
        if (place := _tracked(thing)) is not None:
            same = {"namespace": place.namespace, "name": place.name, "type": "TABLE"}
            found["symlinks"] = facet("SymlinksDatasetFacet", identifiers=[same])
        if version.kind == "model":
            found["nbmlops_model"] = _model(thing)
        if version.kind == "feature":
            found["nbmlops_feature"] = _feature(thing)
        return found

    def _source(self, thing: Thing) -> dict[str, Any]:
        """Where the bytes are: where it is tracked, else the workspace's own store."""
        place = _tracked(thing)
        name = self._namespace if place is None else place.namespace
        return facet("DatasourceDatasetFacet", name=name, uri=name if "://" in name else None)


def _tracked(thing: Thing) -> External | None:
    detail = thing.version.detail
    return external(detail.get("source")) if detail.get("tracked") else None


def _sub_type(thing: Thing) -> str:
    """The format of data and models, the form of what features are defined."""
    return str(thing.version.detail.get("form" if thing.version.kind == "feature" else "format", ""))


def _tags(thing: Thing) -> list[dict[str, str]]:
    version = thing.version
    found = [{"key": key, "value": recordable(value), "source": "USER"} for key, value in sorted(version.tags.items())]
    found += [{"key": "alias", "value": alias, "source": "NBMLOPS"} for alias in version.aliases]
    if thing.quality is not None:
        found += [
            {"key": "personal", "value": kind, "source": "NBMLOPS", "field": name}
            for name, kind in thing.quality.personal.items()
        ]
    return found


def _version(thing: Thing) -> dict[str, Any]:
    version, judged = thing.version, thing.judged
    return own(
        "DatasetFacet",
        kind=version.kind,
        name=version.name,
        number=version.number,
        digest=version.digest,
        size=version.size,
        rows=version.detail.get("rows"),
        author=version.author,
        createdAt=version.created_at.isoformat(),
        run=version.run,
        deletedAt=version.deleted_at and version.deleted_at.isoformat(),
        report=judged and judged.number,
        reportStatus=judged and judged.status,
    )


def _model(thing: Thing) -> dict[str, Any]:
    """What a model takes and gives; of its categories and classes nothing, as they are values of data."""
    detail, said = thing.version.detail, thing.said
    signature = detail.get("signature") or {}
    return own(
        "DatasetFacet",
        format=detail.get("format"),
        estimator=detail.get("estimator"),
        inputs=_typed(signature.get("inputs", ()), "name"),
        outputs=_typed(signature.get("outputs", ()), "method"),
        libraries=detail.get("libraries"),
        licence=said.get("licence"),
        intendedUse=said.get("intended_use"),
        limits=said.get("limits"),
    )


def _typed(fields: Iterable[Mapping[str, Any]], named: str) -> list[dict[str, str]]:
    return [{"name": str(one.get(named)), "type": str(one.get("type"))} for one in fields]


def _feature(thing: Thing) -> dict[str, Any]:
    said = ("form", "entities", "sources", "refs", "time", "ttl")
    return own("DatasetFacet", **{key: thing.version.detail.get(key) for key in said})
