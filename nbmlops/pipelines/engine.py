"""The papermill engine ``nbmlops``: any papermill client gets truthful, atomic, recorded executions.

Papermill loads this module in every process that imports papermill, so its top imports the standard library
only. What papermill does around an engine (inject a cell before, write the file once more after) it does
itself: the injected cell is checked again here, before a kernel starts, and the file it writes last is written
over the one that was saved here, not atomically.
"""

from __future__ import annotations

import functools
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from nbmlops.pipelines.outcome import CellProgress, Execution
    from nbmlops.pipelines.recording import RunEnd
    from nbmlops.pipelines.request import Cancellation, Limits
    from nbmlops.pipelines.secret_values import Secrets

__all__ = ["NbmlopsEngine"]

_LOG = logging.getLogger(__name__)


class NbmlopsEngine:
    """What papermill calls an engine; it is told from its methods, not from its class."""

    @classmethod
    def execute_notebook(
        cls, nb: NotebookNode, kernel_name: str, output_path: str | None = None, **options: Any
    ) -> NotebookNode:
        """Execute a notebook for papermill.

        Parameters
        ----------
        nb : NotebookNode
            The notebook, with papermill's injected cell.
        kernel_name : str
            Name of the kernel specification.
        output_path : str or None
            Where papermill will write; a local path is saved to during the run as well.
        **options
            Papermill's own: ``input_path``, ``progress_bar``, ``log_output``, ``stdout_file``, ``stderr_file``,
            ``start_timeout``, ``execution_timeout`` (seconds for each cell); others are left alone.

        Returns
        -------
        NotebookNode
            The executed notebook; papermill itself raises for a cell that failed.

        Raises
        ------
        RefusedError, InvalidError
            The injected cell, or a parameter in it, is not acceptable; nothing was run.
        nbclient.exceptions.CellTimeoutError, nbclient.exceptions.DeadKernelError
            The notebook ran out of time, or lost its kernel; it has been saved, and says so.
        SystemExit
            SIGTERM came; the notebook has been saved, and the process group of the kernel has ended.
        """
        from nbmlops.pipelines.parameters import Parameters, as_json, injected
        from nbmlops.pipelines.secret_values import Secrets

        path = options.get("input_path")
        path = path if isinstance(path, str) else "the notebook"
        parameters = Parameters.of(nb, Path(path).name)
        given = injected(nb, parameters)
        nb.metadata["papermill"]["parameters"] = as_json(given)
        secrets = Secrets.of(parameters.defaults | given)
        with _recorded(path, as_json(parameters.defaults | given)) as (env, ended):
            execution = _execute(
                nb, kernel_name, _local(output_path), {"NBMLOPS_NOTEBOOK": path, **env}, secrets, options
            )
            ended(execution)
        if execution.status not in {"completed", "failed"}:
            _raise(execution, output_path)
        return execution.notebook

    @classmethod
    def nb_kernel_name(cls, nb: NotebookNode, name: str | None = None) -> str:
        """Give the name of the kernel, as papermill does."""
        from papermill.utils import nb_kernel_name

        return str(nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: NotebookNode, language: str | None = None) -> str:
        """Give the language of the notebook, as papermill does."""
        from papermill.utils import nb_language

        return str(nb_language(nb, language))


def _execute(
    notebook: NotebookNode,
    kernel: str,
    output: Path | None,
    env: dict[str, str],
    secrets: Secrets,
    options: dict[str, Any],
) -> Execution:
    from nbmlops.pipelines.execution import perform
    from nbmlops.pipelines.request import Cancellation, Request

    cancellation = Cancellation()
    with _progress(notebook, options) as show, _terminable(cancellation):
        name, cwd = Path(env["NBMLOPS_NOTEBOOK"]).name, Path.cwd()
        limits, printed = _limits(options), _printer(options)
        return perform(Request(name, notebook, output, kernel, cwd, env, limits, show, printed, cancellation, secrets))


def _limits(options: dict[str, Any]) -> Limits:
    from nbmlops.pipelines.request import Limits

    seconds = options.get("execution_timeout") or options.get("timeout")
    return Limits(cell=seconds if seconds and seconds > 0 else None, start=options.get("start_timeout") or 60.0)


def _local(output_path: str | None) -> Path | None:
    """Give the path that papermill will write to, or None when that is not on this machine."""
    if output_path is None:
        return None
    from papermill.iorw import LocalHandler, papermill_io

    handler = papermill_io.get_handler(output_path)
    if not isinstance(handler, LocalHandler):
        return None
    # Papermill writes relative to where it was started, and has moved to the notebook's folder by now.
    return Path(handler._cwd or Path.cwd()) / output_path  # noqa: SLF001


@functools.cache
def _say_once(text: str) -> None:
    _LOG.info(text)


@contextmanager
def _recorded(name: str, parameters: dict[str, Any]) -> Iterator[tuple[dict[str, str], Callable[[Execution], None]]]:
    """Open a run, if there is a workspace, and close it with what became of the notebook."""
    from nbmlops.pipelines.recording import find_recorder

    recorder = find_recorder(Path.cwd())
    if recorder is None:
        _say_once("no workspace here: the notebook runs, and no run is recorded (nbmlops init makes a workspace)")
        yield {}, lambda _: None
        return
    end: tuple[RunEnd, str | None] = ("killed", "the runner was stopped")
    ran: Execution | None = None

    def ended(execution: Execution) -> None:
        nonlocal end, ran
        end, ran = _run_end(execution), execution

    env = dict(recorder.begin(name, parameters))
    try:
        yield env, ended
    except Exception as error:
        end = ("failed", str(error))
        raise
    finally:
        recorder.end(*end, ran)


def _run_end(execution: Execution) -> tuple[RunEnd, str | None]:
    if execution.status == "completed":
        return "finished", None
    failure = execution.error
    error = f"{failure.ename}: {failure.evalue} ({failure.where})" if failure else execution.status
    return "killed" if execution.status in {"kernel_died", "cancelled"} else "failed", error


@contextmanager
def _terminable(cancellation: Cancellation) -> Iterator[None]:
    """Let SIGTERM cancel, where it can be heard; and then do what it did before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: cancellation.cancel())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)


def _raise(execution: Execution, output_path: str | None) -> NoReturn:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.iorw import write_ipynb

    if output_path is not None and execution.output is None:
        # On another machine, and papermill does not write a notebook whose execution raised.
        write_ipynb(execution.notebook, output_path)
    failure = execution.error
    said = f"{execution.name} {failure.where}: {failure.evalue}" if failure else execution.name
    if execution.status == "timed_out":
        raise CellTimeoutError(said)
    if execution.status == "kernel_died":
        raise DeadKernelError(said)
    before = signal.getsignal(signal.SIGTERM)
    if callable(before):
        before(signal.SIGTERM, None)
    raise SystemExit(128 + signal.SIGTERM)


@contextmanager
def _progress(notebook: NotebookNode, options: dict[str, Any]) -> Iterator[Callable[[CellProgress], None]]:
    """Show papermill's own progress bar and log lines."""
    from papermill.engines import NotebookExecutionManager

    manager = NotebookExecutionManager(notebook, progress_bar=options.get("progress_bar", False))
    log = logging.getLogger("papermill")

    def show(cell: CellProgress) -> None:
        if options.get("log_output"):
            log.info("%s cell %d", "Executing" if cell.status == "running" else "Ended", cell.number)
        if manager.pbar and cell.status != "running":
            manager.pbar.update(cell.number - manager.pbar.n)

    try:
        yield show
    finally:
        manager.cleanup_pbar()


def _printer(options: dict[str, Any]) -> Callable[[NotebookNode], None] | None:
    """Pass outputs on to papermill's log and files, when they are asked for."""
    files = {"stdout": options.get("stdout_file"), "stderr": options.get("stderr_file")}
    log = logging.getLogger("papermill") if options.get("log_output") else None
    if log is None and not any(files.values()):
        return None

    def show(output: NotebookNode) -> None:
        if output.output_type == "stream":
            if log is not None:
                log.log(logging.WARNING if output.name == "stderr" else logging.INFO, output.text)
            if file := files.get(output.name):
                file.write(output.text)
                file.flush()
        elif log is not None and "text/plain" in output.get("data", {}):
            log.info(output.data["text/plain"])

    return show
