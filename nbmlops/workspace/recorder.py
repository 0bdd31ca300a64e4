"""Records a run for every notebook that papermill executes with our engine inside a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.workspace import layout
from nbmlops.workspace.root import Workspace

if TYPE_CHECKING:
    from nbmlops.tracking.records import Status

__all__ = ["recorder"]


class _Recorder:
    """One notebook, one run of kind ``step`` that has no pipeline above it."""

    def __init__(self, root: Path) -> None:
        self._workspace = Workspace.open(root)
        self._run_id: str | None = None

    def begin(self, notebook: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
        """Open the run, and say how the kernel finds it."""
        run = self._workspace.run.start(_experiment(notebook), params=parameters, kind="step", notebook=notebook)
        self._run_id = run.id
        return {"NBMLOPS_RUN": run.id, "NBMLOPS_NOTEBOOK": notebook}

    def end(self, status: Status, error: str | None) -> None:
        """Close the run."""
        if self._run_id is not None:
            name, _, value = (error or "").partition(": ")
            self._workspace.run.finish(self._run_id, status, error={"name": name, "value": value} if error else None)
        self._workspace.close()


def recorder(folder: Path) -> _Recorder | None:
    """The recorder for notebooks that run in `folder`, or None outside of any workspace."""
    root = layout.find(folder)
    return _Recorder(root) if root else None


def _experiment(notebook: str) -> str:
    """A name for the notebook's runs: its stem, as far as a name may hold it."""
    stem = "".join(character if character.isalnum() or character in "_-" else "_" for character in Path(notebook).stem)
    return stem.lstrip("-") or "notebook"
