"""Where a version comes from: the notebook and cell, or the script, and the commit of the code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbmlops.store import git, lineage, subjects

__all__ = ["Origin"]


class Origin:
    """Made when a save begins and asked when it ends, so that git answers beside the work.

    Parameters
    ----------
    root : Path, optional
        The project's folder; without it, git is not asked.
    """

    def __init__(self, root: Path | None) -> None:
        self._git = git.asked(root) if root else lambda: None

    def detail(self) -> dict[str, Any]:
        """What a version keeps of it, in its `detail`."""
        active = lineage.current()
        in_notebook = active.cell or active.notebook
        return {
            "notebook": active.notebook,
            "cell_id": active.cell_id,
            "script": None if in_notebook else subjects.program(),
            "git": self._git(),
        }
