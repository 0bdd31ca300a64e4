"""Verbs of continuous integration: run everything that judges a project, and write the workflow that does so."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.checks.records import Outcome, Report
from nbmlops.core.errors import InvalidError, NbmlopsError, nearest
from nbmlops.pipelines.ci.workflow import Workflow, github, write

if TYPE_CHECKING:
    from nbmlops.checks import Checks
    from nbmlops.core.clock import Clock
    from nbmlops.core.settings import Settings
    from nbmlops.core.signs import StepProgress
    from nbmlops.pipelines.service import Pipelines

__all__ = ["BY_SERVICE", "ContinuousIntegration"]

BY_SERVICE = "run by a service"
"""The outcome by which a report tells that no person ran it."""

Progress = Callable[["StepProgress"], None]
_MAKERS = {"github": github}
_TEST_SECONDS = 60.0


class ContinuousIntegration:
    """Continuous integration of one project.

    Parameters
    ----------
    pipelines : Pipelines
        Its pipelines.
    checks : Checks
        Where the report is kept.
    settings : Settings
        What the project says.
    root : Path
        Its folder.
    clock : Clock
        Tells when.
    """

    def __init__(self, pipelines: Pipelines, checks: Checks, settings: Settings, root: Path, clock: Clock) -> None:
        self._pipelines = pipelines
        self._checks = checks
        self._settings = settings
        self._root = root
        self._clock = clock

    def run(
        self,
        *names: str,
        rows: int = 1_000,
        quick: bool = False,
        timeout: float | None = None,
        junit: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Judge pipelines as a change of the project is judged: lint, tests of cells, a sample, then all rows.

        Pipelines run in throw-away copies of the project; nothing but reports is kept. What comes later is left out
        where what came before failed.

        Parameters
        ----------
        *names : str
            Pipelines; all of the project by default.
        rows : int
            How many rows of each table the sample has.
        quick : bool
            Whether the run on all rows is left out.
        timeout : float, optional
            Seconds that each run of a pipeline may take.
        junit : path, optional
            Where to write the report as JUnit XML, which CI systems read.
        progress : callable, optional
            Called with each sign of life of a step.

        Returns
        -------
        Report
            Of the section ``infrastructure``, with its number in the catalog.

        Raises
        ------
        InvalidError
            When there is no pipeline, or none of that name.
        NotFoundError, UnavailableError
            When the file cannot be written.
        """
        chosen = self._chosen(names)
        notebooks = {name: self._pipelines.notebooks(name) for name in chosen}
        # A notebook may be a step of two pipelines.
        judged = {path: self._notebook(path) for path in dict.fromkeys(chain(*notebooks.values()))}
        outcomes = [*_service(), *(outcome for found in judged.values() for outcome in found)]
        for name, paths in notebooks.items():
            if any(_is_bad(judged[path]) for path in paths):
                outcomes.append(Outcome("run", name, "warned", "not run", "", "its notebooks have faults"))
            else:
                outcomes += self._executed(name, (rows,) if quick else (rows, None), timeout, progress)
        subject = chosen[0] if len(chosen) == 1 else self._root.name
        report = Report(None, "ci", "infrastructure", subject, tuple(outcomes), self._clock.now())
        kept = self._checks.save(report)
        return self._checks.show(kept.id or 0, junit=junit) if junit is not None else kept

    def init(self, target: str, *, force: bool = False) -> Workflow:
        """Write the workflow by which a service judges every push, and promotes on a tag.

        Parameters
        ----------
        target : str
            The service: ``github``.
        force : bool
            Whether a file that is there already, and says something else, is replaced.

        Raises
        ------
        InvalidError
            When the service is not known, or the project has no pipeline.
        RefusedError
            When the file is there and is another, and `force` is not given.
        UnavailableError
            When it cannot be written.
        """
        if target not in _MAKERS:
            hint = nearest(target, _MAKERS) or f"one of {', '.join(_MAKERS)}"
            raise InvalidError(f"there is no workflow for {target!r}", hint=hint)
        workflow = _MAKERS[target](self._chosen(()), self._root, has_remote=bool(self._settings.remotes))
        write(workflow, self._root, force=force)
        return workflow

    def _chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        known = tuple(self._settings.pipelines)
        if not known:
            raise InvalidError(
                "the project has no pipeline", hint="name the first in pyproject.toml, under [tool.nbmlops.pipelines]"
            )
        for name in names:
            if name not in known:
                raise InvalidError(f"there is no pipeline {name!r}", hint=nearest(name, known))
        return tuple(dict.fromkeys(names)) or known

    def _notebook(self, path: Path) -> list[Outcome]:
        """Lint a notebook and run its tests."""
        from nbmlops.pipelines.feature_tests import has_tests, run_tests

        shown = path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else str(path)
        try:
            outcomes = self._linted(path, shown)
            if has_tests(path):
                outcomes += [replace(outcome, column=shown) for outcome in run_tests(path, _TEST_SECONDS)]
        except NbmlopsError as error:
            return [Outcome("notebook", shown, "errored", "", "", error.message)]
        return outcomes

    def _linted(self, path: Path, shown: str) -> list[Outcome]:
        found = [
            Outcome(
                f"lint {one.rule}",
                shown,
                "failed" if one.severity == "error" else "warned",
                f"cell {one.cell} line {one.line}: {one.message}",
                "",
                one.fix,
            )
            for one in self._pipelines.lint(str(path))
        ]
        return found or [Outcome("lint", shown, "passed", "nothing found", "")]

    def _executed(
        self, name: str, runs: Sequence[int | None], timeout: float | None, progress: Progress | None
    ) -> list[Outcome]:
        """Run a pipeline on so many rows each time, as long as that goes well and tells something new."""
        outcomes: list[Outcome] = []
        for rows in runs:
            found = self._rehearsed(name, rows, timeout, progress)
            outcomes += found
            if _is_bad(found) or _is_whole(found):
                break
        return outcomes

    def _rehearsed(
        self, name: str, rows: int | None, timeout: float | None, progress: Progress | None
    ) -> list[Outcome]:
        label = f"{name} on {'all' if rows is None else f'{rows:,}'} rows"
        try:
            report = self._pipelines.rehearse(name, rows=rows, timeout=timeout, progress=progress)
        except NbmlopsError as error:
            return [Outcome("run", label, "errored", "", "", error.message)]
        return [replace(outcome, column=label) for outcome in report.outcomes]


def _service() -> Iterator[Outcome]:
    """That a service of continuous integration runs it, and no person: all of them set ``CI``."""
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        named = {"GITHUB_ACTIONS": "GitHub Actions", "GITLAB_CI": "GitLab"}
        name = next((name for variable, name in named.items() if variable in os.environ), "a service")
        yield Outcome(BY_SERVICE, None, "passed", name, "")


def _is_bad(outcomes: Sequence[Outcome]) -> bool:
    return any(outcome.status in {"failed", "errored"} for outcome in outcomes)


def _is_whole(outcomes: Sequence[Outcome]) -> bool:
    """Whether a run on a sample read every row there is, so that one on all rows would be the same again."""
    inputs = [outcome for outcome in outcomes if outcome.check.startswith("input ")]
    return all(outcome.figure in {"whole", "the model"} for outcome in inputs)
