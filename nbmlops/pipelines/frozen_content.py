"""What a version of a pipeline holds that has just been proved: the plan that ran, and what it ran on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core import digests
from nbmlops.core.errors import ConflictError
from nbmlops.pipelines import freezing
from nbmlops.pipelines.cells import code_digest
from nbmlops.pipelines.local_modules import search_path
from nbmlops.pipelines.notebook import read_content
from nbmlops.pipelines.parameters import as_json
from nbmlops.pipelines.schedules import queries as schedule_queries
from nbmlops.store import lineage

if TYPE_CHECKING:
    from nbmlops.pipelines.plan import Plan
    from nbmlops.pipelines.stores import Stores

__all__ = ["Proved", "content_of"]

_SCHEDULED = ("name", "target", "parameters", "trigger", "catchup", "overlap", "patience")


@dataclass(frozen=True, slots=True)
class Proved:
    """A proof: id of its run, rows of the reports that its steps made, and the environment that it was planned in."""

    run_id: str
    suites: Sequence[Any]
    environment: Mapping[str, Any]


def content_of(stores: Stores, plan: Plan, proved: Proved, root: Path) -> dict[str, Any]:
    """Store what was proved as one object, and give the content of its version, as `Versions.add_in` takes it.

    Raises
    ------
    ConflictError
        When a notebook or a module was changed since it was read.
    """
    sources = _sources(plan, root)
    parameters = {step: as_json(values) for step, values in plan.parameters.items()}
    lock = _lock(stores, plan, proved.run_id)
    modules = _modules(proved.environment["modules"], root)
    path, schedules = _path(plan, modules, root), _schedules(stores, plan)
    frozen = freezing.Frozen(plan.name, sources, parameters, lock, proved.environment, modules, path, schedules)
    stored = stores.objects.put(freezing.freeze(frozen))
    steps = [step.name for step in plan.graph.steps]
    reports = [{"number": row.id, "suite": row.suite, "status": row.status} for row in proved.suites]
    return {
        "digest": stored.digest,
        "root": stored.digest,
        "size": stored.size,
        "new_bytes": stored.new_bytes,
        "detail": {"steps": steps, "parameters": parameters, "lock": lock, "reports": reports},
    }


def _sources(plan: Plan, root: Path) -> dict[str, Any]:
    """The notebooks as they were proved, by their path below the project."""
    sources = {}
    for step in plan.graph.steps:
        if code_digest(read_content(step.path)) != code_digest(plan.notebooks[step.name]):
            raise _changed(step.path.name)
        sources[step.path.resolve().relative_to(root.resolve()).as_posix()] = plan.notebooks[step.name]
    return sources


def _modules(known: Mapping[str, str], root: Path) -> dict[str, bytes]:
    """Contents of the project's own modules, by their path below it."""
    found = {}
    for path, digest in known.items():
        try:
            content = (root / path).read_bytes()
        except OSError:
            content = b""
        if digests.of_bytes(content) != digest:
            raise _changed(path)
        found[path] = content
    return found


def _path(plan: Plan, modules: Mapping[str, bytes], root: Path) -> list[str]:
    """The folders of the project where its modules were found that are neither it nor one where a step runs."""
    here = root.resolve()
    own = {here, *(folder.resolve() for folder in plan.folders.values())}
    other = [place for place in search_path(root, root) if place not in own]
    holding = [place for place in other if any((here / path).is_relative_to(place) for path in modules)]
    return [place.relative_to(here).as_posix() for place in holding]


def _changed(name: str) -> ConflictError:
    return ConflictError(
        f"{name} was changed while it was being proved; nothing was promoted",
        hint="promote again",
    )


def _schedules(stores: Stores, plan: Plan) -> list[dict[str, Any]]:
    """The schedules that start the pipeline, without what becomes of them."""
    rows = stores.runs.catalog.read(lambda c: schedule_queries.starting(c, plan.name))
    return [{key: row._mapping[key] for key in _SCHEDULED} for row in rows]


def _lock(stores: Stores, plan: Plan, proof_id: str) -> dict[str, str]:
    """What the references from outside meant to the proof, which may not be what they mean now."""
    lock = {}
    own = {(write.kind, write.name) for step in plan.graph.steps for write in step.writes}
    with lineage.activate(lineage.Active(pipeline_run_id=proof_id, pins=plan.pins)):
        for _, read in plan.graph.external:
            if read.is_bare and (read.kind, read.name) in own:
                continue  # it carries on what its last run wrote, which is not from outside
            if read.locked:
                lock[f"lock:{read.ref}"] = stores.data.locked(read.ref)
            else:
                lock[f"{read.kind}:{read.ref}"] = stores.versions[read.kind].resolve(read.ref).digest
    return lock
