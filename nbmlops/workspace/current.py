"""Workspaces, kept open; `ml` stands for the one around the current folder."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import NotFoundError
from nbmlops.workspace import layout

if TYPE_CHECKING:
    from nbmlops.pipelines.step_settings import StepSettings
    from nbmlops.workspace.doctor import Diagnosis
    from nbmlops.workspace.project.records import Project
    from nbmlops.workspace.root import Workspace
    from nbmlops.workspace.status import Status

__all__ = ["Current", "forget", "ml", "workspace"]

_opened: dict[Path, tuple[object, Workspace]] = {}
_guard = threading.Lock()


def workspace(start: Path | None = None) -> Workspace:
    """Open the workspace around `start`, the current folder by default, or give the open one.

    It is opened anew when its settings or its marker changed.

    Raises
    ------
    NotFoundError
        When the folder is not in a workspace.
    """
    from nbmlops.workspace.root import Workspace

    root = layout.locate(start).root
    version = _version(root)
    with _guard:
        known = _opened.get(root)
        if known is None or known[0] != version:
            known = _opened[root] = (version, Workspace.open(root))
        return known[1]


def forget() -> None:
    """Close what is open."""
    with _guard:
        while _opened:
            _, (_, one) = _opened.popitem()
            one.close()


def _version(root: Path) -> object:
    """What an open workspace was made from: its files, its settings in the environment, this process."""
    stamps = []
    for path in (root / layout.FOLDER / "workspace.json", root / "pyproject.toml"):
        try:
            found = path.stat()
        except FileNotFoundError:
            stamps.append((0, 0))
        else:
            stamps.append((found.st_mtime_ns, found.st_ino))
    names = ("NBMLOPS_CATALOG", "NBMLOPS_OBJECTS", "NBMLOPS_CONFIG")
    # A forked child must not share its parent's connections.
    return (*stamps, *(os.environ.get(name) for name in names), os.getpid())


class Current:
    """The current workspace: `ml.data`, `ml.run`, … are its services.

    What can be said without a workspace, `init`, `doctor`, `trust` and `step`, does not ask for one.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(workspace(), name)

    def __dir__(self) -> list[str]:
        from nbmlops.workspace.root import Workspace

        return sorted({*object.__dir__(self), *(name for name in dir(Workspace) if not name.startswith("_"))})

    def __repr__(self) -> str:
        try:
            return f"<nbmlops workspace {layout.locate().name}>"
        except NotFoundError as error:
            return f"<nbmlops: {error.message}>"

    def init(
        self,
        path: str | Path | None = None,
        *,
        project: str | None = None,
        data: str | Path | None = None,
        target: str | None = None,
        dry_run: bool = False,
    ) -> Workspace | Project:
        """Make a workspace at `path`, the current folder by default.

        With a name in `project` it is a whole project, about a column of a table, by default in a new folder of its
        name: `nbmlops.workspace.project.making.make_project`.
        """
        from nbmlops.workspace.root import Workspace

        if dry_run or any(given is not None for given in (project, data, target)):
            from nbmlops.workspace.project.making import make_project

            return make_project(project, path, data, target, Workspace.init, dry_run=dry_run)
        return Workspace.init(path if path is not None else ".")

    def doctor(self, path: str | Path | None = None) -> Diagnosis:
        """Look whether everything is in order, with a workspace or without one."""
        from nbmlops.workspace.root import doctor

        return doctor(path)

    def trust(self, path: str | Path | None = None) -> Status:
        """Trust the workspace around `path`: use the URLs that it names."""
        from nbmlops.workspace.root import trust

        return trust(path)

    def step(self, notebook: str | Path | None = None, *, settings: str | None = None) -> StepSettings:
        """Say how a notebook wants to run as a step of a pipeline; ``%%ml step`` in a cell is the same.

        Where it is said nothing happens: a pipeline reads it from the notebook before it runs it.

        Parameters
        ----------
        notebook : str or Path, optional
            A notebook, whose settings are wanted.
        settings : str, optional
            The settings, one a line, as `nbmlops.pipelines.step_settings` has them.

        Raises
        ------
        InvalidError
            When a line is no setting, or neither or both are given.
        """
        from nbmlops.pipelines.stating import stated

        return stated(notebook, settings)


ml = Current()
"""The current workspace."""
