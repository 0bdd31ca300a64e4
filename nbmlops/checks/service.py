"""Verbs on checks of data by suites; the others are in `verbs` of each package, those on reports in `keeping`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from nbmlops.checks.drift.verbs import DriftChecks
from nbmlops.checks.features.verbs import FeatureChecks
from nbmlops.checks.policy.ruling import Ruling
from nbmlops.checks.standing import Standing
from nbmlops.checks.suite import Suite, SuiteBuilder
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from nbmlops.checks.changes import SuiteChanges
    from nbmlops.checks.features.verbs import Tests
    from nbmlops.checks.learning import Learner
    from nbmlops.checks.model.case import Opened
    from nbmlops.checks.records import Report
    from nbmlops.checks.report_diff import ReportDiff
    from nbmlops.core.clock import Clock
    from nbmlops.data.service import Data
    from nbmlops.store.catalog import Catalog
    from nbmlops.store.objects import ObjectStore

__all__ = ["Checks"]


class Checks(FeatureChecks, Ruling, DriftChecks, Standing):
    """Checks of data and of models, and the reports of all checks.

    Parameters
    ----------
    catalog : Catalog
        Where reports are listed.
    objects : ObjectStore
        Where their documents lie.
    clock : Clock
        Tells when.
    data : Data
        Loads what is named by a reference.
    opener : callable, optional
        Opens the model that is named by a reference.
    rules : mapping, optional
        The table ``[tool.nbmlops.policy]`` of the project.
    tests : callable, optional
        Runs the tests of a notebook.
    """

    def __init__(
        self,
        catalog: Catalog,
        objects: ObjectStore,
        clock: Clock,
        data: Data,
        opener: Callable[[str], Opened] | None = None,
        rules: Mapping[str, Any] | None = None,
        tests: Tests | None = None,
    ) -> None:
        super().__init__(catalog, objects, clock, data, opener)
        self._rules = rules or {}
        self._tests = tests

    def suite(self, name: str = "") -> SuiteBuilder:
        """Begin a suite in Python, as in ``ml.check.suite("flights").column("dep_delay").between(-60, 1500)``."""
        return SuiteBuilder(name)

    def infer(
        self,
        *values: Any,
        from_: int | None = None,
        to: str | os.PathLike[str] | None = None,
        name: str | None = None,
    ) -> Suite:
        """Learn a suite from data, to be read and edited.

        Several values are versions of one table, oldest first. The suite is learnt from all of them but the last,
        and tested on that; how the test went is in the suite's notes, and in a report.

        Parameters
        ----------
        *values : str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame
            References such as ``flights@v3``, files, or tables.
        from_ : int, optional
            Of how many saved versions, up to the one that is named.
        to : str or Path, optional
            A new file to write the suite's text to.
        name : str, optional
            The suite's name; the data's by default.

        Raises
        ------
        InvalidError
            When a table has no rows, two columns of one name, or a column of Python objects; or when there are
            fewer versions than `from_`.
        NotFoundError
            When there is no such version or file.
        ConflictError
            When the file `to` is there already.
        """
        from nbmlops.checks.learning import suite_path, write_suite

        path = suite_path(to) if to is not None else None
        suite = self._learner().suite(values, from_, name)
        if path is not None:
            write_suite(suite, path)
        return suite

    def data(
        self,
        value: Any,
        suite: Suite | SuiteBuilder | str | os.PathLike[str] | Any = None,
        *,
        strict: bool = False,
        name: str | None = None,
        functions: Mapping[str, Any] | None = None,
    ) -> Report:
        """Judge data by a suite, and keep the report.

        Parameters
        ----------
        value : str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame
            A reference such as ``flights@v3``, a file, or a table.
        suite : Suite, SuiteBuilder, str, Path, or schema of pandera, optional
            What is expected, as a suite, its text, or the file of that. Without one, a saved version is
            judged by what the version before it looked like.
        strict : bool
            Raise when a check fails or cannot run; the report is kept all the same.
        name : str, optional
            What the report calls a table that has no reference.
        functions : mapping, optional
            Functions by name, for ``test(NAME)`` in the suite's text; a cell gives what the notebook defines.

        Returns
        -------
        Report
            One outcome per check, with its number in the catalog.

        Raises
        ------
        RefusedError
            When `strict` and the report did not pass.
        InvalidError
            When the suite does not parse or is empty, or the value is no table that can be judged.
        NotFoundError
            When there is no such version or file.
        """
        from nbmlops.checks.engine import judge

        table, subject, judged = self._table(value, name)
        wanted = self._suite(suite, value, subject)
        named = wanted.name or _plain_name(subject)
        outcomes = judge(table, wanted, self._referred, self._clock.now(), functions)
        return self._judged("data", named, subject, outcomes, judged, strict=strict)

    def diff(
        self, before: int | str | os.PathLike[str] | Suite | SuiteBuilder | Any, after: Any, *, from_: int | None = None
    ) -> ReportDiff | SuiteChanges:
        """Tell what changed between two reports, or what a version would change in a suite.

        Parameters
        ----------
        before : int, str, Path, Suite, SuiteBuilder or schema of pandera
            The number of a report; or a suite, its text, or a file that holds it.
        after : int, str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame
            The number of the later report; or data, as `data` takes it.
        from_ : int, optional
            Of a suite: learn what replaces a check from so many saved versions, up to `after`.

        Returns
        -------
        ReportDiff or SuiteChanges
            What got worse or better, is new or gone, and which figures moved; or the lines that would change, why,
            and the suite with them.

        Raises
        ------
        NotFoundError
            When there is no such report, file or version.
        InvalidError
            When the suite does not parse, or `after` is no table that can be judged.
        """
        if str(before).isdecimal():
            return self._compared(str(before), str(after))
        from nbmlops.checks.learning import suite_of

        return self._learner().changes(suite_of(before, after), [after], from_)

    def _learner(self) -> Learner:
        from nbmlops.checks.learning import Learner

        return Learner(self._data, self._table, partial(self._judged, "data"))

    def _suite(self, suite: Any, value: Any, subject: str) -> Suite:
        from nbmlops.checks.accepting import read_suite

        wanted = self._learnt_before(value) if suite is None else read_suite(suite, _plain_name(subject))
        if not len(wanted):
            raise InvalidError("the suite has no check", hint=f"let one be written with `ml check infer {subject}`")
        return wanted

    def _learnt_before(self, value: Any) -> Suite:
        if self._is_ref(value):
            version = self._data.show(value)
            if older := self._older(version):
                return self.infer(older, name=f"learnt from {older}")
            raise InvalidError(
                f"no suite is given, and {version.ref} has no version before it to learn one from",
                hint=f"let one be written with `ml check infer {version.ref}`",
            )
        raise InvalidError("no suite is given to judge by", hint="let one be written with `ml check infer VALUE`")


def _plain_name(subject: str) -> str:
    return subject.partition("@")[0]
