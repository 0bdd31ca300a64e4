"""Executes a notebook in a kernel of its own, from any thread, and gives what became of it."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.pipelines.notebook import kernel_of
from nbmlops.pipelines.outcome import CellProgress, Execution
from nbmlops.pipelines.request import Cancellation, Limits, Request

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["execute", "perform"]


def execute(
    notebook: NotebookNode,
    output: Path,
    *,
    cwd: Path,
    env: Mapping[str, str],
    name: str | None = None,
    limits: Limits | None = None,
    progress: Callable[[CellProgress], None] | None = None,
    cancellation: Cancellation | None = None,
) -> Execution:
    """Execute a notebook in the kernel that it names.

    Parameters
    ----------
    notebook : NotebookNode
        The notebook, parameters injected; it is not changed.
    output : Path
        Where to save the executed notebook, from the start on.
    cwd : Path
        Folder that the kernel runs in.
    env : mapping of str to str
        Variables of the kernel, on top of those of this process.
    name : str, optional
        What to call the notebook in messages; the name of `output` otherwise.
    limits : Limits, optional
        What it may take.
    progress : callable, optional
        Called when a code cell begins and when it ends, from another thread than the caller's.
    cancellation : Cancellation, optional
        Stops the execution.

    Returns
    -------
    Execution
        However the notebook ended; `Execution.raise_for_status` raises unless it completed.

    Raises
    ------
    InvalidError, UnsupportedError
        The notebook names no kernel, one that is not installed, or another language.
    UnavailableError
        The output cannot be saved, or the kernel not be started.
    """
    name = name or output.name
    kernel = kernel_of(notebook, name)
    limits = limits or Limits()
    return perform(Request(name, notebook, output, kernel, cwd, env, limits, progress, cancellation=cancellation))


def perform(request: Request) -> Execution:
    """Execute a request; an exception in the waiting thread, such as Ctrl-C, stops it and is raised after.

    Raises
    ------
    InvalidError, UnavailableError
        As `execute`.
    """
    from nbmlops.pipelines.session import KernelSession

    session = KernelSession(request)
    # A thread of its own, since the caller's may have an event loop running, as every notebook's has.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"run {request.name}") as pool:
        work = pool.submit(contextvars.copy_context().run, session.run)
        try:
            return work.result()
        except BaseException:
            session.stop()
            raise
