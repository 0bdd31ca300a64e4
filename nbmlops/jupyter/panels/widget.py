"""The panel below a cell: an anywidget whose messages `protocol.answer` answers.

Its state holds nothing of the store, so that a notebook that is saved with it holds none either; what it shows is
asked for when it is drawn, and what stands in the notebook for readers without a kernel is the picture beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
from traitlets import Unicode

from nbmlops.jupyter.panels import bundle
from nbmlops.jupyter.panels.protocol import answer
from nbmlops.jupyter.panels.still import Still

if TYPE_CHECKING:
    from nbmlops.workspace.root import Workspace

__all__ = ["Panel"]

_ADVICE = "a picture of when the cell ran: run `ml panel` again to use it"


class Panel(anywidget.AnyWidget):
    """One panel, or tabs of all.

    Parameters
    ----------
    workspace : Workspace
        What it is of.
    name : str, optional
        The panel; all by default.
    """

    panel = Unicode("").tag(sync=True)

    def __init__(self, workspace: Workspace, name: str | None = None) -> None:
        self._workspace = workspace
        self._esm = bundle.script()
        self._css = bundle.style()
        super().__init__(panel=name or "")
        self.on_msg(self._receive)
        # JupyterLab speaks to a panel through a thread of the kernel of its own, so that it moves while a cell runs.
        # ipykernel 7.4 would have the loop that opened the panel answer, which is the one that waits for the cell.
        self.comm.__dict__.pop("_reply_subshell_id", None)

    def _receive(self, _: Any, content: Any, buffers: Any) -> None:  # noqa: ARG002 - ipywidgets' own signature
        number = content.get("id") if isinstance(content, dict) else None
        if isinstance(number, int):
            self.send({"id": number, "answer": answer(lambda: self._workspace, content.get("message"))})

    def _repr_mimebundle_(self, **_: Any) -> Any:
        data, metadata = super()._repr_mimebundle_() or ({}, {})
        still = Still(self._workspace, self.panel or None, _ADVICE)
        return {**data, "text/plain": repr(still), "text/html": still._repr_html_()}, metadata
