"""Versions as entities of DataHub: a name of data is a dataset, a model's a group of models, a view's a feature table.

An entity says of a name what its newest version is, whichever version a fact is about. No value of any data is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from nbmlops.store.addresses import recordable
from nbmlops.workspace.export.addresses import external
from nbmlops.workspace.export.datahub.urns import PLATFORM, WHOLE, Urns, elsewhere, millis, person, proposal, tag
from nbmlops.workspace.export.facts import Finished, Thing

__all__ = ["Things", "measured"]

_TYPES: Final = (
    (("int", "uint", "float", "double", "half", "decimal"), "NumberType"),
    (("bool",), "BooleanType"),
    (("string", "large_string", "utf8", "dictionary"), "StringType"),
    (("date",), "DateType"),
    (("time", "duration"), "TimeType"),
    (("list", "large_list", "fixed_size_list"), "ArrayType"),
    (("struct",), "RecordType"),
    (("map",), "MapType"),
    (("binary", "large_binary"), "BytesType"),
)
"""Beginnings of Arrow's words for types, and what DataHub calls these."""


class Things:
    """Says what versions are, each name and each version of a model once.

    Parameters
    ----------
    urns : Urns
        The names.
    """

    def __init__(self, urns: Urns) -> None:
        self._urns = urns
        self._names: set[int] = set()
        self._models: set[int] = set()

    def of(self, thing: Thing, made_by: tuple[Finished, str] | None = None) -> Iterator[dict[str, Any]]:
        """What is to be said of a version: of the name, where it is its newest so far, and of a model of itself too."""
        version = thing.version
        # What trained a model is told by the run that did; others that use it would take that back.
        is_its_own = version.run is None or (made_by is not None and made_by[0].row.id == version.run_id)
        if version.kind == "model" and is_its_own and version.id not in self._models:
            self._models.add(version.id)
            yield from self._model(thing, made_by)
        if thing.is_newest and version.id not in self._names:
            self._names.add(version.id)
            yield from self._name(thing)

    def dropped(self, kind: str, name: str) -> dict[str, Any]:
        """That a name is no more."""
        return proposal(self._urn(kind, name), "status", removed=True)

    def upstream(self, thing: Thing, sources: Iterable[Thing]) -> Iterator[dict[str, Any]]:
        """What data were made of that no run has made."""
        if thing.version.kind != "data":
            return
        made_of = [self._urns.data(one.version.name) for one in sources if one.version.kind == "data"]
        place = external(thing.version.detail.get("source"))
        made_of += [] if place is None else [elsewhere(place)]
        own = self._urns.data(thing.version.name)
        if others := [urn for urn in dict.fromkeys(made_of) if urn != own]:
            stamp = {"time": millis(thing.version.created_at), "actor": person(thing.version.author)}
            said = [{"auditStamp": stamp, "dataset": urn, "type": "TRANSFORMED"} for urn in others]
            yield proposal(own, "upstreamLineage", upstreams=said)

    def urns_of(self, things: Iterable[Thing]) -> list[str]:
        """Urns of the data and of the versions of models among some things; DataHub's jobs know no others."""
        named = {"data": lambda one: self._urns.data(one.name), "model": lambda one: self._urns.model(one.ref)}
        return list(dict.fromkeys(named[one.version.kind](one.version) for one in things if one.version.kind in named))

    def _urn(self, kind: str, name: str) -> str:
        return {"data": self._urns.data, "model": self._urns.group, "feature": self._urns.features}[kind](name)

    def _name(self, thing: Thing) -> Iterator[dict[str, Any]]:
        version = thing.version
        urn = self._urn(version.kind, version.name)
        yield from {"data": self._dataset, "model": self._group, "feature": self._view}[version.kind](urn, thing)
        yield _ownership(urn, thing)
        yield proposal(urn, "status", removed=False)

    def _dataset(self, urn: str, thing: Thing) -> Iterator[dict[str, Any]]:
        version = thing.version
        stamp = {"time": millis(version.created_at), "actor": person(version.author)}
        about = {"name": version.name, "description": _about(thing), "customProperties": _properties(thing)}
        yield proposal(urn, "datasetProperties", **about, lastModified=stamp, tags=[])
        yield proposal(urn, "subTypes", typeNames=[str(version.detail.get("format", "data"))])
        if columns := version.detail.get("columns"):
            personal = thing.quality.personal if thing.quality else {}
            yield proposal(
                urn,
                "schemaMetadata",
                schemaName=version.name,
                platform=PLATFORM,
                version=version.number or 0,
                created=stamp,
                lastModified=stamp,
                hash=version.digest,
                platformSchema={"com.linkedin.schema.Schemaless": {}},
                fields=[_field(column, personal) for column in columns],
            )
        counts = {"rowCount": version.detail.get("rows"), "columnCount": len(columns) if columns else None}
        if thing.quality is not None:
            counts["fieldProfiles"] = [
                {"fieldPath": name, "nullCount": nulls} | ({} if distinct is None else {"uniqueCount": distinct})
                for name, (nulls, distinct) in thing.quality.columns.items()
            ]
        size = {"sizeInBytes": version.size, "partitionSpec": WHOLE}
        yield proposal(urn, "datasetProfile", timestampMillis=stamp["time"], **counts, **size)

    def _group(self, urn: str, thing: Thing) -> Iterator[dict[str, Any]]:
        version = thing.version
        tagged = {"versionTag": version.ref.partition("@")[2]}
        about = {"name": version.name, "description": _about(thing), "version": tagged}
        yield proposal(urn, "mlModelGroupProperties", customProperties=_properties(thing), **about)

    def _model(self, thing: Thing, made_by: tuple[Finished, str] | None) -> Iterator[dict[str, Any]]:
        version = thing.version
        urn = self._urns.model(version.ref)
        told: dict[str, Any] = {}
        if made_by is not None:
            fact, run = made_by
            told = {"trainingJobs": [run], **measured(fact)}
        stamp = {"time": millis(version.created_at), "actor": person(version.author)}
        yield proposal(
            urn,
            "mlModelProperties",
            customProperties=_properties(thing),
            name=version.ref,
            description=_about(thing),
            created=stamp,
            version={"versionTag": version.ref.partition("@")[2]},
            type=version.detail.get("estimator"),
            tags=[],
            groups=[self._urns.group(version.name)],
            **told,
        )
        yield _ownership(urn, thing)
        yield proposal(urn, "status", removed=version.deleted_at is not None)

    def _view(self, urn: str, thing: Thing) -> Iterator[dict[str, Any]]:
        version, detail = thing.version, thing.version.detail
        sources = [self._urns.data(name) for name in detail.get("sources", ())]
        features = {self._urns.feature(version.name, column[0]): column for column in detail.get("columns", ())}
        keys = [self._urns.key(version.name, name) for name in detail.get("entities", ())]
        more = {key: ", ".join(detail[key]) for key in ("inputs", "refs") if detail.get(key)}
        yield proposal(
            urn,
            "mlFeatureTableProperties",
            customProperties={**_properties(thing), **more},
            description=_about(thing),
            mlFeatures=list(features),
            mlPrimaryKeys=keys,
        )
        for feature, column in features.items():
            about = {"type": str(column[1])}
            yield proposal(feature, "mlFeatureProperties", customProperties=about, sources=sources)
        for key in keys:
            yield proposal(key, "mlPrimaryKeyProperties", customProperties={}, sources=sources)


def measured(fact: Finished) -> dict[str, Any]:
    """What a run was given and what it measured, as DataHub has them of a training."""
    params = [{"name": key, "value": recordable(str(value))} for key, value in fact.params.items()]
    metrics = [{"name": key, "value": repr(value)} for key, value in fact.metrics.items()]
    return {"hyperParams": params, "trainingMetrics": metrics}


def _about(thing: Thing) -> str | None:
    return recordable(thing.about) or None


def _ownership(urn: str, thing: Thing) -> dict[str, Any]:
    stamp = {"time": millis(thing.version.created_at), "actor": person(thing.version.author)}
    owners = [{"owner": person(thing.owner), "type": "DATAOWNER"}]
    return proposal(urn, "ownership", owners=owners, ownerTypes={}, lastModified=stamp)


def _properties(thing: Thing) -> dict[str, str]:
    """What DataHub has no field for, as text."""
    version, judged = thing.version, thing.judged
    found: dict[str, Any] = {
        "version": version.ref,
        "digest": version.digest,
        "author": version.author,
        "run": version.run,
        "size": version.size,
        "format": version.detail.get("format") or version.detail.get("form"),
        "aliases": ", ".join(version.aliases),
        "report": judged and f"report {judged.number}: {judged.suite} {judged.status}",
        **{key: thing.said.get(key) for key in ("licence", "intended_use", "limits")},
        **{f"tag.{key}": recordable(value) for key, value in sorted(version.tags.items())},
    }
    return {key: str(value) for key, value in found.items() if value not in (None, "")}


def _field(column: Any, personal: Mapping[str, str]) -> dict[str, Any]:
    name, kind = str(column[0]), str(column[1])
    called = next((called for begins, called in _TYPES if kind.startswith(begins)), "NullType")
    field: dict[str, Any] = {
        "fieldPath": name,
        "nullable": bool(column[2]) if len(column) > 2 else True,
        "type": {"type": {f"com.linkedin.schema.{called}": {}}},
        "nativeDataType": kind,
        "recursive": False,
        "isPartOfKey": False,
    }
    if name in personal:
        field["globalTags"] = {"tags": [{"tag": tag(f"personal.{personal[name]}")}]}
    return field
