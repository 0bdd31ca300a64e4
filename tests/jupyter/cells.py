"""Runs cells in IPython, in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.completer import provisionalcompleter

if TYPE_CHECKING:
    import pytest
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Cells", "Shown"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a cell gave: its value, what it printed, and what it raised."""

    value: Any
    printed: str
    error: BaseException | None


class Cells:
    """Runs cells of one shell."""

    def __init__(self, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
        self.shell = shell
        self._capsys = capsys

    @property
    def names(self) -> dict[str, Any]:
        """The variables."""
        return self.shell.user_ns

    def run(self, source: str, cell_id: str | None = None) -> Shown:
        """Run a cell, whether it raises or not."""
        result = self.shell.run_cell(source, store_history=True, cell_id=cell_id)
        captured = self._capsys.readouterr()
        return Shown(result.result, captured.out + captured.err, result.error_before_exec or result.error_in_exec)

    def value(self, source: str) -> Any:
        """Give the value of a cell that must not raise."""
        shown = self.run(source)
        assert shown.error is None, shown.printed
        return shown.value

    def tab(self, text: str) -> list[str]:
        """What is offered behind `text`."""
        return [word for word, _ in self.offers(text)]

    def offers(self, text: str) -> list[tuple[str, int]]:
        """What is offered behind `text`, and from where on it replaces it."""
        with provisionalcompleter():
            found = list(self.shell.Completer.completions(text, len(text)))
        return [(one.text, one.start) for one in found]
