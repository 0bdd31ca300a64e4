"""One execution from the first save to the end of the kernel's process group.

Whatever ends it (the last cell, an error, a timeout, a dead kernel, a cancellation), the same things follow in
the same order: the cells' marks become true, the notebook is saved, the process group ends. After a timeout or
a cancellation the kernel is interrupted first, so that the traceback shows where it was; that and its end take
at most `_INTERRUPT` + `_AFTER_INTERRUPT` seconds, and are followed by SIGKILL.
"""

from __future__ import annotations

import asyncio
import copy
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from nbmlops.pipelines.client import StepClient
from nbmlops.pipelines.kernel import Kernel
from nbmlops.pipelines.marks import Marks
from nbmlops.pipelines.memory import MemoryWatch
from nbmlops.pipelines.outcome import CellProgress, Execution, Failure, Status
from nbmlops.pipelines.request import Request
from nbmlops.pipelines.saving import NotebookFile
from nbmlops.pipelines.usage import Meter
from nbmlops.render.units import size

if TYPE_CHECKING:
    from typing import Literal

    from nbformat import NotebookNode

__all__ = ["KernelSession"]

_INTERRUPT, _AFTER_INTERRUPT, _AFTER_SUCCESS = 2.0, 1.0, 3.0
_LAST_OUTPUTS = 0.2
_GLANCE, _GLIMPSE = 0.05, 0.005


@dataclass(frozen=True, slots=True)
class _Ending:
    """How the notebook, or one cell, ended; `grace` is what the kernel gets to end by itself."""

    status: Status
    failure: Failure | None = None
    grace: float = _AFTER_SUCCESS
    is_last: bool = True


class KernelSession:
    """Executes one request; used once.

    Parameters
    ----------
    request : Request
        What to execute.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._stopping = False
        self._notebook: NotebookNode = copy.deepcopy(request.notebook)
        self._marks = Marks(self._notebook)
        self._file = NotebookFile(request.output, self._notebook) if request.output else None
        self._runnable = [index for index, cell in enumerate(self._notebook.cells) if _is_runnable(cell)]
        self._began = time.monotonic()
        self._memory: MemoryWatch | None = None
        self._is_out_of_memory = False

    def run(self) -> Execution:
        """Execute, in an event loop of its own; call it in a thread without one."""
        return asyncio.run(self._run())

    def stop(self) -> None:
        """Stop, from any thread: interrupt the kernel, save, end its process group. Returns at once."""
        self._stopping = True

    async def _run(self) -> Execution:
        request = self._request
        warm = await self._warm()
        kernel = warm or Kernel(request.kernel, cwd=request.cwd, env=request.env)
        self._marks.begin("warm" if warm else "cold")
        await self._launch(kernel)
        # What is said if the runner itself fails below.
        ending = _Ending("cancelled", Failure(None, None, "Cancelled", "the runner failed"), grace=0)
        try:
            ending = await self._work(kernel)
        finally:
            self._marks.end(ending.status, ending.failure)
            try:
                if self._file:
                    for index in range(len(self._notebook.cells)):
                        self._file.touch(index)
                    self._file.close()
            finally:
                await kernel.stop(ending.grace)
        seconds = time.monotonic() - self._began
        cells = tuple(self._marks.results())
        return Execution(request.name, self._notebook, request.output, ending.status, cells, seconds, ending.failure)

    async def _warm(self) -> Kernel | None:
        """A kernel that was started ahead for such a notebook, once it has imported; None when there is none."""
        warm = self._request.warm
        if warm is None:
            return None
        seconds, _ = self._time_left(self._request.limits.start)
        deadline = self._began + (seconds or 0)
        # Looked for, since it happens in another process.
        while not (warm.is_ready or self._is_cancelled()) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_GLIMPSE)
        if not warm.is_fit():
            return None
        warm.give(self._request.env)
        return warm

    async def _launch(self, kernel: Kernel) -> None:
        """Start the kernel, whose guard speaks for this process when it is killed, and then save a first time."""
        try:
            await kernel.launch()
            if self._file:
                kernel.saved_as(self._file.path)
                self._file.open()
        except BaseException:
            await kernel.stop(0)
            raise

    async def _work(self, kernel: Kernel) -> _Ending:
        if self._request.limits.memory is not None:
            self._memory = MemoryWatch(kernel.group, self._request.limits.memory)
        self._watch = asyncio.ensure_future(self._look_out(kernel))
        try:
            return await self._start(kernel) or await self._cells(kernel)
        finally:
            self._watch.cancel()

    async def _look_out(self, kernel: Kernel) -> Status:
        """Wait for what ends a cell from outside: a cancellation, or the end of the kernel."""
        while not self._is_cancelled():
            if not await kernel.is_alive():
                return "kernel_died"
            if self._memory is not None and self._memory.is_exceeded():
                # Nothing gentler: an interrupted cell would go on to allocate while the machine runs out.
                self._is_out_of_memory = True
                kernel.kill()
                return "kernel_died"
            await asyncio.sleep(_GLANCE)
        return "cancelled"

    def _is_cancelled(self) -> bool:
        cancellation = self._request.cancellation
        return self._stopping or (cancellation is not None and cancellation.is_cancelled)

    async def _start(self, kernel: Kernel) -> _Ending | None:
        answer = asyncio.ensure_future(kernel.answer())
        limits = self._request.limits
        seconds, is_step = self._time_left(limits.start)
        given_up = await self._race(answer, seconds)
        if given_up is None:
            self._notebook.metadata["language_info"] = answer.result()["language_info"]
            return None
        answer.cancel()
        await asyncio.wait({answer})
        if given_up == "cancelled":
            return _Ending("cancelled", Failure(None, None, "Cancelled", "stopped while the kernel started"), grace=0)
        if given_up == "timed_out" and is_step:
            return _Ending("timed_out", Failure(None, None, "StepTimeoutError", self._late(limits.step)), grace=0)
        why = f"the kernel did not answer within {seconds:g} s"
        name, why = self._last_words(kernel) if given_up == "kernel_died" else ("DeadKernelError", why)
        why = self._request.secrets.redaction.text(why)
        return _Ending("kernel_died", Failure(None, None, name, why), grace=0)

    @staticmethod
    def _late(seconds: float | None, what: str = "step") -> str:
        return f"the {what} ran longer than {seconds:g} s"

    def _time_left(self, seconds: float | None) -> tuple[float | None, bool]:
        """Seconds for work that may take `seconds` by itself, and whether the time of the step is what ends it."""
        step = self._request.limits.step
        if step is None:
            return seconds, False
        left = max(0.0, step - (time.monotonic() - self._began))
        return (left, True) if seconds is None or left < seconds else (seconds, False)

    async def _race(self, work: asyncio.Future[Any], seconds: float | None) -> Status | None:
        """Wait for `work`, and give None, or why it is to be given up."""
        done, _ = await asyncio.wait({work, self._watch}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if work in done:
            return None
        return self._watch.result() if self._watch in done else "timed_out"

    async def _cells(self, kernel: Kernel) -> _Ending:
        self._client = StepClient(
            self._notebook,
            kernel,
            changed=self._changed,
            printed=self._request.printed,
            redaction=self._request.secrets.redaction,
        )
        handed = self._last_of_parameters() if self._request.secrets.parameters else None
        self._kernel, self._meter = kernel, Meter(kernel.pid)
        for index, cell in enumerate(self._notebook.cells):
            if self._is_cancelled():
                return _Ending("cancelled", Failure(None, None, "Cancelled", "stopped between two cells"))
            if index in self._runnable:
                ending = await self._cell(index)
                if ending.is_last:
                    return ending
                if index == handed:
                    await self._race(asyncio.ensure_future(self._client.hand(self._request.secrets.code)), _INTERRUPT)
            elif not _is_skipped(cell):
                self._marks.passed(index)
                self._changed(index)
        return _Ending("completed")

    def _last_of_parameters(self) -> int | None:
        """The cell after which parameters have their values."""
        tags = {"parameters", "injected-parameters"}
        found = [at for at in self._runnable if tags & set(self._notebook.cells[at].metadata.get("tags", []))]
        return found[-1] if found else None

    async def _cell(self, index: int) -> _Ending:
        cell = self._notebook.cells[index]
        self._marks.cell_began(index)
        self._changed(index)
        self._report(index, "running", 0.0)
        self._meter.begin()
        self._client.announce(cell.id)
        work = asyncio.ensure_future(self._client.async_execute_cell(cell, index))
        limits = self._request.limits
        seconds, is_step = self._time_left(limits.cell)
        self._limit = ("StepTimeoutError", limits.step, "step") if is_step else ("CellTimeoutError", seconds, "cell")
        given_up = await self._race(work, seconds)
        usage = self._meter.sample()
        grace = _AFTER_SUCCESS
        if given_up is not None:
            grace = await self._give_up(work, given_up)
        ending = self._judge(index, work, given_up, grace)
        self._note(cell, ending, given_up)
        self._client.redact(cell)
        seconds = self._marks.cell_ended(index, ending.status, usage)
        self._changed(index, bool(self._request.secrets.redaction))
        self._report(index, ending.status, seconds)
        return ending

    async def _give_up(self, work: asyncio.Future[Any], why: Status) -> float:
        """End the work on a cell, and give the seconds that the kernel deserves to end by itself."""
        if why != "kernel_died":
            await self._kernel.interrupt()
        await asyncio.wait({work}, timeout=_LAST_OUTPUTS if why == "kernel_died" else _INTERRUPT)
        if work.done():
            return _AFTER_INTERRUPT
        work.cancel()
        await asyncio.wait({work})
        return 0.0

    def _judge(self, index: int, work: asyncio.Future[Any], given_up: Status | None, grace: float) -> _Ending:
        error = None if work.cancelled() else work.exception()
        if given_up == "kernel_died" and error is None and not work.cancelled():
            given_up = None  # its last word was that the cell had ended
        if given_up is None:
            match error:
                case None:
                    return _Ending("completed", is_last=self._client.asked_to_exit)
                case CellExecutionError(ename="SystemExit", evalue="" | "0" | "None"):
                    return _Ending("completed")
                case CellExecutionError():
                    return _Ending("failed", self._failure(index, error.ename, error.evalue))
                case DeadKernelError():
                    given_up, grace = "kernel_died", 0.0
                case CellTimeoutError():
                    return _Ending("failed", self._failure(index, "LostOutputError", "its outputs stopped coming"))
                case _:
                    raise error
        return _Ending(given_up, self._failure(index, *self._why(given_up)), grace)

    def _why(self, given_up: Status) -> tuple[str, str]:
        if given_up == "cancelled":
            return "Cancelled", "stopped from outside while the cell ran"
        if given_up == "timed_out":
            name, seconds, what = self._limit
            return name, self._late(seconds, what)
        name, why = self._last_words(self._kernel)
        memory = self._meter.sample().peak_memory
        if self._is_out_of_memory or not memory:
            return name, why
        return name, f"{why}; its memory had peaked at {size(memory)}"

    def _last_words(self, kernel: Kernel) -> tuple[str, str]:
        if self._is_out_of_memory and self._memory is not None:
            limit = size(self._request.limits.memory or 0)
            return "OutOfMemory", f"out of memory: the kernel and its children had {size(self._memory.peak)} of {limit}"
        return "DeadKernelError", kernel.last_words()

    def _failure(self, index: int, ename: str, evalue: str) -> Failure:
        cell = self._notebook.cells[index]
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if errors and ename == "NoneType":
            # A value that cannot show itself leaves its traceback, and a reply that knows of no error.
            ename, evalue = errors[-1].ename, errors[-1].evalue
        traceback = tuple(errors[-1].traceback) if errors else ()
        hidden = self._request.secrets.redaction.text
        return Failure(index + 1, cell.get("id"), hidden(ename), hidden(evalue), tuple(map(hidden, traceback)))

    def _note(self, cell: NotebookNode, ending: _Ending, given_up: Status | None) -> None:
        """Leave in the cell what the kernel itself could not say."""
        from nbformat.v4 import new_output

        if ending.failure is not None and (given_up is not None or ending.status == "kernel_died"):
            said = f"{ending.failure.ename}: {ending.failure.evalue}"
            note = new_output(  # type: ignore[no-untyped-call]
                "error", ename=ending.failure.ename, evalue=ending.failure.evalue, traceback=said.splitlines()
            )
            cell.outputs.append(note)

    def _changed(self, index: int, anew: bool = False) -> None:
        if self._file:
            self._file.touch(index, anew=anew)

    def _report(self, index: int, status: Literal["running"] | Status, seconds: float) -> None:
        if self._request.progress is not None:
            done = self._runnable.index(index) + (status != "running")
            identity = self._notebook.cells[index].get("id", "")
            self._request.progress(CellProgress(index + 1, identity, done, len(self._runnable), status, seconds))


def _is_skipped(cell: NotebookNode) -> bool:
    return "skip-execution" in cell.metadata.get("tags", [])


def _is_runnable(cell: NotebookNode) -> bool:
    return bool(cell.cell_type == "code" and cell.source.strip() and not _is_skipped(cell))
