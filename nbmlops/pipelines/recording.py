"""The port through which the engine records a run, when papermill and not our runner starts a notebook.

The engine lies below the workspace and cannot import it. Whoever records announces itself as an entry point of
the group ``nbmlops.recorder``: a callable that takes a folder and gives a `Recorder`, or None where nothing is
recorded, as outside of any workspace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from nbmlops.pipelines.outcome import Execution

__all__ = ["Recorder", "RecorderFactory", "RunEnd", "find_recorder"]

RunEnd = Literal["finished", "failed", "killed"]


class Recorder(Protocol):
    """Records one execution of one notebook as a run."""

    def begin(self, notebook: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
        """Open the run.

        Parameters
        ----------
        notebook : str
            The notebook, as papermill was given it.
        parameters : mapping
            Values that the notebook runs with, defaults included, as JSON can hold them.

        Returns
        -------
        mapping of str to str
            Variables for the kernel, by which what it records finds the run.
        """

    def end(self, status: RunEnd, error: str | None, execution: Execution | None) -> None:
        """Close the run; `error` says why it did not finish, `execution` what was run, if it came to that."""


RecorderFactory = Callable[[Path], Recorder | None]


def find_recorder(folder: Path) -> Recorder | None:
    """Give the recorder that is responsible for `folder`, or None."""
    for point in entry_points(group="nbmlops.recorder"):
        factory: RecorderFactory = point.load()
        recorder = factory(folder)
        if recorder is not None:
            return recorder
    return None
