"""What is known of a run and of the cells that it executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

__all__ = ["Cell", "HiddenState", "Kind", "Resources", "Run", "Status"]

Status = Literal["running", "finished", "failed", "killed"]
Kind = Literal["run", "step", "pipeline", "proof"]


@dataclass(frozen=True, slots=True)
class Resources:
    """What a cell or a run took of the machine, None where the system does not tell.

    Attributes
    ----------
    seconds : float
        Wall time.
    cpu_seconds : float or None
        Processor time of the process, and of those of its children that have ended.
    peak_memory : int or None
        Highest resident memory of the process so far, in bytes; of a step's cell, while the cell ran.
    written_bytes : int or None
        Bytes that were written to disk.
    cost : float or None
        What the wall time costs by the setting ``cost_per_hour``, in its currency.
    """

    seconds: float
    cpu_seconds: float | None = None
    peak_memory: int | None = None
    written_bytes: int | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One execution of a notebook cell; `digest` is that of its source, `seconds` its wall time."""

    position: int
    cell_id: str | None
    digest: str
    source: str
    count: int | None
    started_at: datetime
    seconds: float
    status: str
    defines: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    error: str | None = None
    resources: Resources | None = None


@dataclass(frozen=True, slots=True)
class HiddenState:
    """A name that a cell used, and that the notebook, run again, would not have, or would have otherwise.

    Attributes
    ----------
    kind : {"changed", "deleted", "out-of-order", "unknown"}
        What has become of the cell that defined it: it defines it no more, it was deleted, it stands further down, or
        it was never recorded.
    name : str
        The name.
    cell_id, count, line : str or None, int or None, int
        The cell that used it, the count of that execution, and the line in it, from 1.
    definer, definer_count : str or None, int or None
        The cell that had defined it, and the count of that execution.
    """

    kind: Literal["changed", "deleted", "out-of-order", "unknown"]
    name: str
    cell_id: str | None
    count: int | None
    line: int
    definer: str | None
    definer_count: int | None

    @property
    def message(self) -> str:
        """What is hidden, in one phrase."""
        ran = "" if self.definer_count is None else f", which ran as [{self.definer_count}]"
        said = {
            "changed": f"comes from a cell that no longer defines it{ran}",
            "deleted": f"comes from a cell that was deleted{ran}",
            "out-of-order": f"comes from a cell further down{ran}",
            "unknown": "comes from no cell that was recorded",
        }
        return f"`{self.name}` {said[self.kind]}"


@dataclass(frozen=True, slots=True)
class Run:
    """One recorded execution.

    `metrics` holds the last value of each metric, `inputs` and `outputs` the references of the
    versions that the run read and wrote, `children` the runs that are a part of it, as a pipeline's steps are, in the
    order of their start, `environment` the distributions and the platform it ran on, `resources` what the process took
    from its start to its end; of a run that ended in another process than it began in, what its cells took there.
    `diff` is what differed from the git commit, `source` the notebook as it was saved when the run ended, without
    outputs, as `notebook_source` keeps it, `hidden_state` what its cells used of cells that are not what they were.
    """

    id: str
    experiment: str
    number: int
    kind: Kind
    status: Status
    started_at: datetime
    ended_at: datetime | None
    error: Mapping[str, str] | None
    parent_id: str | None
    notebook: str | None
    git: Mapping[str, Any] | None
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    artifacts: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    cells: tuple[Cell, ...] = ()
    children: tuple[Run, ...] = ()
    environment: Mapping[str, Any] | None = None
    resources: Resources | None = None
    diff: str | None = None
    source: str | None = None
    hidden_state: tuple[HiddenState, ...] = ()

    @property
    def name(self) -> str:
        """The friendly name, such as ``gbm-12``."""
        return f"{self.experiment}-{self.number}"

    @property
    def seconds(self) -> float | None:
        """Wall time from start to end, None while it runs; as its process measured it where the clock went back."""
        if self.ended_at is None:
            return None
        told = (self.ended_at - self.started_at).total_seconds()
        return told if told >= 0 else self.resources.seconds if self.resources else 0.0
