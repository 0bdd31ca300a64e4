"""Tells the log of cells, and lineage, which cell is executing; never in the way of the cell itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.store import lineage, touched
from nbmlops.tracking import capture
from nbmlops.workspace import layout

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["CellCapture", "notebook_path"]


class CellCapture:
    """The hooks around every cell of one shell.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    log : CellLog, optional
        Where cells are told to; this process's own by default.
    """

    def __init__(self, shell: InteractiveShell, log: capture.CellLog | None = None) -> None:
        self._shell = shell
        self._log = log or capture.log
        self._depth = 0
        self._named: tuple[str | None, str | None] = (None, None)

    def add(self) -> None:
        """Listen, and tell lineage what flows from cell to cell."""
        touched.follow(self._flow)
        self._shell.events.register("pre_run_cell", self.before)
        self._shell.events.register("post_run_cell", self.after)

    def remove(self) -> None:
        """Stop listening."""
        touched.follow(None)
        for event, hook in (("pre_run_cell", self.before), ("post_run_cell", self.after)):
            if hook in self._shell.events.callbacks[event]:
                self._shell.events.unregister(event, hook)

    def before(self, info: Any) -> None:
        """A cell begins; one that runs inside another belongs to that."""
        try:
            self._depth += 1
            if self._depth > 1 or not info.raw_cell:
                return
            # IPython has counted this cell already or not, by its version; its history not yet, in all.
            history = self._shell.history_manager
            count = len(history.input_hist_raw) if history and info.store_history else None
            # VS Code gives a URI that names folders of this machine; its fragment is the cell.
            cell_id = info.cell_id and info.cell_id.rpartition("#")[2]
            digest = self._log.begin(cell_id, info.raw_cell, count)
            executing = lineage.Executing(self._log.position, cell_id, digest, info.raw_cell)
            lineage.activate_cell(self._notebook(), executing)
        except Exception as error:  # noqa: BLE001 - whatever is wrong here, the cell must run
            self._give_up(error)

    def after(self, result: Any) -> None:
        """The cell has ended."""
        try:
            self._depth = max(0, self._depth - 1)
            if self._depth:
                return
            error = result.error_before_exec or result.error_in_exec
            self._log.end(result.success, None if error is None else _said(error))
            lineage.activate_cell(None, None)
        except Exception as error:  # noqa: BLE001 - as above
            self._give_up(error)

    def _flow(self, name: str, touches: Mapping[int, Iterable[touched.Touch]]) -> Iterable[str]:
        from nbmlops.tracking.flow import into

        return into(name, self._log, touches)

    def _give_up(self, error: Exception) -> None:
        self.remove()
        # Nothing is said to happen in a cell that is not watched any more.
        lineage.activate_cell(None, None)
        print(  # noqa: T201 - there is no cell output to put it in
            f"nbmlops no longer records cells: {_said(error)}. %reload_ext nbmlops tries again.", file=sys.stderr
        )

    def _notebook(self) -> str | None:
        where = _named_by(self._shell.user_ns)
        if where != self._named[0]:
            self._named = (where, notebook_path(where))
        return self._named[1]


def _said(error: BaseException) -> str:
    """What an error says; its class alone when saying more fails, as it may in a class of the person's own."""
    try:
        return f"{type(error).__name__}: {error}"[:2_000]
    except Exception:  # noqa: BLE001 - whatever their code raises
        return type(error).__name__


def _named_by(names: dict[str, Any]) -> str | None:
    """What says which notebook this is: the pipeline's runner, Jupyter Server, or VS Code."""
    found = os.environ.get("NBMLOPS_NOTEBOOK") or os.environ.get("JPY_SESSION_NAME")
    other = names.get("__vsc_ipynb_file__")
    return found or (other if isinstance(other, str) else None)


def notebook_path(where: str | None) -> str | None:
    """Path of a notebook below its workspace; outside of one, its file name.

    A path that names folders of this machine says nothing to anyone else.
    """
    if not where:
        return None
    path = Path(where)
    root = layout.find()
    if path.is_absolute():
        return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else path.name
    return path.as_posix()
