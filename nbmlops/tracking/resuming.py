"""Which runs can go on in another process than they began in."""

from __future__ import annotations

from nbmlops.core.errors import InvalidError
from nbmlops.tracking.records import Run

__all__ = ["refuse_resuming"]


def refuse_resuming(run: Run, writer_lives: bool | None) -> None:
    """Refuse a run that cannot go on here.

    Parameters
    ----------
    run : Run
        The run.
    writer_lives : bool or None
        Whether the process that writes it is alive; None when only another machine can tell.

    Raises
    ------
    InvalidError
        When it has ended by itself, is being written, or is a pipeline's.
    """
    if run.kind != "run":
        raise InvalidError(
            f"{run.name} is the {run.kind} of a pipeline, which goes on by itself",
            hint="run the pipeline again: what has committed is skipped: `ml pipeline run NAME`",
        )
    if run.status in {"finished", "failed"}:
        raise InvalidError(
            f"the run {run.name} is {run.status} and takes nothing more",
            hint=f"start another: `%%ml run {run.experiment}`",
        )
    if run.status == "running" and writer_lives:
        raise InvalidError(
            f"the run {run.name} is being written by a process that is alive",
            hint="end it there, or stop that process, then resume it",
        )
    if run.status == "running":
        raise InvalidError(
            f"the run {run.name} was begun elsewhere, and only there can be told whether it still goes on",
            hint="resume it in the workspace that it was begun in",
        )
