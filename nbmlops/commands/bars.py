"""Progress on stderr, drawn by rich: at once on a terminal, elsewhere one plain line when it takes long."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nbmlops.render.units import duration, size

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Bars"]

_SOON, _LONG = 0.3, 2.0
"""Seconds before a bar is drawn on a terminal, and before a line is written elsewhere."""


class Bars:
    """A meter for a shell.

    Parameters
    ----------
    terminal : bool, optional
        Whether stderr is one that can redraw; found out by default.
    clock : callable, optional
        Seconds that pass.
    """

    def __init__(self, *, terminal: bool | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._terminal = sys.stderr.isatty() if terminal is None else terminal
        self._clock = clock

    @contextmanager
    def bytes(self, label: str) -> Iterator[Callable[[int], None]]:
        """Count bytes."""
        with self._drawn(label) as bar:
            yield bar.add

    @contextmanager
    def steps(self, label: str) -> Iterator[Callable[[Any], None]]:
        """Follow the steps of a pipeline, a line for each."""
        with self._drawn(label) as bar:
            yield bar.step

    @contextmanager
    def _drawn(self, label: str) -> Iterator[_Bar]:
        bar = _Bar(label, self._clock, terminal=self._terminal)
        try:
            yield bar
        finally:
            bar.close()


class _Bar:
    """One bar, or the bars of one pipeline; steps of it report from threads of their own."""

    def __init__(self, label: str, clock: Callable[[], float], *, terminal: bool) -> None:
        self._label = label
        self._clock = clock
        self._terminal = terminal
        self._began = clock()
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._total = 0
        self._told = False
        self._lock = threading.Lock()

    def add(self, amount: int) -> None:
        with self._lock:
            self._total += amount
            if self._due():
                self._update(self._label, detail=size(self._total))

    def step(self, sign: Any) -> None:
        if sign.printed:
            return
        with self._lock:
            if not self._terminal:
                if sign.state == "waiting" and sign.why:
                    self._say(f"{self._label}: {sign.step} {sign.why}")
                elif sign.state not in {"waiting", "running"}:
                    self._say(f"{self._label}: {sign.step} {sign.state.replace('_', ' ')}")
                return
            usual = f"usually {duration(sign.expected)}" if sign.expected and sign.state == "running" else ""
            detail = f"{sign.state.replace('_', ' ')} {usual or sign.why}".strip()
            self._update(sign.step, done=sign.done, total=sign.cells or None, detail=detail)

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()

    def _due(self) -> bool:
        elapsed = self._clock() - self._began
        if self._terminal:
            return elapsed > _SOON
        if elapsed > _LONG and not self._told:
            self._told = True
            self._say(f"{self._label} …")
        return False

    def _say(self, sentence: str) -> None:
        print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - this is the shell's progress

    def _update(self, task: str, *, done: int = 0, total: int | None = None, detail: str = "") -> None:
        if self._progress is None:
            self._progress = _started()
        if task not in self._tasks:
            self._tasks[task] = self._progress.add_task(task, total=None, detail="")
        self._progress.update(self._tasks[task], completed=done, total=total, detail=detail)


def _started() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
    )
    progress = Progress(*columns, console=Console(stderr=True, force_terminal=True), transient=True)
    progress.start()
    return progress
