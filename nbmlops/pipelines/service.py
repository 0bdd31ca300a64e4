"""Verbs on pipelines: list, show, run, lint, promote, rollback, history, delete, restore, rename; reproduce a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NotFoundError, UnsupportedError
from nbmlops.core.refs import Ref, check_alias
from nbmlops.pipelines import freezing
from nbmlops.pipelines.ledger import Ledger
from nbmlops.pipelines.local_modules import code_of
from nbmlops.pipelines.notebook import read_content
from nbmlops.pipelines.plan import Plan
from nbmlops.pipelines.planning import make_plan, notebooks_of
from nbmlops.pipelines.promotion import PipelinePromoter, Submission
from nbmlops.pipelines.proof import TOLERANCE
from nbmlops.pipelines.records import Pipeline, PipelineRun, PipelineVersion, StepProgress
from nbmlops.pipelines.reproducing import Asked, Reproducer
from nbmlops.pipelines.runner import Runner
from nbmlops.pipelines.steps import StepRunner
from nbmlops.store import lineage
from nbmlops.store.aliases import Aliases
from nbmlops.tracking import capture
from nbmlops.tracking.environment import installed
from nbmlops.tracking.notebook_source import file_of, saved

if TYPE_CHECKING:
    from nbmlops.checks.records import Report
    from nbmlops.core.clock import Clock
    from nbmlops.models.records import Promotion
    from nbmlops.pipelines.graph import Graph
    from nbmlops.pipelines.lint import Finding
    from nbmlops.pipelines.reproduction import Reproduction
    from nbmlops.pipelines.stores import Stores
    from nbmlops.store.versions import Version
    from nbmlops.tracking.records import HiddenState

__all__ = ["Pipelines"]

Progress = Callable[[StepProgress], None]
Rehearser = Callable[[str, int, "Progress | None"], "Report"]


class Pipelines:
    """Pipelines of one project.

    Parameters
    ----------
    stores : Stores
        What pipelines write to.
    clock : Clock
        Tells when.
    settings : mapping
        Pipeline -> notebook paths or patterns.
    root : Path
        The project's folder.
    state : Path
        The workspace's own folder, where executed notebooks are kept.
    rehearser : callable, optional
        Runs a pipeline on samples in a copy of the workspace, which only who composes workspaces can make.
    """

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        settings: Mapping[str, tuple[str, ...]],
        root: Path,
        state: Path,
        rehearser: Rehearser | None = None,
    ) -> None:
        self._rehearser = rehearser
        self._stores = stores
        self._settings = settings
        self._root = root
        self._state = state
        self._versions = stores.versions["pipeline"]
        self._aliases = Aliases(self._versions, clock)
        ledger = Ledger(self._versions.catalog, clock, stores.runs.writer_lives)
        self._runner = Runner(stores.runs, StepRunner(stores, ledger, state / "runs", root))
        self._promoter = PipelinePromoter(stores, self._runner, self._aliases, clock, root)
        self._reproducer = Reproducer(stores, state / "runs", root)

    def show(self, name: str) -> Graph:
        """The graph of a pipeline, inferred from what its notebooks read and write."""
        return self._plan(name, {}).graph

    def run(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        *,
        cache: bool = True,
        logical_time: str | None = None,
        progress: Progress | None = None,
    ) -> PipelineRun:
        """Run a pipeline; steps whose code, parameters and inputs are unchanged are skipped.

        Parameters
        ----------
        name : str
            ``delays`` runs the working copy, ``delays@production`` the frozen version.
        params : mapping, optional
            Parameters, as text or as Python values.
        cache : bool
            Whether a step may be skipped.
        logical_time : str, optional
            The time that the run stands for; it commits at most once for each.
        progress : callable, optional
            Called with each sign of life of a step.

        Raises
        ------
        StepFailedError
            When a step does not complete.
        InvalidError
            When a parameter is unknown or of a wrong type, or the graph is not one.
        """
        plan = self._plan(name, params or {}, logical_time=logical_time)
        done = self._runner.run(plan, cache=cache, progress=progress)
        self._lock(done)
        return done

    def rehearse(self, name: str, *, rows: int = 1_000, progress: Progress | None = None) -> Report:
        """Run every step on samples of what the pipeline reads, in a throw-away copy of the project.

        Parameters
        ----------
        name : str
            The pipeline.
        rows : int
            How many rows of each table are taken, at random with a fixed seed; smaller tables are whole.
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
        return self._rehearser(name, rows, progress)

    def _plan(self, name: str, params: Mapping[str, Any], logical_time: str | None = None) -> Plan:
        ref = Ref.parse(name)
        data = {kind: self._stores.versions[kind] for kind in ("data", "model")}
        if ref.is_bare:
            paths = notebooks_of(ref.name, self._settings, self._root)
            return make_plan(ref.name, paths, params, data, logical_time=logical_time)
        version = self._versions.resolve(ref)
        frozen = self._frozen(version)
        paths = freezing.unpack(frozen, self._state / "scratch" / version.digest[:16])
        folders = {Path(path).stem: (self._root / path).parent for path in frozen.notebooks}
        there = {stem: folder if folder.is_dir() else self._root for stem, folder in folders.items()}
        own, digest = frozen.parameters, version.digest
        with lineage.activate(replace(lineage.current(), pins=frozen.lock)):
            plan = make_plan(
                ref.name, paths, params, data, frozen=own, folders=there, version=digest, logical_time=logical_time
            )
        notes = freezing.differences(frozen.environment, self._environment(plan))
        return replace(plan, pins=frozen.lock, notes=notes)

    def _frozen(self, version: Version) -> freezing.Frozen:
        return freezing.thaw(self._stores.objects.read(version.root))

    def _lock(self, done: PipelineRun) -> None:
        """Bring ``nbmlops.lock`` up to what the run has named."""
        names = {ref.partition("@")[0] for step in done.steps for ref in step.outputs}
        known = {record.name for record in self._stores.data.list()}
        self._stores.data.lock_newest(sorted(names & known))

    def lint(self, target: str) -> list[Finding]:
        """Findings in a notebook, given by its path, or in all notebooks of a pipeline.

        Of the notebook that this is called from, what its session has executed counts too.
        """
        from nbmlops.pipelines.lint import lint

        path = Path(target)
        if path.suffix == ".ipynb":
            paths = [path]
        elif target in self._settings:
            paths = notebooks_of(target, self._settings, self._root)
        else:
            raise InvalidError(
                f"{target!r} is neither a notebook nor a pipeline",
                hint=f"give a path that ends in .ipynb, or one of {', '.join(self._settings) or 'none'}",
            )
        return [finding for one in paths for finding in lint(read_content(one), one, hidden=self._hidden(one))]

    def _hidden(self, path: Path) -> Sequence[HiddenState]:
        from nbmlops.tracking.hidden_state import hidden_state

        notebook = lineage.current().notebook
        own = file_of(notebook, self._root)
        if own is None or not own.samefile(path):
            return ()
        return hidden_state(capture.log.executed, saved(notebook, self._root))

    def promote(
        self,
        name: str,
        to: str = "production",
        *,
        against: str | None = None,
        message: str | None = None,
        progress: Progress | None = None,
    ) -> Promotion:
        """Lint, prove, gate and freeze a pipeline, then move an alias to the frozen version.

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

        Raises
        ------
        RefusedError
            When the lint, the proof or a gate says no; nothing is moved then.
        ConflictError
            When the alias or a notebook changed in the meantime.
        """
        check_alias(to)
        run = self._stores.runs.show(against) if against else None
        plan = self._plan(Ref.parse(name).name, run.params if run else {})
        if run and "version" in run.tags:
            # What a frozen version read was pinned; the proof reads the same.
            ran = self._versions.resolve(Ref(plan.name, prefix=run.tags["version"]))
            plan = replace(plan, pins=self._frozen(ran).lock)
        return self._promoter.promote(Submission(plan, to, run, self._environment(plan), message), progress)

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

    def _environment(self, plan: Plan) -> dict[str, Any]:
        """What a plan runs on: what is installed, and the project's own modules."""
        modules: dict[str, str] = {}
        for step in plan.graph.steps:
            modules |= code_of(plan, step.name, self._root).files
        return {**installed(), "modules": modules}

    def rollback(self, name: str, alias: str = "production") -> Promotion:
        """Move an alias back to where it was before its last promotion."""
        return self._promoter.rollback(name, alias)

    def history(self, name: str) -> list[PipelineVersion]:
        """All frozen versions of a pipeline, newest first."""
        return [PipelineVersion.of(version) for version in self._versions.history(name)]

    def delete(self, ref: str) -> list[PipelineVersion]:
        """Hide frozen versions; refused while an alias is on one of them."""
        return [PipelineVersion.of(version) for version in self._versions.delete(ref)]

    def restore(self, ref: str) -> list[PipelineVersion]:
        """Bring back what was deleted."""
        return [PipelineVersion.of(version) for version in self._versions.restore(ref)]

    def rename(self, old: str, new: str) -> PipelineVersion:
        """Give all frozen versions of a pipeline another name; pyproject.toml is yours to change."""
        self._versions.rename(old, new)
        return PipelineVersion.of(self._versions.resolve(new))

    def list(self) -> list[Pipeline]:
        """The pipelines that the settings name, and those that are only frozen any more."""
        newest = {version.name: version for version in self._versions.newest()}
        return [self._described(name, newest) for name in sorted({*self._settings, *newest})]

    def _described(self, name: str, newest: Mapping[str, Any]) -> Pipeline:
        version = newest.get(name)
        history = self._versions.history(name) if version else []
        aliases = {alias: one.ref for one in history for alias in one.aliases}
        runs = self._stores.runs.list(1, experiment=name)
        steps, fault = tuple(version.detail["steps"]) if version else (), None
        if name in self._settings:
            try:
                steps = tuple(path.stem for path in notebooks_of(name, self._settings, self._root))
            except (InvalidError, NotFoundError) as error:
                # The others are listed all the same.
                steps, fault = (), error.message
        return Pipeline(
            name,
            steps,
            version.ref if version else None,
            aliases,
            runs[0].name if runs else None,
            runs[0].status if runs else None,
            fault,
        )
