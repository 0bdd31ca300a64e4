"""What is to be executed, how, and the handle that stops it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.pipelines.outcome import CellProgress
from nbmlops.pipelines.secret_values import Secrets

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from nbmlops.core.actions import Stop
    from nbmlops.pipelines.warm.kernel import WarmKernel

__all__ = ["Cancellation", "Limits", "Request"]


class Cancellation:
    """A handle that stops executions, from any thread or from a signal handler.

    One handle may be given to several executions, and be used before they begin.

    Parameters
    ----------
    outer : Stop, optional
        What stops them too; using this handle does not use that one.

    Examples
    --------
    >>> stop = Cancellation()
    >>> stop.cancel()
    >>> stop.is_cancelled
    True
    """

    def __init__(self, outer: Stop | None = None) -> None:
        # Not an Event: its lock may be held by the very thread that the signal handler interrupts.
        self._is_used = False
        self._outer = outer

    @property
    def is_cancelled(self) -> bool:
        """Whether executions are to stop."""
        return self._is_used or (self._outer is not None and self._outer.is_cancelled)

    def cancel(self) -> None:
        """Have kernels interrupted, notebooks saved and process groups ended. Returns at once."""
        self._is_used = True


@dataclass(frozen=True, slots=True)
class Limits:
    """What an execution may take; None is no limit.

    Attributes
    ----------
    cell : float or None
        Seconds for each cell.
    start : float
        Seconds for the kernel to answer.
    step : float or None
        Seconds for the whole notebook, the start of its kernel included.
    memory : int or None
        Bytes for the kernel and its child processes together.
    """

    cell: float | None = None
    start: float = 60.0
    step: float | None = None
    memory: int | None = None

    def __post_init__(self) -> None:
        """Refuse what leaves no room for anything.

        Raises
        ------
        InvalidError
            A limit is 0 or less.
        """
        for name, value in (("time of a cell", self.cell), ("time of a step", self.step), ("memory", self.memory)):
            if value is not None and not value > 0:
                raise InvalidError(f"the limit of the {name} is {value:g}: it has to be more than 0")


@dataclass(frozen=True, slots=True)
class Request:
    """One notebook to execute.

    Attributes
    ----------
    name : str
        What to call it in messages.
    notebook : NotebookNode
        The notebook, parameters injected; it is not changed.
    output : Path or None
        Where to save the executed notebook; None saves nothing.
    kernel : str
        Name of the kernel specification.
    cwd : Path
        Folder that the kernel runs in.
    env : mapping of str to str
        Variables of the kernel, on top of those of this process.
    limits : Limits
        What it may take.
    progress : callable or None
        Called when a code cell begins and when it ends, from another thread than the caller's.
    printed : callable or None
        Called with each output as it comes.
    cancellation : Cancellation or None
        Stops the execution.
    secrets : Secrets
        What parameters refer to, and what no output may hold.
    warm : WarmKernel or None
        A kernel that was started ahead for such a notebook; it may still import.
    """

    name: str
    notebook: NotebookNode
    output: Path | None
    kernel: str
    cwd: Path
    env: Mapping[str, str]
    limits: Limits = Limits()
    progress: Callable[[CellProgress], None] | None = None
    printed: Callable[[NotebookNode], None] | None = None
    cancellation: Cancellation | None = None
    secrets: Secrets = field(default_factory=Secrets)
    warm: WarmKernel | None = None
