"""Asks the services for everything that a dossier rests on; what each knows stays theirs to tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nbmlops.checks.policy.rules import Policy
from nbmlops.core.errors import NotFoundError
from nbmlops.data.records import DataVersion
from nbmlops.models.approvals import rule_of
from nbmlops.monitoring.dossier import queries
from nbmlops.monitoring.dossier.facts import MOST, Facts, Governed, Served, Sources, Watched
from nbmlops.monitoring.origin import Origin
from nbmlops.store.graph import trace

if TYPE_CHECKING:
    from nbmlops.checks.records import Report
    from nbmlops.checks.service import Checks
    from nbmlops.core.clock import Clock
    from nbmlops.core.settings import Settings
    from nbmlops.models.card import ModelCard
    from nbmlops.models.service import Models
    from nbmlops.monitoring.records import Monitor
    from nbmlops.monitoring.service import Monitors
    from nbmlops.monitoring.story.service import Stories
    from nbmlops.pipelines.schedules.service import Schedules
    from nbmlops.serving.deployments.service import Deployments
    from nbmlops.serving.endpoint.records import Endpoint
    from nbmlops.store.service import Store
    from nbmlops.store.versions import Version, Versions

__all__ = ["TRAFFIC", "Known", "gathered"]

_FAR = 10_000
"""Versions of a lineage that are looked at."""
_EVENTS, _ALERTS, _REPORTS, _MOMENTS = 1_000, 1_000, 50, 200
TRAFFIC = timedelta(days=30)
"""How far back is looked for what was answered."""


@dataclass(frozen=True, slots=True)
class Known:
    """What knows of models.

    Attributes
    ----------
    models, checks, deployments, monitors, schedules, stories, store
        The services of a workspace.
    kinds : mapping of str to Versions
        Versions of models and of data.
    endpoints : callable
        Gives what is served on this machine now.
    settings : callable
        Gives the settings as they are now, with the rules of the access policy among the approvals.
    clock : Clock
        The time.
    """

    models: Models
    checks: Checks
    deployments: Deployments
    monitors: Monitors
    schedules: Schedules
    stories: Stories
    store: Store
    kinds: Mapping[str, Versions]
    endpoints: Callable[[], Sequence[Endpoint]]
    settings: Callable[[], Settings]
    clock: Clock


def gathered(known: Known, ref: str) -> Facts:
    """What is known of a version.

    Raises
    ------
    NotFoundError
        When there is no such version.
    """
    card = known.models.card(ref)
    version = known.kinds["model"].get(card.version.id)
    (seal,) = known.models.verify(version.ref)
    settings = known.settings()
    sources = _sources(known, version)
    served = _served(known, card)
    return Facts(
        card=card,
        seal=seal,
        now=known.clock.now(),
        events=tuple(known.store.audit(action="model.*", subject=version.name, limit=_EVENTS)),
        settings=settings,
        policy=Policy.parse(settings.policy),
        sources=sources,
        served=served,
        watched=_watched(known, version.name),
        governed=_governed(known, card, settings, sources, served.deployment.alias),
    )


def _sources(known: Known, version: Version) -> Sources:
    tables = known.kinds["data"]
    graph = tables.catalog.read(lambda c: trace(c, version, "upstream", None, _FAR))
    origin = Origin.of(graph)

    def rows(things: Sequence[tuple[str, str]]) -> list[Version]:
        return [tables.get(int(thing.partition(":")[2])) for thing, _ in things]

    inputs, origins = rows(origin.inputs), rows(origin.sources)
    each = {one.id: one for one in (*inputs, *origins)}
    found = Sources(
        tuple(map(DataVersion.of, inputs)),
        tuple(map(DataVersion.of, origins)),
        frozenset(node.label for node in graph.nodes if node.kind == "data"),
        {},
        (version, *(each[number] for number in sorted(each))),
    )
    looked = {one.ref: _personal(known.checks, one.ref) for one in found.tables[:MOST]}
    return replace(found, personal={ref: report for ref, report in looked.items() if report is not None})


def _personal(checks: Checks, ref: str) -> Report | None:
    """The newest report in which a version was looked through for personal data."""
    for report in checks.list(_REPORTS, subject=ref, section="data"):
        looked = [one for one in report.outcomes if one.check == "personal data" and one.status != "errored"]
        if report.suite == "policy" and any("not looked" not in one.figure for one in looked):
            return report
    return None


def _served(known: Known, card: ModelCard) -> Served:
    name, deployments = card.version.name, known.deployments
    said = deployments.said(name)
    answering = set()
    for ref in said.refs:
        with suppress(NotFoundError):  # an alias that is nowhere answers nobody
            answering.add(deployments.resolve(said, ref).id)
    captured = deployments.captured
    lately = known.clock.now() - TRAFFIC
    traffic = captured.traffic(name, lately) if name in captured.deployments() else ()
    return Served(
        said,
        card.version.id in answering,
        tuple(one for one in traffic if one.version == card.version.number),
        tuple(one for one in known.endpoints() if one.name == name),
        next(iter(known.store.audit(action="deployment.*", subject=name, limit=1)), None),
    )


def _watched(known: Known, name: str) -> Watched:
    monitors = tuple(one for one in known.monitors.list(name) if one.deleted_at is None)
    own = {one.name for one in monitors}
    silenced = [one for one in known.store.audit(action="monitor.silence", limit=_EVENTS) if one.subject in own]
    return Watched(
        monitors,
        tuple(_reports_of(known.checks, [one for one in monitors if one.kind == "fairness"])),
        tuple(known.monitors.alerts(name, closed=True, limit=_ALERTS)),
        tuple(silenced),
        tuple(one for one in known.schedules.list() if one.deleted_at is None and one.action == "monitor"),
        known.stories.tell(name, limit=_MOMENTS),
    )


def _reports_of(checks: Checks, monitors: Sequence[Monitor]) -> list[Report]:
    """The newest report of each monitor; one that was erased is none."""
    found = []
    for one in monitors:
        if one.report is not None:
            with suppress(NotFoundError):
                found.append(checks.show(one.report))
    return found


def _governed(known: Known, card: ModelCard, settings: Settings, sources: Sources, served: str) -> Governed:
    version, store = card.version, known.store
    names = {ref.partition("@")[0] for ref in sources.upstream}
    held = {("model", version.name), ("model", version.ref), *(("data", one) for one in (*names, *sources.upstream))}
    held |= {("run", card.run.name)} if card.run is not None else set()
    back = None
    with suppress(NotFoundError):  # then there is no way back, which is told
        present, earlier = known.models.way_back(version.name, served)
        back = present.ref, earlier.ref
    rows: Any = known.kinds["data"].catalog.read(queries.erasures)
    return Governed(
        store.policy(),
        {alias: rule_of(settings.approvals, "model", version.name, alias) for alias in (*version.aliases, served)},
        tuple(store.audit(action="access.break_glass_use", limit=_EVENTS)),
        tuple(hold for hold in store.holds() if (hold.kind, hold.ref) in held),
        tuple(rule for rule in store.retention() if rule.kind in {"data", "model"}),
        [row for row in rows if names.intersection(row.names)],
        next(iter(store.audit(limit=1)), None),
        back,
    )
