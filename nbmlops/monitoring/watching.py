"""What a monitor looks at: the window of what was captured, and the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.monitoring.records import BEFORE, Monitor
from nbmlops.profiling.records import Profile

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from nbmlops.data.service import Data
    from nbmlops.models.records import ModelVersion
    from nbmlops.models.service import Models
    from nbmlops.monitoring.own_code import OwnCode
    from nbmlops.serving.capture.hours import Hour
    from nbmlops.serving.capture.reading import Captured
    from nbmlops.tracking import Runs

__all__ = ["ANSWER", "INPUT", "NO_DATA", "OUTPUT", "Known", "NoDataError", "Watched", "input_columns"]

INPUT, OUTPUT = "in:", "out:"
"""What captured columns are called by."""
_OF_SERVED = frozenset({"staleness", "dependencies", "pipeline"})
"""Kinds that look at the version that is served, and at no answer."""
ANSWER = "answer "
"""What answers are called by here, so that none is called as an input is."""
NO_DATA = "no data"
"""The figure of what could not be judged since nothing was asked, kept or labelled."""


class NoDataError(InvalidError):
    """Nothing was asked, kept or labelled in a window, so there is nothing to judge; with callers it will be."""


@dataclass(frozen=True, slots=True)
class Known:
    """What monitors know beside what was captured.

    Attributes
    ----------
    data : Data
        Where references are.
    models : Models
        Where served versions are.
    runs : Runs
        What trained them.
    code : OwnCode
        Functions of the user's own.
    features : callable
        Makes the features of a model again from their offline tables: given a reference of the model and rows as
        they were logged, it gives a column for each input that is a feature, row by row.
    """

    data: Data
    models: Models
    runs: Runs
    code: OwnCode
    features: Callable[[str, pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True, slots=True)
class Watched:
    """One look of a monitor.

    Attributes
    ----------
    monitor : Monitor
        Which.
    until : datetime
        The end of its window: whole hours are looked at, the one that this falls into with them.
    alias : str
        Under which alias the model is served.
    captured : Captured
        What was asked and answered.
    known : Known
        What is known besides.
    replayed : bool
        Whether the window is long past, and what was learnt since is left out.
    """

    monitor: Monitor
    until: datetime
    alias: str
    captured: Captured
    known: Known
    replayed: bool = False

    @property
    def data(self) -> Data:
        """Where references are."""
        return self.known.data

    @property
    def models(self) -> Models:
        """Where the served version is looked up."""
        return self.known.models

    @property
    def since(self) -> datetime:
        """The begin of its window, on the hour: else the window before would have an hour in common with it."""
        from nbmlops.serving.capture.hours import hour_start

        return hour_start(self.until - self.monitor.window)

    @property
    def before(self) -> datetime:
        """The begin of the window before."""
        return self.since - self.monitor.window

    def hours(self, since: datetime | None = None, until: datetime | None = None) -> list[Hour]:
        """Hours that were captured; of its window by default.

        Raises
        ------
        NoDataError
            When there is none.
        """
        begin, end = since or self.since, until or self.until
        found = self.captured.hours(self.monitor.deployment, begin, end)
        if not found:
            raise NoDataError(
                f"nothing was captured of {self.monitor.deployment} "
                f"from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}",
                hint="serve it, or let the monitor look at a longer window",
            )
        return found

    def profile(self, since: datetime | None = None, until: datetime | None = None) -> Profile:
        """What was captured, inputs by their own names and answers by ``answer NAME``.

        Raises
        ------
        NoDataError
            When nothing was.
        InvalidError
            When its columns changed meanwhile.
        """
        parts = [hour.profile for hour in self.hours(since, until) if hour.profile is not None]
        if not parts:
            raise NoDataError("every request was refused: there are neither inputs nor answers")
        merged = Profile.merged(parts)
        return replace(merged, columns=tuple(replace(one, name=_plain(one.name)) for one in merged.columns))

    def rows(self) -> pl.LazyFrame:
        """Rows of its window that were answered and heard."""
        return _heard(self.captured.rows(self.monitor.deployment, self.since, self.until))

    def labelled(self, *, before: bool = False) -> pl.LazyFrame:
        """The same, of those whose label is known; or of all that were asked before the window."""
        begin, end = (None, self.since) if before else (self.since, self.until)
        return _heard(
            self.captured.labelled(self.monitor.deployment, begin, end, known=self.until if self.replayed else None)
        )

    def served(self) -> ModelVersion:
        """The version that is served now, or was at the end of a window that is replayed."""
        if self.replayed:
            return self.models.show(f"{self.monitor.deployment}@v{self.hours()[-1].version}")
        return self.models.show(f"{self.monitor.deployment}@{self.alias}")

    def versions(self) -> tuple[int, ...]:
        """Ids of the versions that it looked at: those that answered in its window, else the one that is served.

        Versions that are gone since are left out.
        """
        answered = {hour.version for hour in self.captured.hours(self.monitor.deployment, self.since, self.until)}
        if self.monitor.kind in _OF_SERVED or not answered:
            return (self.served().id,)
        return tuple(one.id for one in self.models.history(self.monitor.deployment) if one.number in answered)

    def trained_on(self) -> str | None:
        """The data that the served version was trained on, as far as its run says."""
        inputs: Any = self.served().inputs
        return str(inputs[0]) if inputs else None

    def reference(self) -> str:
        """What it is judged against, in words that `reference_profile` knows."""
        if self.monitor.reference is not None:
            return self.monitor.reference
        return self.trained_on() or BEFORE

    def reference_profile(self) -> Profile:
        """The profile that it is judged against.

        Raises
        ------
        NotFoundError
            When it is no more: it was erased or deleted, or nothing was captured.
        """
        reference = self.reference()
        if reference == BEFORE:
            return self.profile(self.before, self.since)
        return self.data.profile(reference)


def _heard(rows: pl.LazyFrame) -> pl.LazyFrame:
    import polars as pl

    return rows.filter((pl.col("_role") == "served") & (pl.col("_status") < 400))


def _plain(name: str) -> str:
    return name.removeprefix(INPUT) if name.startswith(INPUT) else ANSWER + name.removeprefix(OUTPUT)


def input_columns(frame: pl.LazyFrame) -> pl.DataFrame:
    """The inputs of rows, by their own names.

    Raises
    ------
    NoDataError
        When there are no rows.
    """
    import polars as pl

    names = [name for name in frame.collect_schema().names() if name.startswith(INPUT)]
    found = frame.select(pl.col(name).alias(name.removeprefix(INPUT)) for name in names).collect()
    if not names or found.is_empty():
        raise NoDataError("no rows were kept in this window", hint="`ml deployment set NAME --sampled 0.1` keeps some")
    return found
