"""The verb ``drift``: has a table drifted from another."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from nbmlops.checks.model.verbs import ModelChecks
from nbmlops.checks.records import Outcome, Report
from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_known
from nbmlops.core.signs import StepProgress
from nbmlops.profiling.records import Profile

if TYPE_CHECKING:
    from nbmlops.checks.frames import CheckedTable

__all__ = ["DriftChecks", "Manner"]


@dataclass(frozen=True, slots=True)
class Manner:
    """How two tables are compared.

    Parameters
    ----------
    joint : bool
        Look at all columns together as well; see `nbmlops.checks.drift.joint`.
    profiles : bool
        Compare profiles alone, those that are kept with versions: no row is looked at. So are values that are
        profiles, such as ``Profile.merged`` of those of ten replicas.
    like : {"evidently"} or None
        Judge by the rules of Evidently 0.7 instead.
    """

    joint: bool = False
    profiles: bool = False
    like: Literal["evidently"] | None = None

    def __str__(self) -> str:
        return f", as {self.like}" if self.like else ", jointly" if self.joint else ""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Take keywords.

        Raises
        ------
        InvalidError
            When one is unknown, or two cannot be had together.
        """
        check_known(cls, values, "drift takes no")
        manner = cls(**values)
        if manner.like not in {None, "evidently"}:
            raise InvalidError(f"{manner.like!r} has no rules that are known", hint='like="evidently"')
        if manner.like and manner.joint:
            raise InvalidError(f"{manner.like} looks at each column alone", hint="leave out one of both")
        return manner

    def refuse_profiles(self) -> None:
        """Raise when it looks at rows.

        Raises
        ------
        InvalidError
            Profiles have none.
        """
        if self.like or self.joint:
            who = self.like or "joint drift"
            raise InvalidError(f"{who} looks at rows, and profiles have none", hint="leave out one of both")


class DriftChecks(ModelChecks):
    """What tells drift, beside the checks of models, which say what they lean on."""

    def drift(
        self,
        current: Any,
        against: Any = None,
        *,
        columns: Sequence[str] | None = None,
        model: Any = None,
        strict: bool = False,
        progress: Callable[[StepProgress], None] | None = None,
        **how: Any,
    ) -> Report:
        """Say which columns of a table have drifted from those of a reference, and keep the report.

        One of 100 columns without drift is called drifted, whatever the sizes, and one of 25 that are called so. Large
        drift fails the report, small drift warns. See `nbmlops.checks.drift.verdict`.

        Parameters
        ----------
        current : str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame
            What is now: a reference, a file, or a table.
        against : str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame, optional
            What was; of a saved version the one before it by default.
        columns : sequence of str, optional
            Which columns; all by default.
        model : str or estimator, optional
            A fitted model: what drifted is ranked by how much it leans on it (``feature_importances_`` or ``coef_``).
        strict : bool
            Raise when a column fails; the report is kept all the same.
        progress : callable, optional
            Called with signs of life.
        **how
            ``joint``, ``profiles`` and ``like``: the fields of `nbmlops.checks.drift.verbs.Manner`.

        Raises
        ------
        RefusedError
            When `strict` and the report did not pass.
        InvalidError
            When a column is in neither table, there is nothing to compare with, or the manner is none.
        NotFoundError
            When there is no such version or file.
        """
        manner = Manner.of(how)
        against = self._before(current) if against is None else against
        weights = {} if model is None or manner.like else self._importance(model)
        if manner.profiles or isinstance(current, Profile) or isinstance(against, Profile):
            manner.refuse_profiles()
            return self._by_profiles(current, against, columns, weights, progress, strict=strict)
        table, subject, judged = self._table(current)
        old, name, others = self._table(against)
        outcomes = _judged(old, table, columns, weights, progress, manner)
        return self._judged("data", f"drift from {name}{manner}", subject, outcomes, (*judged, *others), strict=strict)

    def _by_profiles(
        self,
        current: Any,
        against: Any,
        columns: Sequence[str] | None,
        weights: Mapping[str, float],
        progress: Callable[[StepProgress], None] | None,
        *,
        strict: bool,
    ) -> Report:
        from nbmlops.checks.drift import comparing

        now, subject, judged = self._profile(current)
        reference, name, others = self._profile(against)
        shared, gone = comparing.same_columns(reference, now, columns)
        outcomes = (
            *gone,
            *comparing.compare_profiles(reference, now, shared, weights, _counted(progress, len(shared))),
        )
        suite = f"drift from {name}, by profiles"
        return self._judged("data", suite, subject, outcomes, (*judged, *others), strict=strict)

    def _profile(self, value: Any) -> tuple[Profile, str, tuple[str, ...]]:
        """The profile that a value is or has, what a report calls it, and the version that it is of, if any."""
        if isinstance(value, Profile):
            return value, value.of or "profile", ()
        if self._is_ref(value):
            version = self._data.show(value)
            return self._data.profile(version.ref), version.ref, (f"data:{version.id}",)
        name = str(value) if isinstance(value, str | os.PathLike) else "dataframe"
        return self._data.profile(value), name, ()

    def _before(self, value: Any) -> str:
        if not self._is_ref(value):
            raise InvalidError("there is nothing to compare with", hint="`ml check drift … --against REF`")
        version = self._data.show(value)
        if older := self._older(version):
            return older
        raise InvalidError(
            f"{version.ref} has no version before it to compare with",
            hint=f"name another: `ml check drift {version.ref} --against REF`",
        )

    def _importance(self, value: Any) -> dict[str, float]:
        """How much a model leans on each column.

        Raises
        ------
        InvalidError
            When it does not tell.
        """
        import numpy as np

        model = self._opened(value).model
        last = model[-1] if hasattr(model, "steps") else model
        told = getattr(last, "feature_importances_", None)
        if told is None and (weights := getattr(last, "coef_", None)) is not None:
            told = np.abs(np.atleast_2d(weights)).mean(axis=0)
        names = getattr(model, "feature_names_in_", None)
        if told is None or names is None or len(names) != len(told):
            raise InvalidError(
                f"a {type(last).__name__} does not tell how much it leans on each column",
                hint="leave --model out, or give a model with feature_importances_ or coef_ of the table's columns",
            )
        return {str(name): float(each) for name, each in zip(names, told, strict=True)}


def _judged(
    reference: CheckedTable,
    current: CheckedTable,
    columns: Sequence[str] | None,
    weights: Mapping[str, float],
    progress: Callable[[StepProgress], None] | None,
    manner: Manner,
) -> tuple[Outcome, ...]:
    from nbmlops.checks.drift import comparing, evidently, joint

    shared, outcomes = comparing.same_columns(reference, current, columns)
    if manner.like:
        return (*outcomes, *evidently.as_evidently(reference, current, shared))
    told = _counted(progress, len(shared))
    alone = comparing.compare_tables(reference, current, shared, weights, told)
    if not manner.joint:
        return (*outcomes, *alone)
    begun = (lambda check: progress(StepProgress(check, "running"))) if progress else None
    return (*outcomes, *joint.compare_jointly(reference, current, shared, begun), *alone)


def _counted(progress: Callable[[StepProgress], None] | None, total: int) -> Callable[[int], object] | None:
    if progress is None:
        return None
    done = itertools.count(1)
    return lambda _: progress(StepProgress("columns", "running", next(done), total))
