"""Facts as DataHub's proposals, each a change of one aspect of one entity, in the order of time: the last one counts.

A pipeline and an experiment are flows, their steps and runs jobs, and each run is an instance of its job. What a job
reads and writes is what its newest run did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from nbmlops.store.addresses import recordable
from nbmlops.workspace.export.datahub.things import Things, measured
from nbmlops.workspace.export.datahub.urns import NOBODY, PLATFORM, WHOLE, Urns, millis, proposal
from nbmlops.workspace.export.facts import Dropped, Fact, Finished, RunName, Saved
from nbmlops.workspace.export.names import job_name, run_uuid

if TYPE_CHECKING:
    from nbmlops.workspace.export.addresses import Repository

__all__ = ["proposals"]

_RESULTS: Final = {"finished": "SUCCESS", "failed": "FAILURE", "killed": "FAILURE"}


def proposals(facts: Iterable[Fact], namespace: str, repository: Repository) -> Iterator[dict[str, Any]]:
    """Proposals, in the order of the facts.

    Parameters
    ----------
    facts : iterable of Fact
        What happened.
    namespace : str
        What names are told under.
    repository : Repository
        Says where others find the code.
    """
    about = {"name": "nbmlops", "displayName": "nbmlops", "type": "OTHERS", "datasetNameDelimiter": "/"}
    yield proposal(PLATFORM, "dataPlatformInfo", **about)
    telling = _Telling(namespace, repository)
    for fact in facts:
        match fact:
            case Finished():
                yield from telling.run(fact)
            case Saved():
                yield from telling.things.of(fact.thing)
                yield from telling.things.upstream(fact.thing, fact.sources)
            case Dropped():
                yield telling.things.dropped(fact.kind, fact.name)


class _Telling:
    def __init__(self, namespace: str, repository: Repository) -> None:
        self._urns = Urns(namespace)
        self._repository = repository
        self.things = Things(self._urns)
        self._flows: set[str] = set()
        self._jobs: dict[str, Any] = {}

    def run(self, fact: Finished) -> Iterator[dict[str, Any]]:
        """The things that it used and made, its job where that has changed, and the run itself."""
        urn = f"urn:li:dataProcessInstance:{run_uuid(fact.row.id)}"
        for thing in fact.inputs:
            yield from self.things.of(thing)
        for thing in fact.outputs:
            yield from self.things.of(thing, (fact, urn))
        inputs, outputs = self.things.urns_of(fact.inputs), self.things.urns_of(fact.outputs)
        is_whole = fact.row.kind == "pipeline"
        flow, job = self._places(fact.row.kind, fact.row.experiment, fact.parents)
        yield from self._flow(flow)
        if not is_whole:
            yield from self._job(flow, job, fact, (inputs, outputs))
        yield from self._instance(urn, fact, self._urns.flow(flow) if is_whole else self._urns.job(flow, job))
        if inputs:
            yield proposal(urn, "dataProcessInstanceInput", inputs=inputs)
        if outputs:
            yield proposal(urn, "dataProcessInstanceOutput", outputs=outputs)

    def _places(self, kind: str, experiment: str, above: tuple[RunName, ...]) -> tuple[str, str]:
        """The flow that a run is one of, and its job in it: a step's flow is its pipeline."""
        named = job_name(kind, experiment, above).split("/")
        return (f"pipeline/{named[1]}" if kind == "step" and len(named) > 2 else "/".join(named[:2])), named[-1]

    def _flow(self, flow: str) -> Iterator[dict[str, Any]]:
        if flow not in self._flows:
            self._flows.add(flow)
            kind, _, name = flow.partition("/")
            yield proposal(self._urns.flow(flow), "dataFlowInfo", customProperties={"kind": kind}, name=name)

    def _job(self, flow: str, job: str, fact: Finished, flows: tuple[list[str], list[str]]) -> Iterator[dict[str, Any]]:
        """A job, where it is new, or what its runs use and make has changed."""
        urn = self._urns.job(flow, job)
        place = self._repository.location(fact.row.git, fact.notebook)
        told = (flows, place)
        if self._jobs.get(urn) == told:
            return
        self._jobs[urn] = told
        about = {"name": job, "type": {"string": "COMMAND"}, "flowUrn": self._urns.flow(flow)}
        known = {"notebook": fact.notebook, "owner": fact.tags.get("owner"), **(place or {})}
        properties = {key: str(value) for key, value in known.items() if value}
        yield proposal(urn, "dataJobInfo", customProperties=properties, externalUrl=place and place["url"], **about)
        # Of what a job makes DataHub takes datasets; its models are outputs of its runs.
        inputs, outputs = ([one for one in some if one.startswith("urn:li:dataset:")] for some in flows)
        yield proposal(urn, "dataJobInputOutput", inputDatasets=inputs, outputDatasets=outputs)

    def _instance(self, urn: str, fact: Finished, template: str) -> Iterator[dict[str, Any]]:
        row = fact.row
        known = {
            "status": row.status,
            "kind": row.kind,
            "python": fact.python,
            "commit": (row.git or {}).get("commit"),
            # What an error says may quote the data.
            "error": (row.error or {}).get("name"),
            **{f"tag.{key}": recordable(value) for key, value in fact.tags.items() if key != "note"},
        }
        properties = {key: str(value) for key, value in known.items() if value}
        name = f"{row.experiment}-{row.number}"
        kind = "BATCH_SCHEDULED" if fact.tags.get("logical_time") else "BATCH_AD_HOC"
        created = {"time": millis(row.started_at), "actor": NOBODY}
        yield proposal(
            urn, "dataProcessInstanceProperties", customProperties=properties, name=name, type=kind, created=created
        )
        above = f"urn:li:dataProcessInstance:{run_uuid(fact.parents[0].id)}" if fact.parents else None
        relations: dict[str, Any] = {"parentTemplate": template, "parentInstance": above, "upstreamInstances": []}
        yield proposal(urn, "dataProcessInstanceRelationships", **relations)
        if fact.params or fact.metrics:
            yield proposal(urn, "mlTrainingRunProperties", customProperties={}, id=name, **measured(fact))
        began = {"timestampMillis": millis(row.started_at), "partitionSpec": WHOLE}
        yield proposal(urn, "dataProcessInstanceRunEvent", status="STARTED", **began)
        yield proposal(
            urn,
            "dataProcessInstanceRunEvent",
            timestampMillis=millis(row.ended_at),
            partitionSpec=WHOLE,
            status="COMPLETE",
            result={"type": _RESULTS[row.status], "nativeResultType": row.status},
            durationMillis=max(0, millis(row.ended_at) - millis(row.started_at)),
        )
