"""Facts as events of OpenLineage: of a run its start and its end, of what was saved without a run the version.

The same run always has the same id, so that whoever is told twice knows it for the same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from nbmlops.core.version import __version__
from nbmlops.store.addresses import recordable
from nbmlops.workspace.export.facts import Dropped, Fact, Finished, Maker, RunName, Saved, Thing
from nbmlops.workspace.export.names import job_name, run_uuid
from nbmlops.workspace.export.openlineage.datasets import Datasets
from nbmlops.workspace.export.openlineage.facets import PRODUCER, SPEC, facet, own

if TYPE_CHECKING:
    from nbmlops.workspace.export.addresses import Repository

__all__ = ["events"]

_ENDS: Final = {"finished": "COMPLETE", "failed": "FAIL", "killed": "ABORT"}
_UNTOLD: Final = frozenset({"note", "logical_time", "owner"})
"""Tags of a run that are told otherwise, or are long."""
_OWN_TAGS: Final = frozenset({"for", "reproduces", "step", "steps", "version"})


def events(facts: Iterable[Fact], namespace: str, repository: Repository) -> Iterator[dict[str, Any]]:
    """Events, in the order of the facts.

    Parameters
    ----------
    facts : iterable of Fact
        What happened.
    namespace : str
        The namespace of jobs, and of datasets that the workspace holds.
    repository : Repository
        Says where others find the code.
    """
    telling = _Telling(namespace, repository)
    for fact in facts:
        match fact:
            case Finished():
                yield from telling.run(fact)
            case Saved():
                yield from telling.saved(fact)
            case Dropped():
                yield telling.dropped(fact)


class _Telling:
    def __init__(self, namespace: str, repository: Repository) -> None:
        self._namespace = namespace
        self._repository = repository
        self._datasets = Datasets(namespace)

    def run(self, fact: Finished) -> Iterator[dict[str, Any]]:
        """The start, with what was known then, and the end, with everything."""
        row = fact.row
        job = self._job(job_name(row.kind, row.experiment, fact.parents), row.kind)
        if place := self._repository.location(row.git, fact.notebook):
            job["facets"]["sourceCodeLocation"] = facet("SourceCodeLocationJobFacet", **place)
        if owner := fact.tags.get("owner"):
            owners = [{"name": owner, "type": "OWNER"}]
            job["facets"]["ownership"] = facet("OwnershipJobFacet", owners=owners)
        run_id, known = run_uuid(row.id), self._known_at_start(fact)
        yield self._event(
            "RunEvent", row.started_at, eventType="START", run={"runId": run_id, "facets": known}, job=job
        )
        inputs, outputs = _taken(fact.inputs, fact.outputs), _latest(fact.outputs)
        flows = {f"{one.version.kind}/{one.version.name}": fact.made_from.get(one.version.id) for one in outputs}
        if told := {name: sources for name, sources in flows.items() if sources}:
            job = {**job, "facets": {**job["facets"]}}
            job["facets"]["lineage"] = facet("LineageJobFacet", entries=self._datasets.entries(told))
        yield self._event(
            "RunEvent",
            row.ended_at,
            eventType=_ENDS[row.status],
            run={"runId": run_id, "facets": known | _known_at_end(fact)},
            job=job,
            inputs=[*map(self._datasets.taken, inputs), *self._datasets.elsewhere(fact.outputs)],
            outputs=[self._datasets.made(one) for one in outputs],
        )

    def saved(self, fact: Saved) -> Iterator[dict[str, Any]]:
        """The version; and with the last one that a cell or a script made, what that did altogether."""
        dataset = self._datasets.static(fact.thing, fact.sources)
        yield self._event("DatasetEvent", fact.thing.version.created_at, dataset=dataset)
        if fact.maker is not None:
            yield self._maker(fact.maker, fact.thing)

    def dropped(self, fact: Dropped) -> dict[str, Any]:
        """The end of a name."""
        change = facet("LifecycleStateChangeDatasetFacet", lifecycleStateChange="DROP")
        named = self._datasets.named(fact.kind, fact.name)
        return self._event("DatasetEvent", fact.at, dataset={**named, "facets": {"lifecycleStateChange": change}})

    def _maker(self, maker: Maker, thing: Thing) -> dict[str, Any]:
        subject = maker.subject
        kind = "cell" if subject.kind == "cell" else "script"
        cell = f"#{subject.cell_id}" if subject.cell_id else ""
        job = self._job(f"{kind}/{subject.place}{cell}", kind)
        if place := self._repository.location(thing.version.detail.get("git"), subject.place or None):
            job["facets"]["sourceCodeLocation"] = facet("SourceCodeLocationJobFacet", **place)
        inputs, outputs = _taken(maker.inputs, maker.outputs), _latest(maker.outputs)
        taken = [*map(self._datasets.taken, inputs), *self._datasets.elsewhere(maker.outputs)]
        made = [self._datasets.made(one) for one in outputs]
        return self._event("JobEvent", maker.at, job=job, inputs=taken, outputs=made)

    def _job(self, name: str, kind: str) -> dict[str, Any]:
        about = {"processingType": "BATCH", "integration": "NBMLOPS", "jobType": kind.upper()}
        return {
            "namespace": self._namespace,
            "name": name,
            "facets": {"jobType": facet("JobTypeJobFacet", **about)},
        }

    def _known_at_start(self, fact: Finished) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if fact.parents:
            above, root = fact.parents[0], fact.parents[-1]
            told: dict[str, Any] = {"run": self._run_of(above), "job": self._job_of(above, fact.parents[1:])}
            told["root"] = {"run": self._run_of(root), "job": self._job_of(root, ())}
            found["parent"] = facet("ParentRunFacet", **told)
        logical = fact.tags.get("logical_time") or next((one.logical_time for one in fact.parents), None)
        if at := _instant(logical):
            found["nominalTime"] = facet("NominalTimeRunFacet", nominalStartTime=at)
        if fact.python:
            engine = {"name": "Python", "version": fact.python, "openlineageAdapterVersion": __version__}
            found["processing_engine"] = facet("ProcessingEngineRunFacet", **engine)
        if fact.params:
            given = [{"key": key, "value": _written(value)} for key, value in fact.params.items()]
            found["executionParameters"] = facet("ExecutionParametersRunFacet", parameters=given)
        return found

    def _run_of(self, one: RunName) -> dict[str, str]:
        return {"runId": run_uuid(one.id)}

    def _job_of(self, one: RunName, above: tuple[RunName, ...]) -> dict[str, str]:
        return {"namespace": self._namespace, "name": job_name(one.kind, one.experiment, above)}

    def _event(self, kind: str, at: datetime, /, **fields: Any) -> dict[str, Any]:
        about = {"eventTime": at.isoformat(), "producer": PRODUCER, "schemaURL": f"{SPEC}#/$defs/{kind}"}
        return {**about, **fields}


def _known_at_end(fact: Finished) -> dict[str, Any]:
    row = fact.row
    told = own(
        "RunFacet",
        name=f"{row.experiment}-{row.number}",
        kind=row.kind,
        status=row.status,
        notebook=fact.notebook,
        dirty=(row.git or {}).get("dirty"),
        # An event names a dataset once: of several versions that a run has read, each is told here.
        inputs=[one.version.ref for one in fact.inputs],
        outputs=[one.version.ref for one in fact.outputs],
        metrics={key: value for key, value in fact.metrics.items() if math.isfinite(value)},
    )
    found = {"nbmlops_run": told}
    tags = [
        {"key": key, "value": recordable(value), "source": "NBMLOPS" if key in _OWN_TAGS else "USER"}
        for key, value in fact.tags.items()
        if key not in _UNTOLD
    ]
    if tags:
        found["tags"] = facet("TagsRunFacet", tags=tags)
    if row.status != "finished":
        # What an error says may quote the data; who is to see it asks the workspace.
        name = (row.error or {}).get("name") or row.status
        message = f"{name}; `nbmlops run show {row.experiment}-{row.number}` tells the rest"
        found["errorMessage"] = facet("ErrorMessageRunFacet", message=message, programmingLanguage="PYTHON")
    return found


def _taken(inputs: Iterable[Thing], outputs: Iterable[Thing]) -> list[Thing]:
    """What came from elsewhere: who loads what they have just saved takes it from nobody."""
    own = {one.version.id for one in outputs}
    return _latest(one for one in inputs if one.version.id not in own)


def _latest(things: Iterable[Thing]) -> list[Thing]:
    """Of each name the version that comes last: a dataset stands in an event once."""
    return list({(one.version.kind, one.version.name): one for one in things}.values())


def _written(value: Any) -> str:
    return recordable(value if isinstance(value, str) else json.dumps(value))


def _instant(logical: str | None) -> str | None:
    """A logical time that is one; other runs stand for an event, or for nothing."""
    try:
        return None if logical is None else datetime.fromisoformat(logical).isoformat()
    except ValueError:
        return None
