"""Everything that the store knows of a model and that a score asks for, gathered once; reports are read when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.monitoring.score.records import Evidence
from nbmlops.pipelines.ci.service import BY_SERVICE

if TYPE_CHECKING:
    from nbmlops.checks.records import Outcome, Report
    from nbmlops.monitoring.records import Monitor
    from nbmlops.serving.capture.reading import Captured
    from nbmlops.store.aliases import Move
    from nbmlops.store.asks import Ask
    from nbmlops.store.versions import Version

__all__ = ["AUTOMATIC", "Facts", "Kept"]

AUTOMATIC = frozenset({"step", "pipeline", "proof"})
"""Kinds of runs that no person stands beside."""
_GATES = ("promote ", "rollback ")
_MONITOR = "monitor:"


@dataclass(frozen=True, slots=True)
class Kept:
    """A report as the catalog has it, and the versions that it judged, each as ``model:7``."""

    number: int
    suite: str
    section: str
    subject: str
    status: str
    created_at: datetime
    run_id: str | None
    judged: frozenset[str]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a model.

    Attributes
    ----------
    version : Version
        The version that is scored; its number counts among `models`.
    alias, is_served : str, bool
        The alias that is served, and whether it is on that version.
    now, span : datetime, timedelta
        The time, and how old evidence may be.
    models : tuple of Version
        Every version of the model, the oldest first.
    reports : tuple of Kept
        Reports on them and on what they came from, the newest first.
    read : callable
        Gives a report by its number.
    runs : mapping
        Rows of the runs that reports and versions name, and of those that they are a part of, by id.
    upstream : frozenset of str
        The data that the version came from, however far, as ``data:7``; `related` has every version of it as well,
        by its name.
    inputs : tuple of (str, str)
        What it came from directly, as ``data:7`` and its reference; `sources` those that came from nothing.
    makers : frozenset of str
        Ids of the runs that made it and its data.
    pipeline : str or None
        The pipeline that trained it, and `pipeline_run` its run's row.
    moves : tuple of Move
        Moves of all aliases of the model, the oldest first.
    """

    version: Version
    alias: str
    is_served: bool
    now: datetime
    span: timedelta
    models: tuple[Version, ...]
    reports: tuple[Kept, ...]
    read: Callable[[int], Report]
    runs: Mapping[str, Any]
    upstream: frozenset[str]
    related: Mapping[str, str]
    inputs: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...]
    makers: frozenset[str]
    executed: Sequence[Any]
    pipeline: str | None
    pipeline_run: Any
    moves: tuple[Move, ...]
    asks: tuple[Ask, ...]
    frozen: frozenset[str]
    monitors: tuple[Monitor, ...]
    watches: Sequence[Any]
    trainings: Sequence[Any]
    events: Sequence[Any]
    erased: Sequence[Any]
    saved: Sequence[tuple[datetime, Mapping[str, Any]]]
    candidates: Mapping[str, int]
    params: Mapping[str, Mapping[str, Any]]
    reproduced: Mapping[str, tuple[str, str]]
    approvals: Callable[[str, str, str], int]
    gate: Mapping[str, Any]
    captured: Captured
    _outcomes: dict[int, tuple[Outcome, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.version.name

    @property
    def thing(self) -> str:
        """The version, as edges name it."""
        return f"model:{self.version.id}"

    def outcomes(self, report: Kept) -> tuple[Outcome, ...]:
        """What a report found and could judge; each report is read once."""
        known = self._outcomes.get(report.number)
        if known is None:
            found = self.read(report.number).outcomes
            known = self._outcomes[report.number] = tuple(one for one in found if one.status != "errored")
        return known

    def run_of(self, run_id: str | None) -> Any:
        """Row of a run; None where there is none, or it is not known here."""
        return None if run_id is None else self.runs.get(run_id)

    def lineage_of(self, run_id: str | None) -> Iterator[Any]:
        """Rows of a run and of those that it is a part of."""
        run = self.run_of(run_id)
        while run is not None:
            yield run
            run = self.run_of(run.parent_id)

    def is_unattended(self, run_id: str | None) -> bool:
        """Whether a run is one that no person stands beside, or a part of one."""
        return any(run.kind in AUTOMATIC for run in self.lineage_of(run_id))

    def is_automatic(self, report: Kept) -> bool:
        """Whether a step, a gate or a schedule made a report."""
        if report.suite.startswith(_MONITOR):
            return self._is_scheduled(report)
        if report.suite == "ci":
            return any(one.check == BY_SERVICE for one in self.outcomes(report))
        return report.suite.startswith(_GATES) or self.is_unattended(report.run_id)

    def _is_scheduled(self, report: Kept) -> bool:
        """Whether a schedule that holds now ran the monitor: the report falls into one of its starts."""
        name = report.suite.removeprefix(_MONITOR)
        return any(
            fire.target in {name, "all"}
            and fire.started_at <= report.created_at
            and (fire.ended_at is None or report.created_at <= fire.ended_at)
            for fire in self.watches
        )

    def steps_in(self, report: Kept) -> int:
        """How many steps of the pipeline a rehearsal, or a report of ``ci``, ran."""
        own = [one for one in self.outcomes(report) if one.check.startswith("step ")]
        if report.suite == "ci":
            own = [one for one in own if (one.column or "").startswith(f"{self.pipeline} on ")]
        return len(own)

    def notebooks(self) -> dict[str, str]:
        """The notebooks whose runs made the version and its data: path -> the source that ran, by its digest."""
        made = [self.run_of(run) for run in self.makers]
        return {run.notebook: run.source for run in made if run is not None and run.notebook and run.source}

    def source_at(self, notebook: str, at: datetime) -> str | None:
        """The source that a notebook had at a time, as far as runs tell: the last one before, else the first after."""
        sources = [(run.started_at, run.source) for run in self.executed if run.notebook == notebook]
        before = [source for when, source in sources if when <= at]
        after = [source for when, source in sources if when > at]
        return before[-1] if before else after[0] if after else None

    def is_same_code(self, at: datetime, named: str | None = None) -> bool:
        """Whether the notebooks that made the version, or the one of a name, were at a time what they were for it."""
        own = {path: source for path, source in self.notebooks().items() if named in (None, Path(path).name)}
        return bool(own) and all(self.source_at(path, at) == source for path, source in own.items())

    def evidence(
        self, report: Kept, what: str, *, covers: bool, within: timedelta | None = None, passed: bool | None = None
    ) -> Evidence:
        """A report as evidence; fresh within the span of the sheet, or a shorter one."""
        span = self.span if within is None else min(self.span, within)
        good = report.status in {"passed", "warned"} if passed is None else passed
        return Evidence(
            what=what,
            at=report.created_at,
            ref=report.subject,
            look=f"ml check show {report.number}",
            report=report.number,
            automatic=self.is_automatic(report),
            covers=covers,
            fresh=self.now - report.created_at <= span,
            passed=good,
            occasion=report.run_id or str(report.number),
        )

    def recorded(
        self, what: str, at: datetime, ref: str, look: str, *, automatic: bool, covers: bool, passed: bool | None = None
    ) -> Evidence:
        """Something else than a report as evidence."""
        fresh = self.now - at <= self.span
        return Evidence(what, at, ref, look, None, automatic, covers, fresh, passed, occasion=at.isoformat())

    def on_models(self) -> Iterator[tuple[Kept, bool]]:
        """Reports that judged a version of the model, and whether that was the one that is scored."""
        own = {f"model:{one.id}" for one in self.models}
        for report in self.reports:
            if report.judged & own:
                yield report, self.thing in report.judged
