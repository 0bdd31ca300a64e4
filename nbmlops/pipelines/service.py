"""Verbs that run pipelines: show, run, rehearse, promote, rollback; reproduce a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, UnsupportedError
from nbmlops.core.refs import Ref, check_alias
from nbmlops.core.signs import StepProgress
from nbmlops.models.approvals import Approvals
from nbmlops.pipelines.approving import Approving
from nbmlops.pipelines.asking import Asking
from nbmlops.pipelines.explaining import Explaining
from nbmlops.pipelines.export.verb import Exporting
from nbmlops.pipelines.following import Following
from nbmlops.pipelines.frozen_versions import FrozenVersions
from nbmlops.pipelines.linting.verb import Linting
from nbmlops.pipelines.logical_time import canonical
from nbmlops.pipelines.packaging.verb import Packaging
from nbmlops.pipelines.planner import Planner
from nbmlops.pipelines.promotion import PipelinePromoter, Submission
from nbmlops.pipelines.proof import TOLERANCE
from nbmlops.pipelines.records import PipelineRun
from nbmlops.pipelines.reproducing import Asked, Reproducer
from nbmlops.pipelines.request import Limits
from nbmlops.pipelines.resuming import Resuming
from nbmlops.pipelines.runner import Runner
from nbmlops.pipelines.schedules.backfill import Backfilling
from nbmlops.pipelines.selection import Selection
from nbmlops.pipelines.states import with_last_run
from nbmlops.pipelines.stopping import Stopping
from nbmlops.pipelines.warm.pool import cores
from nbmlops.store.aliases import Aliases

if TYPE_CHECKING:
    from nbmlops.checks.records import Report
    from nbmlops.core.actions import Stop
    from nbmlops.models.records import Promotion
    from nbmlops.pipelines.executors.choice import Places
    from nbmlops.pipelines.fan import Fan
    from nbmlops.pipelines.graph import Graph
    from nbmlops.pipelines.reproduction import Reproduction
    from nbmlops.pipelines.request import Cancellation
    from nbmlops.pipelines.warm.ahead import Ahead

__all__ = ["Pipelines"]

Progress = Callable[[StepProgress], None]
Rehearser = Callable[[str, "int | None", "float | None", "Progress | None"], "Report"]


class Pipelines(
    FrozenVersions,
    Approving,
    Linting,
    Exporting,
    Packaging,
    Resuming,
    Stopping,
    Explaining,
    Backfilling,
    Asking,
    Following,
):
    """Pipelines of one project.

    Parameters
    ----------
    places : Places
        Where steps may run, first of all here.
    settings : mapping
        Pipeline -> notebook paths or patterns.
    rehearser : callable, optional
        Runs a pipeline on samples in a copy of the workspace, which only who composes workspaces can make.
    warm : int or None
        How many kernels may wait for steps at once; None is one for each core.
    approvals : callable
        Gives ``[tool.nbmlops.approvals]`` as it is now.
    """

    def __init__(
        self,
        places: Places,
        settings: Mapping[str, tuple[str, ...]],
        rehearser: Rehearser | None = None,
        warm: int | None = 0,
        approvals: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        site = places.site
        stores, clock, root = site.stores, site.clock, site.root
        self._places = places
        self._rehearser = rehearser
        self._stores = stores
        self._planner = Planner(stores, settings, root, site.state / "scratch")
        self._versions = stores.versions["pipeline"]
        self._aliases = Aliases(self._versions, clock)
        self._approvals = Approvals(self._versions, self._aliases, clock, approvals)
        self._ledger = site.ledger()
        self._clock = clock
        self._steps = site.steps(warm=cores() if warm is None else warm)
        self._runner = Runner(stores.runs, self._steps, self._ledger)
        self._promoter = PipelinePromoter(stores, self._runner, self._aliases, self._approvals, clock, root)
        self._reproducer = Reproducer(stores, site.state / "runs", root)

    @property
    def kernels(self) -> Ahead:
        """The kernels that wait for steps."""
        return self._steps.ahead

    def show(self, name: str) -> Graph:
        """The graph of a pipeline, inferred from what its notebooks read and write, with its last run's states."""
        plan = self._planner.plan(name, {})
        return with_last_run(plan.graph, plan.name, self._stores.runs)

    def run(  # noqa: PLR0913 - one keyword for each option of the line
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        *,
        steps: Selection | Sequence[str] | None = None,
        for_: Fan | None = None,
        cache: bool = True,
        logical_time: str | None = None,
        limits: Limits | None = None,
        progress: Progress | None = None,
        cancellation: Cancellation | None = None,
        executor: str | None = None,
        scheduler: str | None = None,
    ) -> PipelineRun:
        """Run a pipeline; steps whose code, parameters and inputs are unchanged are skipped.

        Parameters
        ----------
        name : str
            ``delays`` runs the working copy, ``delays@production`` the frozen version, a path that ends in
            ``.pipeline.zip`` the package that lies there, one that ends in ``.ipynb`` this notebook alone.
        params : mapping, optional
            Parameters, as text or as Python values.
        steps : Selection or sequence of str, optional
            The steps to run, by name, or as a `Selection` says; what the others made before is read as it is.
        for_ : mapping, optional
            Parameter -> values that it takes one by one: a step that declares it runs for each of them.
        cache : bool
            Whether a step may be skipped.
        logical_time : str, optional
            The time that the run stands for, in ISO 8601 with its zone, or ``due:`` and a cron line. For one time and
            the same parameters one run commits, whoever asks for it and how often: later calls give that run.
        limits : Limits, optional
            What each step, and each of its cells, may take.
        progress : callable, optional
            Called with each sign of life of a step, and with what its cells print.
        cancellation : Cancellation, optional
            Stops the run from another thread.
        executor, scheduler : str, optional
            ``threads``, or ``dask`` and the address of its scheduler; as the settings say otherwise.

        Raises
        ------
        KeyboardInterrupt
            When `cancellation` was used.
        StepFailedError
            When a step does not complete.
        InvalidError
            When a parameter is unknown or of a wrong type, the graph is not one, the time is no time, or is for a part.
        ConflictError, UnavailableError
            When another run for the same time is under way, or the scheduler or the store is out of reach of somebody.
        """
        place = self._places.choose(executor, scheduler)
        at = None if logical_time is None else canonical(logical_time, self._clock.now())
        plan = self._planner.plan(name, params or {}, logical_time=at, selection=Selection.of(steps, at), fan=for_)
        wanted = replace(plan, limits=limits or Limits())
        done = self._runner.run(wanted, cache=cache, progress=progress, stop=cancellation, executor=place)
        self._lock(done)
        return done

    def run_for(
        self,
        name: str,
        params: Mapping[str, Any],
        *,
        logical_time: str,
        stop: Stop,
        generation: int = 0,
        progress: Progress | None = None,
    ) -> PipelineRun:
        """Run a pipeline unattended, for a time or an event as the ledger has it.

        Parameters
        ----------
        name, params, progress
            As in `run`.
        logical_time : str
            What the run stands for.
        stop : Stop
            Stops it, which raises KeyboardInterrupt.
        generation : int
            Raised to have it run anew where it has committed.
        """
        plan = self._planner.plan(name, params, logical_time=logical_time)
        plan, executor = replace(plan, generation=generation), self._places.choose()
        done = self._runner.run(plan, progress=progress, stop=stop, executor=executor)
        self._lock(done)
        return done

    def check(self, name: str, params: Mapping[str, Any]) -> None:
        """Raise what running a pipeline with these parameters would before its first step."""
        self._planner.plan(name, params)

    def rehearse(
        self, name: str, *, rows: int | None = 1_000, timeout: float | None = None, progress: Progress | None = None
    ) -> Report:
        """Run every step on samples of what the pipeline reads, in a throw-away copy of the project.

        Parameters
        ----------
        name : str
            The pipeline.
        rows : int or None
            How many rows of each table are taken, at random with a fixed seed; smaller tables are whole. None means
            all of them.
        timeout : float, optional
            Seconds after which the steps are stopped, which the report then says; by default there is no limit.
        progress : callable, optional
            Called with each sign of life of a step.

        Returns
        -------
        Report
            Of the section ``infrastructure``: one outcome for each input and each step; nothing else is kept.

        Raises
        ------
        UnsupportedError
            When ``NBMLOPS_CATALOG`` or ``NBMLOPS_OBJECTS`` is set, so that a copy would not have its own store.
        """
        if self._rehearser is None:
            raise UnsupportedError("there is no workspace here to copy", hint="open one: nbmlops.Workspace(path)")
        return self._rehearser(name, rows, timeout, progress)

    def _lock(self, done: PipelineRun) -> None:
        """Bring ``nbmlops.lock`` up to what the run has named."""
        names = {ref.partition("@")[0] for step in done.steps for ref in step.outputs}
        known = {record.name for record in self._stores.data.list()}
        self._stores.data.lock_newest(sorted(names & known))

    def promote(
        self,
        name: str,
        to: str = "production",
        *,
        against: str | None = None,
        message: str | None = None,
        progress: Progress | None = None,
    ) -> Promotion:
        """Lint, prove, gate and freeze a pipeline, then move an alias to the frozen version, or ask others to approve.

        Parameters
        ----------
        name : str
            The pipeline.
        to : str
            The alias.
        against : str, optional
            The run that the proof is compared with; by default a second proof.
        message : str, optional
            Why.
        progress : callable, optional
            Called with each sign of life of a step.

        Returns
        -------
        Promotion
            `moved` is False when the alias was there already, and when others must approve: `waits` says so then.

        Raises
        ------
        RefusedError
            When the lint, the proof or a gate says no; nothing is moved then.
        ConflictError
            When the alias or a notebook changed in the meantime.
        """
        check_alias(to)
        run = self._stores.runs.show(against) if against else None
        plan = self._planner.plan(Ref.parse(name).name, run.params if run else {})
        if run and "version" in run.tags:
            # What a frozen version read was pinned; the proof reads the same.
            ran = self._versions.resolve(Ref(plan.name, prefix=run.tags["version"]))
            plan = replace(plan, pins=self._planner.frozen(ran).lock)
        return self._promoter.promote(Submission(plan, to, run, self._planner.environment(plan), message), progress)

    def reproduce(
        self,
        run: str,
        params: Mapping[str, Any] | None = None,
        *,
        notebook: str | Path | None = None,
        data: Sequence[str] = (),
        tolerance: float = TOLERANCE,
        strict: bool = False,
        progress: Progress | None = None,
    ) -> Reproduction:
        """Execute a run again in a cold kernel and tell whether it gives the same.

        The notebook that ran is executed with the parameters that it had, on the data that it read. The verdict is
        kept in the run's tags, unless something was to be another.

        Parameters
        ----------
        run : str
            The run; of a pipeline's, each step is executed again.
        params : mapping, optional
            Parameters that are to be others, as text or as Python values.
        notebook : str or Path, optional
            Another notebook to execute, such as the one that is on the disk now.
        data : sequence of str
            Other versions to read, in place of those of the same names that were read.
        tolerance : float
            Relative difference up to which numbers are near.
        strict : bool
            Execute nothing where Python or a package that the notebook reaches is another.
        progress : callable, optional
            Called with each sign of life of a step.

        Raises
        ------
        NotFoundError
            When there is no such run, or no such version in `data`.
        InvalidError
            When it did not come to an end by itself, or a parameter is unknown or of a wrong type.
        """
        if not 0 <= tolerance < 1:
            raise InvalidError(f"the tolerance {tolerance} is not between 0 and 1", hint="1e-9 is the usual one")
        chosen = None if notebook is None else Path(notebook)
        asked = Asked(tolerance, strict, dict(params or {}), chosen, tuple(data))
        return self._reproducer.reproduce(run, asked, progress)

    def rollback(self, name: str, alias: str = "production") -> Promotion:
        """Move an alias back to where it was before its last promotion."""
        return self._promoter.rollback(name, alias)
