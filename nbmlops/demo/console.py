"""Shows the demo in a terminal: acts as headings, steps as progress bars, plain lines when it is no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from nbmlops.core.signs import StepProgress

__all__ = ["ConsoleTeller"]

_SIGNS = {"completed": "✓", "skipped": "=", "failed": "✗"}


class ConsoleTeller:
    """Tells the demo on a console.

    Parameters
    ----------
    console : rich.console.Console
        Where to; standard error, so that a program can read the result on standard output.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}

    def chapter(self, title: str) -> None:
        """Print a heading and forget the bars of the act before."""
        self._stop()
        self._console.print(f"\n[bold]{title}[/bold]")

    def say(self, text: str) -> None:
        """Print a line."""
        self._stop()
        self._console.print(f"  {text}", markup=False, highlight=False, soft_wrap=True)

    def step(self, progress: StepProgress) -> None:
        """Move the step's bar; without a terminal, print a line when it ends."""
        if not self._console.is_terminal:
            if progress.state != "running":
                self._console.print(self._line(progress), markup=False, highlight=False, soft_wrap=True)
            return
        if self._bars is None:
            self._start()
        if progress.step not in self._tasks:
            self._tasks[progress.step] = self._bars.add_task(progress.step, total=max(progress.cells, 1))
        done = {"completed": max(progress.cells, 1)}.get(progress.state, progress.done)
        task = self._tasks[progress.step]
        total = max(progress.cells, 1) if progress.state == "running" else None
        if total:
            self._bars.update(task, completed=done, total=total)
        else:
            self._bars.update(task, description=self._line(progress).strip(), completed=1, total=1)

    @staticmethod
    def _line(progress: StepProgress) -> str:
        sign = _SIGNS.get(progress.state, "✗")
        took = f"{progress.seconds:5.1f} s" if progress.seconds else "       "
        why = f"  {progress.why}" if progress.why else ""
        return f"  {sign} {progress.step:<12} {progress.state:<10}{took}{why}"

    def _start(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("  {task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
        self._bars = Progress(*columns, console=self._console)
        self._bars.start()

    def _stop(self) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars, self._tasks = None, {}
