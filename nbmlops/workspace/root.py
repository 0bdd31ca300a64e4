"""The composition root: settings become a store, the store becomes the nouns' services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nbmlops.core.clock import clock_here
from nbmlops.core.errors import NbmlopsError, NotFoundError
from nbmlops.core.plugins import plugged
from nbmlops.core.settings import Settings
from nbmlops.workspace import layout
from nbmlops.workspace.catalogs import create_catalog
from nbmlops.workspace.foundation import Foundation
from nbmlops.workspace.guarding import guarded

if TYPE_CHECKING:
    from nbmlops.checks import Checks
    from nbmlops.checks.model.case import Opened
    from nbmlops.data import Data
    from nbmlops.features import Features
    from nbmlops.models import Models
    from nbmlops.monitoring.score.service import Scores
    from nbmlops.monitoring.service import Monitors
    from nbmlops.monitoring.story.records import Story
    from nbmlops.pipelines import Pipelines
    from nbmlops.pipelines.ci.service import ContinuousIntegration
    from nbmlops.pipelines.linting.lint import Finding as LintFinding
    from nbmlops.pipelines.reproduction import Reproduction
    from nbmlops.pipelines.schedules.service import Schedules
    from nbmlops.serving import Deployments
    from nbmlops.store.exchange import Exchange
    from nbmlops.store.graph import Direction, LineageGraph
    from nbmlops.store.service import Store
    from nbmlops.tracking import ActiveRun, Runs
    from nbmlops.tracking.autologging import Autologger
    from nbmlops.workspace.doctor import Diagnosis
    from nbmlops.workspace.remotes import Remotes
    from nbmlops.workspace.search.catalog import Search
    from nbmlops.workspace.status import Status

__all__ = ["Workspace", "doctor", "trust"]


@guarded
class Workspace(Foundation):
    """A project with ``.nbmlops/`` in it; its attributes are the nouns' services.

    Use `Workspace.open` or `Workspace.init`; `nbmlops.ml` is the one around the current folder.

    Parameters
    ----------
    marker : Marker
        Where it is and what it says of itself.
    settings : Settings
        Its settings.
    clock : Clock
        Tells the time to all services.
    """

    @classmethod
    def open(cls, path: str | Path | None = None) -> Self:
        """Open the workspace around `path`, the current folder by default.

        Raises
        ------
        NotFoundError
            When there is none.
        UnsupportedError
            When a newer nbmlops made it.
        UntrustedError
            When it names a catalog or objects elsewhere and is not trusted.
        """
        marker = layout.locate(Path(path) if path else None)
        return cls(marker, layout.settings_of(marker.root))

    @classmethod
    def init(cls, path: str | Path = ".") -> Self:
        """Make a workspace at `path` and trust it; one that is there already is opened."""
        from nbmlops.store.audit import actor

        root = Path(path).absolute()
        if not (root / layout.FOLDER).is_dir():
            clock = clock_here()
            settings = layout.settings_of(root)
            marker = layout.make(
                root, user=actor(), now=clock.now(), fill=lambda at: create_catalog(at, root, settings)
            )
            cls.user_keyring().trust_workspace(marker.id, marker.root)
        return cls.open(root)

    @cached_property
    def data(self) -> Data:
        """Verbs on data."""
        from nbmlops.data import Data
        from nbmlops.store.aliases import Aliases
        from nbmlops.workspace.erasables import erasables_of

        versions = self.versions("data")
        kept = versions, Aliases(versions, self.clock), self.objects, self._lineage, self._lock
        data = Data(*kept, self.marker.state / "scratch", lambda: self._exchange, self.remote.trusted)
        data.profiles = self.settings.profiles
        data.erasables = lambda: erasables_of(self)
        data.certify = lambda erasure, path: self.store.certificate(erasure, to=path)
        return data

    @cached_property
    def remote(self) -> Remotes:
        """Verbs on remotes."""
        from nbmlops.workspace.remotes import Remotes

        return Remotes(self.marker, lambda: self.keyring.is_trusted(self.marker.id, self.marker.root))

    @cached_property
    def _exchange(self) -> Exchange:
        from nbmlops.data.holding import DataHolding
        from nbmlops.models.holding import ModelHolding
        from nbmlops.store.exchange import Exchange
        from nbmlops.store.receiving import Holding
        from nbmlops.tracking.travelling import Travels

        holdings: dict[str, Holding] = {"data": DataHolding(self.objects), "model": ModelHolding()}
        cache = self.marker.state / "remotes"
        return Exchange(
            self.catalog, self.objects, self.clock, Travels(), holdings, self.remote.open, cache, self.remote.names
        )

    @cached_property
    def run(self) -> Runs:
        """Verbs on runs; called with a name it starts one."""
        from nbmlops.models.autolog import autologger
        from nbmlops.tracking import Runs

        def logger(runs: Runs) -> Autologger:
            return autologger(runs, lambda: self.model)

        root, cost = self.marker.root, self.settings.cost_per_hour
        return Runs(self.catalog, self.objects, self.clock, root, cost, logger, self.open)

    @cached_property
    def check(self) -> Checks:
        """Verbs on checks and reports."""
        from nbmlops.checks import Checks
        from nbmlops.pipelines.feature_tests import run_tests

        def opened(ref: str) -> Opened:  # models need checks: they are opened when it is called
            return self.model.opened(ref)

        services = self.catalog, self.objects, self.clock, self.data
        return Checks(*services, opened, self.settings.policy, run_tests)

    @cached_property
    def model(self) -> Models:
        """Verbs on models."""
        from nbmlops.models import Models
        from nbmlops.workspace.scoring import scoring_of
        from nbmlops.workspace.serving import dossiers_of

        versions = self.versions("model")
        more = self.clock, self.data, self.check, self._present
        models = Models(versions, self.objects, self.keyring, self._lineage, *more)
        models.runs = lambda: self.run
        models.scoring = lambda: scoring_of(self)
        models.dossiers = lambda: dossiers_of(self, self._present)
        return models

    @cached_property
    def feature(self) -> Features:
        """Verbs on features; called it defines the function below it."""
        from nbmlops.workspace.features import features_of

        return features_of(self)

    def _settle(self) -> None:
        self.run.recording.settle()

    def _present(self) -> Settings:
        # Read anew for each promotion, so that the move can tell whether the policy has changed since the verdict.
        from nbmlops.models.approvals import joined

        settings = layout.settings_of(self.marker.root)
        return replace(settings, approvals=joined(settings.approvals, self.access.rules()))

    @cached_property
    def pipeline(self) -> Pipelines:
        """Verbs on pipelines."""
        from nbmlops.pipelines import Pipelines
        from nbmlops.pipelines.executors.choice import Places
        from nbmlops.workspace.rehearsal import rehearser
        from nbmlops.workspace.sites import site_at, site_of

        settings = self.settings
        places = Places(site_of(self), partial(site_at, Workspace.open), settings.executor, settings.scheduler)
        own = settings.pipelines, rehearser(self), settings.warm_kernels
        return Pipelines(places, *own, lambda: self._present().approvals)

    @cached_property
    def schedule(self) -> Schedules:
        """Verbs on schedules."""
        from nbmlops.workspace.scheduling import schedules_of

        return schedules_of(self)

    @cached_property
    def deployment(self) -> Deployments:
        """Verbs on deployments."""
        from nbmlops.workspace.serving import deployments_of

        return deployments_of(self)

    @cached_property
    def ci(self) -> ContinuousIntegration:
        """Verbs of continuous integration."""
        from nbmlops.pipelines.ci.service import ContinuousIntegration

        return ContinuousIntegration(self.pipeline, self.check, self.settings, self.marker.root, self.clock)

    @cached_property
    def store(self) -> Store:
        """Verbs on the store itself."""
        from nbmlops.data.retention import roots_of
        from nbmlops.render.certificate_views import certificate_page
        from nbmlops.store.governance import Governed
        from nbmlops.store.service import Store
        from nbmlops.workspace.erasables import retirables_of
        from nbmlops.workspace.export import exporter

        kinds = {kind: self.versions(kind) for kind in ("data", "model", "pipeline", "feature")}
        roots = roots_of(kinds["data"], self.objects, self._lock)
        settled = roots.outside, lambda: self._present().retention, self.keyring, self.marker.id, certificate_page
        governed = Governed(self.audit, self.clock, kinds, *settled, lambda: retirables_of(self))
        store = Store(self.objects, roots, self.remote.open, governed, self.access)
        store.exporting = lambda: exporter(self)
        return store

    def log(self, values: Mapping[str, Any] | None = None, /, *, step: int | None = None, **metrics: Any) -> ActiveRun:
        """Log metrics to the active run."""
        run = self.run.active()
        run.log(values, step=step, **metrics)
        return run

    def lint(self, target: str) -> list[LintFinding]:
        """Lint a notebook, or all notebooks of a pipeline."""
        return self.pipeline.lint(target)

    @cached_property
    def monitor(self) -> Monitors:
        """Verbs on monitors."""
        from nbmlops.workspace.serving import monitors_of

        return monitors_of(self)

    @property
    def score(self) -> Scores:
        """Score a model by the evidence that the store holds: `nbmlops.monitoring.score.service.Scores.__call__`."""
        from nbmlops.workspace.serving import scores_of

        return scores_of(self)

    @property
    def reproduce(self) -> Callable[..., Reproduction]:
        """Execute a run again and tell whether it gives the same: `Pipelines.reproduce`."""
        return self.pipeline.reproduce

    def lineage(
        self, ref: str, *, direction: Direction = "both", depth: int | None = 10, kind: str | None = None
    ) -> LineageGraph:
        """Tell what a version came from and what was built on it, so many versions far; None as far as it goes."""
        from nbmlops.store import graph

        versions = {each: self.versions(each) for each in ("data", "model", "feature", "pipeline")}
        return graph.lineage(versions, ref, direction, depth, kind)

    @property
    def story(self) -> Callable[..., Story]:
        """Tell what happened to a model: `nbmlops.monitoring.story.service.Stories.tell`."""
        from nbmlops.workspace.serving import stories_of

        return stories_of(self).tell

    @property
    def search(self) -> Search:
        """Find what the catalog knows of a text, ranked: `nbmlops.workspace.search.catalog.Search.__call__`."""
        from nbmlops.workspace.search.catalog import Search

        return Search(self.catalog, self.clock)

    @property
    def serve(self) -> Callable[..., Any]:
        """Serve a model over HTTP, list what is served, or stop it: `nbmlops.workspace.endpoints.Serving.__call__`."""
        from nbmlops.workspace.endpoints import Serving

        return Serving(self)

    def panel(self, name: str | None = None) -> Any:
        """Draw a panel below the cell: runs, data, models, checks, pipelines, monitor or catalog; all by default."""
        return plugged("panel").open_panel(self, name)

    def status(self) -> Status:
        """Where one stands."""
        from nbmlops.workspace.status import status_of

        return status_of(self)

    def doctor(self) -> Diagnosis:
        """Look whether everything is in order."""
        from nbmlops.workspace.doctor import diagnose

        return diagnose(self)

    def trust(self) -> Status:
        """Trust this workspace: use the URLs that it names."""
        return trust(self.marker.root)

    def close(self) -> None:
        """Give back connections and this process's mark as a writer."""
        for service in [self.__dict__[name] for name in ("data", "run", "feature", "catalog") if name in self.__dict__]:
            service.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def trust(path: str | Path | None = None) -> Status:
    """Trust the workspace around `path`, which need not be open for that."""
    from nbmlops.store import audit

    marker = layout.locate(Path(path) if path else None)
    Workspace.user_keyring().trust_workspace(marker.id, marker.root)
    workspace = Workspace.open(marker.root)
    workspace.catalog.transact(lambda c: audit.append(c, workspace.clock, "workspace.trust", str(marker.root)))
    return workspace.status()


def doctor(path: str | Path | None = None) -> Diagnosis:
    """Look at everything that can be looked at, with a workspace, a broken one, or none."""
    from nbmlops.workspace.doctor import diagnose

    try:
        return diagnose(Workspace.open(path))
    except NotFoundError as error:
        return diagnose(None, None if layout.find() is None else error)
    except NbmlopsError as error:
        return diagnose(None, error)
