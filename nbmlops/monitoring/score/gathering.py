"""Asks the store for everything that a score rests on, in a dozen bounded questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nbmlops.models.approvals import rule_of
from nbmlops.monitoring.origin import Origin
from nbmlops.monitoring.queries import monitors
from nbmlops.monitoring.records import Monitor
from nbmlops.monitoring.score import queries
from nbmlops.monitoring.score.facts import Facts, Kept
from nbmlops.store import asks
from nbmlops.store.aliases import Aliases
from nbmlops.store.graph import trace
from nbmlops.store.versions import Version, Versions

if TYPE_CHECKING:
    from nbmlops.checks.service import Checks
    from nbmlops.core.clock import Clock
    from nbmlops.core.settings import Settings
    from nbmlops.serving.deployments.service import Deployments

__all__ = ["Gatherer"]

_FAR = 10_000
"""Versions of a lineage that are looked at."""
_EACH = 30
"""Reports of a monitor that are looked at for each set of versions that they judged, the newest."""


class Gatherer:
    """Gathers facts of models.

    Parameters
    ----------
    models : Versions
        The versions of models.
    clock : Clock
        Tells how old things are.
    checks : Checks
        Reads reports.
    deployments : Deployments
        Which alias is served, and what was captured.
    settings : callable
        Gives the settings as they are now: gates and approvals.
    """

    def __init__(
        self,
        models: Versions,
        clock: Clock,
        checks: Checks,
        deployments: Deployments,
        settings: Callable[[], Settings],
    ) -> None:
        self._models = models
        self._clock = clock
        self._checks = checks
        self._deployments = deployments
        self._settings = settings

    def gather(self, name: str, span: timedelta) -> Facts:
        """What is known of the version of a model that is served, or else of its newest.

        Raises
        ------
        NotFoundError
            When there is no such model.
        """
        alias = self._deployments.show(name).alias
        aliases = Aliases(self._models, self._clock)
        served = aliases.at(name, alias)
        version = served or self._models.resolve(name)
        versions = tuple(sorted(self._models.history(name), key=lambda one: one.id))
        moves = [move for each in aliases.ever(name) for move in reversed(aliases.moves(name, each))]
        settings = self._settings()
        known: dict[str, Any] = {
            "version": version,
            "alias": alias,
            "is_served": served is not None,
            "now": self._clock.now(),
            "span": span,
            "models": versions,
            "moves": tuple(sorted(moves, key=lambda move: move.at)),
            "gate": settings.gates.get(name, {}),
            "approvals": lambda kind, of, to: rule_of(settings.approvals, kind, of, to).needed,
            "captured": self._deployments.captured,
            "read": self._checks.show,
        }
        return Facts(**known, **self._stored(version, versions))

    def _stored(self, version: Version, versions: tuple[Version, ...]) -> dict[str, Any]:
        """What the catalog says, as it was at one moment."""

        def work(connection: Any) -> dict[str, Any]:
            origin = Origin.of(trace(connection, version, "upstream", None, _FAR))
            ids = {int(thing.partition(":")[2]) for thing in origin.data}
            names = queries.versions_of_names(connection, ids)
            related = {f"data:{number}": name for number, name in names.items()}
            made_by = {one.run_id for one in versions if one.run_id is not None}
            makers = origin.runs | ({version.run_id} if version.run_id else set())
            runs = queries.runs(connection, makers | made_by)
            pipeline_run = _pipeline_run(runs, version.run_id)
            pipeline = pipeline_run.experiment if pipeline_run is not None else None
            things = {*related, *(f"model:{one.id}" for one in versions)}
            reports = _reports(connection, things, version.name, pipeline)
            runs |= queries.runs(connection, {one.run_id for one in reports if one.run_id} - set(runs))
            notebooks = {runs[one].notebook for one in makers if one in runs and runs[one].notebook}
            events = queries.deployment_events(connection, version.name)
            replayed = {run for one in events if (run := one.detail.get("run"))}
            runs |= queries.runs(connection, replayed - set(runs))
            asked = [*asks.told(connection, "model", version.name)]
            if pipeline is not None:
                asked += asks.told(connection, "pipeline", pipeline)
            return {
                "upstream": origin.data,
                "related": related,
                "inputs": origin.inputs,
                "sources": origin.sources,
                "makers": frozenset(makers),
                "runs": runs,
                "reports": reports,
                "pipeline": pipeline,
                "pipeline_run": pipeline_run,
                "executed": queries.runs_of_notebooks(connection, notebooks),
                "asks": tuple(asked),
                "frozen": frozenset(queries.frozen_as(connection, {one.id for one in _up(runs, version.run_id)})),
                "monitors": tuple(Monitor.of(row) for row in monitors(connection, version.name)),
                "watches": queries.fires(connection, "monitor"),
                "trainings": queries.fires(connection, "pipeline"),
                "events": events,
                "erased": queries.erasures(connection),
                "saved": queries.saved(connection, names),
                "candidates": queries.candidates(connection, made_by),
                "params": _params(connection, runs.get(version.run_id or "")),
                "reproduced": queries.reproduced(connection, set(runs)),
            }

        return self._models.catalog.read(work)


def _up(runs: Mapping[str, Any], run_id: str | None) -> Iterable[Any]:
    """Rows of a run and of those that it is a part of."""
    run = runs.get(run_id or "")
    while run is not None:
        yield run
        run = runs.get(run.parent_id or "")


def _pipeline_run(runs: Mapping[str, Any], run_id: str | None) -> Any:
    return next((run for run in _up(runs, run_id) if run.kind in {"pipeline", "proof"}), None)


def _params(connection: Any, run: Any) -> dict[str, dict[str, Any]]:
    """Params of the runs that people made beside the one that made the version."""
    if run is None or run.kind != "run":
        return {}
    return queries.params(connection, queries.runs_of_experiment(connection, run.experiment))


def _reports(connection: Any, things: set[str], name: str, pipeline: str | None) -> tuple[Kept, ...]:
    """Reports that may be evidence, the newest first; of those of a monitor the newest ones."""
    judged = queries.judges(connection, things)
    suites = ["rehearsal on %", "ci", "feature tests", *([f"promote {pipeline}"] if pipeline else [])]
    rows = queries.reports(connection, set(judged), suites, name)
    found, counted = list[Kept](), dict[object, int]()
    for row in rows:
        own = frozenset(judged.get(row.id, ()))
        key = (row.suite, own)
        counted[key] = counted.get(key, 0) + 1
        if row.suite.startswith("monitor:") and counted[key] > _EACH:
            continue
        found.append(Kept(row.id, row.suite, row.section, row.subject, row.status, row.created_at, row.run_id, own))
    return tuple(found)
