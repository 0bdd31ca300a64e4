"""The notebook of a run, as it is to be executed again: where it is found, and with which parameters.

A step, and a notebook that papermill executed, kept the executed notebook. Any other run kept the notebook as it was
saved when the run ended, in which the cells that it executed stand as it executed them; without one, these cells.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from nbmlops.checks.records import Outcome
from nbmlops.core.errors import CorruptError, NotFoundError
from nbmlops.pipelines.cells import NotebookContent
from nbmlops.pipelines.freezing import source_only
from nbmlops.pipelines.notebook import as_notebook, read_content
from nbmlops.pipelines.parameters import Parameters, inject, injected
from nbmlops.pipelines.plan import Home
from nbmlops.tracking import notebook_source

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from nbmlops.store.objects import ObjectStore
    from nbmlops.tracking.records import Run

__all__ = ["Original", "original_of"]

_KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


@dataclass(frozen=True, slots=True)
class Original:
    """What is to be executed again.

    Attributes
    ----------
    name : str
        File name of the notebook.
    notebook : NotebookNode
        The notebook, its parameters set, without outputs.
    executed : mapping or None
        The notebook with the outputs that it had; None where they were not kept.
    folder : Path
        The folder that it runs in.
    modules : mapping or None
        Files of the project that it imported -> their digests; None where that was not recorded.
    is_nested : bool
        Whether the notebook itself starts the run.
    notes : tuple of Outcome
        What is to be known of all that.
    home : Home or None
        Where its modules lie, when they are not the project's.
    """

    name: str
    notebook: NotebookNode
    executed: NotebookContent | None
    folder: Path
    modules: Mapping[str, str] | None
    is_nested: bool
    notes: tuple[Outcome, ...] = ()
    home: Home | None = None

    def with_parameters(self, given: Mapping[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """The notebook with some parameters of other values, and all its effective parameters.

        Raises
        ------
        InvalidError
            When it has no such parameter, or one of another type.
        """
        declared = Parameters.of(self.notebook, self.name)
        values = injected(self.notebook, declared) | _read(declared, given)
        notebook = inject(self.notebook, declared, values) if given else self.notebook
        return notebook, {**declared.defaults, **values}

    def with_source(self, path: Path) -> NotebookNode:
        """Another notebook, with the parameters that this one has, as far as it declares them."""
        other = read_content(path)
        declared = Parameters.of(other, path.name)
        set_before = injected(self.notebook, Parameters.of(self.notebook, self.name))
        return inject(other, declared, {key: value for key, value in set_before.items() if declared.declares(key)})


def _read(declared: Parameters, given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a shell or a program gives them, in the types that the notebook declares."""
    known = {one.name: one for one in declared.declared}
    if unknown := {key: value for key, value in given.items() if key not in known}:
        declared.bind(unknown)  # which says what it declares
    read: dict[str, Any] = {}
    for key, value in given.items():
        alone = Parameters(declared.notebook, declared.cell, (known[key],))
        read |= alone.read({key: value}) if isinstance(value, str) else alone.bind({key: value})
    return read


def original_of(run: Run, objects: ObjectStore, root: Path) -> Original:
    """Find the notebook of a run.

    Raises
    ------
    NotFoundError
        When the run kept neither a notebook nor a cell.
    CorruptError
        When what it kept is damaged.
    """
    executed = _executed(run, objects)
    if executed is not None:
        name, content = executed
        told = content.get("metadata", {}).get("nbmlops") or {}
        folder = root / told["folder"] if "folder" in told else _folder(run, root)
        notebook = as_notebook(source_only(as_notebook(content, name)), name)
        home = _home(told["home"], root) if "home" in told else None
        return Original(name, notebook, content, folder, told.get("modules"), is_nested=False, home=home)
    content, notes = _interactive(run)
    name = PurePath(run.notebook or "its cells").name
    content["metadata"] = {**_KERNEL, **content["metadata"]}
    notes += (Outcome("cell outputs", None, "warned", "not kept", "", "an interactive run keeps its sources only"),)
    return Original(name, as_notebook(content, name), None, _folder(run, root), None, is_nested=True, notes=notes)


def _executed(run: Run, objects: ObjectStore) -> tuple[str, dict[str, Any]] | None:
    """Name and content of the executed notebook that a step keeps."""
    if run.kind != "step":
        return None
    kept = [name for name in run.artifacts if name.endswith(".ipynb")]
    own = f"{run.experiment}.ipynb"
    if own not in kept and len(kept) != 1:
        raise NotFoundError(
            f"{run.name} keeps no executed notebook", hint=f"see what it keeps: `ml run show {run.name}`"
        )
    name = own if own in kept else kept[0]
    try:
        return name, json.loads(objects.read(run.artifacts[name]))
    except ValueError as error:
        raise CorruptError(f"the notebook {name} that {run.name} keeps is none: {error}") from error


def _folder(run: Run, root: Path) -> Path:
    folder = (root / run.notebook).parent if run.notebook else root
    return folder if folder.is_dir() else root


def _home(told: Mapping[str, Any], root: Path) -> Home:
    return Home(root / told["root"], tuple(root / entry for entry in told["path"]))


def _interactive(run: Run) -> tuple[dict[str, Any], tuple[Outcome, ...]]:
    """The notebook that a run was made in, as far as it is known, and what is to be known of it."""
    if run.source is not None:
        return _as_executed(notebook_source.as_notebook(run.source), run)
    if not run.cells:
        raise NotFoundError(
            f"{run.name} kept no notebook and no cells: it ran outside of a notebook",
            hint="make it a notebook and a step, which keep all that it takes: `ml pipeline run NAME`",
        )
    cells = [_cell(cell.cell_id, cell.source) for cell in run.cells]
    note = Outcome("notebook", None, "warned", f"{len(cells)} cells", "", "not kept: only the cells that it executed")
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, (note,)


def _as_executed(content: dict[str, Any], run: Run) -> tuple[dict[str, Any], tuple[Outcome, ...]]:
    """A saved notebook in which each cell says what the run executed of it."""
    places = {cell.get("id"): cell for cell in content["cells"] if cell["cell_type"] == "code"}
    saved = {cell["source"] for cell in content["cells"]}
    notes = []
    for cell in run.cells:
        there = places.get(cell.cell_id) if cell.cell_id else None
        if there is not None and there["source"] != cell.source:
            there["source"] = cell.source
            notes.append(
                Outcome(f"cell {cell.cell_id}", None, "warned", "as executed", "", "saved with another source")
            )
        elif there is None and cell.source not in saved:
            detail = "executed, and not in the notebook as it was saved"
            notes.append(Outcome(f"cell {cell.cell_id or cell.position}", None, "warned", "left out", "", detail))
    return content, tuple(notes)


def _cell(cell_id: str | None, source: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    return {"id": cell_id, **made} if cell_id else made
