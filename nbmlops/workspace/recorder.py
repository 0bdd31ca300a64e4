"""Records a run for every notebook that papermill executes with our engine inside a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.pipelines.outcome import executed
from nbmlops.workspace import layout
from nbmlops.workspace.root import Workspace

if TYPE_CHECKING:
    from nbmlops.pipelines.outcome import Execution
    from nbmlops.tracking import ActiveRun
    from nbmlops.tracking.records import Status

__all__ = ["experiment_of", "recorder"]


class _Recorder:
    """One notebook, one run of kind ``step`` that has no pipeline above it."""

    def __init__(self, root: Path) -> None:
        self._workspace = Workspace.open(root)
        self._run: ActiveRun | None = None

    def begin(self, notebook: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
        """Open the run, and say how the kernel finds it."""
        run = self._workspace.run.start(experiment_of(notebook), params=parameters, kind="step", notebook=notebook)
        self._run = run
        return {"NBMLOPS_RUN": run.id, "NBMLOPS_NOTEBOOK": notebook}

    def end(self, status: Status, error: str | None, execution: Execution | None) -> None:
        """Close the run; its cells and the executed notebook are kept with it, as those of a pipeline's step are."""
        if self._run is not None:
            if execution is not None and execution.output is not None and execution.output.exists():
                self._run.artifact(execution.output)
            name, _, value = (error or "").partition(": ")
            said = {"name": name, "value": value} if error else None
            cells = executed(execution) if execution else ()
            self._workspace.run.finish(self._run.id, status, error=said, cells=cells)
        self._workspace.close()


def recorder(folder: Path) -> _Recorder | None:
    """The recorder for notebooks that run in `folder`, or None outside of any workspace."""
    root = layout.find(folder)
    return _Recorder(root) if root else None


def experiment_of(notebook: str) -> str:
    """A name for the notebook's runs: its stem, as far as a name may hold it."""
    stem = "".join(character if character.isalnum() or character in "_-" else "_" for character in Path(notebook).stem)
    return stem.lstrip("-") or "notebook"
