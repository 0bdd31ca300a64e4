"""Verbs on features: test the code that makes them, and look for what leaks."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nbmlops.checks.model.verbs import ModelChecks
from nbmlops.checks.records import Outcome, Report
from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.core.signs import StepProgress
from nbmlops.store import lineage

__all__ = ["FeatureChecks", "Tests"]

Progress = Callable[[Any], None]
Tests = Callable[[Path, float, "Progress | None"], tuple[Outcome, ...]]
"""Runs the tests of a notebook, each cell at most so many seconds; the port that the workspace fills."""


class FeatureChecks(ModelChecks):
    """Checks of features, beside those of models, which tell what a feature adds."""

    _tests: Tests | None = None

    def feature(
        self,
        notebook: str | os.PathLike[str] | None = None,
        *,
        tests: str = "",
        names: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
        strict: bool = False,
        progress: Progress | None = None,
    ) -> Report:
        """Run tests of the code that makes features, and keep the report.

        Parameters
        ----------
        notebook : str or Path, optional
            A notebook. Its ``%%ml check feature`` cells run in a cold kernel, with the cells that they need.
        tests : str
            The tests themselves, as the body of a cell holds them, when there is no notebook: functions whose names
            begin with ``test_``, properties of hypothesis among them, and bare asserts.
        names : mapping, optional
            What `tests` may use.
        timeout : float
            Seconds that each cell of a notebook may take.
        strict : bool
            Raise when a test fails or cannot run; the report is kept all the same.
        progress : callable, optional
            Called with signs of life.

        Returns
        -------
        Report
            One outcome per test, with its number in the catalog. An assertion that does not hold failed; any other
            exception is ``errored``.

        Raises
        ------
        RefusedError
            When `strict` and the report did not pass.
        InvalidError
            When there is no test, or the body does not parse.
        NotFoundError
            When there is no such notebook.
        """
        if (notebook is None) == (not tests.strip()):
            raise InvalidError(
                "give either a notebook or tests", hint="begin a cell with `%%ml check feature` and write tests below"
            )
        if notebook is None:
            outcomes = self._judge_body(tests, names or {}, progress)
            current = lineage.current().notebook
            subject = Path(current).name if current else "features"
        else:
            path = Path(notebook)
            if not path.exists():
                raise NotFoundError(f"there is no notebook {path}", hint="give its path from the current folder")
            if self._tests is None:
                raise InvalidError("notebooks cannot be run here", hint="give the tests themselves")
            outcomes, subject = self._tests(path, timeout, progress), path.name
        return self._judged("data", "feature tests", subject, outcomes, (), strict=strict)

    def leakage(
        self,
        table: Any,
        target: str,
        *,
        time: str | None = None,
        group: str | None = None,
        test: Any = None,
        bound: float = 0.99,
        strict: bool = False,
        progress: Progress | None = None,
    ) -> Report:
        """Look for what will not be known when a prediction is made, and keep the report.

        Parameters
        ----------
        table : str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame
            The rows to learn from: a reference, a file, or a table.
        target : str
            The column with the label.
        time : str, optional
            The column with the time of the event: no other time of a row may lie after it, and no test row before
            a training row.
        group : str, optional
            The column whose groups, such as customers, may not be in both tables.
        test : str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame, optional
            The rows to be judged on.
        bound : float
            AUC or R² of one column alone that is too good to be true.
        strict : bool
            Raise when a check fails or cannot run; the report is kept all the same.
        progress : callable, optional
            Called with signs of life.

        Raises
        ------
        RefusedError
            When `strict` and the report did not pass.
        InvalidError
            When a column is missing, or the target is no label.
        NotFoundError
            When there is no such version or file.
        """
        from nbmlops.checks.features.leakage import Question, find

        rows, subject, judged = self._table(table)
        others, _, more = (None, "", ()) if test is None else self._table(test)

        outcomes = find(Question(rows, target, time, group, others, bound), _signs(progress))
        return self._judged("data", "leakage", subject, outcomes, tuple(dict.fromkeys((*judged, *more))), strict=strict)

    def importance(
        self,
        model: Any,
        table: Any,
        target: str,
        *,
        train: Any = None,
        metric: str | None = None,
        costs: Mapping[str, Callable[[Any], Any]] | None = None,
        strict: bool = False,
        progress: Progress | None = None,
    ) -> Report:
        """Tell what each feature adds to a model and what it costs, and keep the report.

        Parameters
        ----------
        model : str or estimator
            A reference such as ``delay@v3``, or a fitted estimator.
        table : str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame
            Rows that it has not seen, with their truth: a reference, a file, or a table.
        target : str
            The column with the truth.
        train : str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame, optional
            The rows that it was trained on; with them it is trained anew without each column as well.
        metric : str, optional
            What to measure; the one that fits the model by default.
        costs : mapping, optional
            Functions that compute a feature from the table, by the feature's name; each is timed.
        strict : bool
            Raise when a check fails or cannot run; a feature that adds nothing only warns.
        progress : callable, optional
            Called with signs of life.

        Raises
        ------
        RefusedError
            When `strict` and the report did not pass.
        InvalidError
            When a column is missing, or the model cannot answer these rows or be trained on those.
        NotFoundError
            When there is no such model, version or file.
        """
        from nbmlops.checks.features.worth import judge
        from nbmlops.checks.model.case import Asked, Case

        rows, subject, judged = self._rows(table)
        opened = self._opened(model)
        learnt = None if train is None else self._rows(train)[0]
        case = Case(opened, rows, target, Asked.of({"metric": metric}), None, learnt)

        origins = {each.column: each.version.ref for each in self._data.blame(subject)} if judged else {}
        outcomes = judge(case, costs or {}, origins, _signs(progress))
        return self._judged("data", "importance", opened.name, outcomes, (*opened.versions, *judged), strict=strict)

    def _judge_body(self, tests: str, names: Mapping[str, Any], progress: Progress | None) -> tuple[Outcome, ...]:
        from nbmlops.checks.features.testing import judge

        return judge(tests, names, (lambda name: progress(StepProgress(name, "running"))) if progress else None)


def _signs(progress: Progress | None) -> Callable[[str, int, int], None]:
    """What is told of each column, as signs of life."""

    def looked(column: str, done: int, total: int) -> None:
        if progress:
            progress(StepProgress(column, "running", done, total))

    return looked
