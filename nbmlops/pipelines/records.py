"""What is known of a pipeline, of a version of it, and of what happened to its steps in a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbmlops.core.signs import StepState

if TYPE_CHECKING:
    from nbmlops.store.versions import Version
    from nbmlops.tracking.records import Run

__all__ = ["Pipeline", "PipelineRun", "PipelineVersion", "StepResult"]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline as the settings name it: its notebooks, and its newest frozen version, if any.

    `fault` says what is wrong with its patterns, which then give no steps; `waits` what others have to approve.
    """

    name: str
    steps: tuple[str, ...]
    newest: str | None
    aliases: Mapping[str, str]
    last_run: str | None
    last_status: str | None
    fault: str | None = None
    waits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PipelineVersion:
    """One frozen version of a pipeline: sources, parameters, lock and environment under one digest.

    `judged` is number and status of the report of its promotion, which only `history` looks up; `reports` are those
    of the suites that its proof ran, each as ``report 3: flights passed``. `asked` says which alias others were asked
    to approve for it, who was asked and agreed, and what became of it; only `history` looks it up.
    """

    id: int
    name: str
    number: int | None
    digest: str
    steps: tuple[str, ...]
    parameters: Mapping[str, Any]
    size: int
    message: str | None
    author: str
    created_at: datetime
    run_id: str | None
    aliases: tuple[str, ...]
    deleted_at: datetime | None
    ref: str
    judged: tuple[int, str] | None = None
    reports: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    @classmethod
    def of(cls, version: Version) -> PipelineVersion:
        """The record of a row of the catalog."""
        own: dict[str, Any] = {key: getattr(version, key) for key in cls.__slots__ if hasattr(version, key)}
        detail = version.detail
        # Versions that were frozen before reports were linked have none.
        reports = tuple(f"report {one['number']}: {one['suite']} {one['status']}" for one in detail.get("reports", ()))
        return cls(**own, steps=tuple(detail["steps"]), parameters=dict(detail["parameters"]), reports=reports)


@dataclass(frozen=True, slots=True)
class StepResult:
    """What happened to one step, and why; `seconds` is its wall time, None when it did not run."""

    name: str
    status: StepState
    why: str
    seconds: float | None = None
    run: str | None = None
    outputs: tuple[str, ...] = ()
    metrics: Mapping[str, float] | None = None
    notes: tuple[str, ...] = ()
    output_notebook: str | None = None


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """A pipeline's run with its steps in order; `notes` is what there is to know besides."""

    run: Run
    steps: tuple[StepResult, ...]
    notes: tuple[str, ...] = ()

    @property
    def ran(self) -> tuple[StepResult, ...]:
        """The steps that were executed."""
        return tuple(step for step in self.steps if step.status == "completed")

    @property
    def skipped(self) -> tuple[StepResult, ...]:
        """The steps whose committed result was taken over."""
        return tuple(step for step in self.steps if step.status == "skipped")
