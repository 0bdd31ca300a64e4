"""The client that sends cells to a kernel and gathers their outputs: nbclient's, with two ears."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbclient import NotebookClient
from nbformat import from_dict

from nbmlops.store.redaction import Redaction

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from nbmlops.pipelines.kernel import Kernel

__all__ = ["StepClient"]


_SHOWN = frozenset({"stream", "error", "display_data", "execute_result", "update_display_data"})


class StepClient(NotebookClient):
    """Executes single cells of a notebook in a kernel that somebody else starts and stops.

    Parameters
    ----------
    notebook : NotebookNode
        The notebook; outputs are added to its cells as they come.
    kernel : Kernel
        A started kernel.
    changed : callable
        Called with the index of a cell, from 0, after it has changed, and whether what it had before was changed.
    printed : callable or None
        Called with each new output.
    redaction : Redaction, optional
        Takes secrets out of outputs before they are kept.
    """

    def __init__(
        self,
        notebook: NotebookNode,
        kernel: Kernel,
        *,
        changed: Callable[[int, bool], None],
        printed: Callable[[NotebookNode], None] | None = None,
        redaction: Redaction | None = None,
    ) -> None:
        # Widget state is not stored: with it, an exported page wants a script from the network, and without
        # it the static picture of the widget shows. Outputs still on their way when a cell ends are waited
        # for: a cell whose outputs are lost must not pass as completed.
        super().__init__(
            notebook,
            km=kernel.manager,
            store_widget_state=False,
            iopub_timeout=60,
            raise_on_iopub_timeout=True,
            on_cell_executed=self._note_exit,
        )
        self.kc = self._kernel_client = kernel.client
        self._wire = kernel.client.session
        self._changed, self._printed = changed, printed
        self._redaction = redaction or Redaction()
        self.asked_to_exit = False

    def announce(self, cell_id: str) -> None:
        """Tell the kernel which cell comes next, in the way in which JupyterLab does."""
        self._wire.metadata = {"cellId": cell_id}

    async def hand(self, code: str) -> None:
        """Execute code that nobody is to see: no cell, no history, no output."""
        client = self._kernel_client
        asked = client.execute(code, silent=True, store_history=False)
        while (await client.get_shell_msg())["parent_header"].get("msg_id") != asked:
            continue

    def redact(self, cell: NotebookNode) -> None:
        """Take secrets out of a cell's outputs once more: one that came in parts is whole only now."""
        if self._redaction:
            cell.outputs = [self._without_secrets(output) for output in cell.outputs]

    def _without_secrets(self, output: NotebookNode) -> NotebookNode:
        found: NotebookNode = from_dict(self._redaction.json(output))  # type: ignore[no-untyped-call]
        return found

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Take in one message of the kernel."""
        if self._redaction and msg["msg_type"] in _SHOWN:
            msg = {**msg, "content": self._redaction.json(msg["content"])}
        try:
            output = super().process_message(msg, cell, cell_index)
        finally:
            self._changed(cell_index, False)
        if msg["msg_type"] == "update_display_data":
            display = (msg["content"].get("transient") or {}).get("display_id")
            for index in self._display_id_map.get(str(display), ()):
                self._changed(index, True)
        if output is not None and self._printed is not None:
            self._printed(output)
        return output

    def _note_exit(self, *, execute_reply: dict[str, Any], **_: Any) -> None:
        # The payload that `exit` and `quit` leave: the kernel ends after this cell, on purpose.
        payload = execute_reply["content"].get("payload") or ()
        self.asked_to_exit = any(entry.get("source") == "ask_exit" for entry in payload)
