"""Fixes what the lint finds, as far as a fix is certain: first as a diff, then in the file."""

from __future__ import annotations

import copy
import difflib
import json
import os
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nbmlops.core.errors import ConflictError, InvalidError
from nbmlops.pipelines.linting.finding import Finding
from nbmlops.pipelines.linting.lint import lint
from nbmlops.pipelines.linting.mending import MENDS, Cells, Where, reads, reads_of
from nbmlops.pipelines.linting.notebook_text import rewritten
from nbmlops.pipelines.notebook import read_content

if TYPE_CHECKING:
    from nbmlops.pipelines.cells import NotebookContent

__all__ = ["Draft", "FixedNotebook", "Fixes"]


@dataclass(frozen=True, slots=True)
class FixedNotebook:
    """What fixing changes in one notebook.

    Attributes
    ----------
    path : str
        The file.
    diff : str
        The change of the cells, as a unified diff; empty when nothing can be fixed.
    fixed : tuple of Finding
        What is not found any more.
    left : tuple of Finding
        What a person has to decide.
    """

    path: str
    diff: str
    fixed: tuple[Finding, ...]
    left: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Fixes:
    """The fixes of a notebook, or of the notebooks of a pipeline.

    Attributes
    ----------
    target : str
        What was fixed.
    notebooks : tuple of FixedNotebook
        Each of its notebooks.
    saves : tuple of str
        Names under which tables in files are saved, so that they can be loaded by name.
    written : bool
        Whether the files were changed.
    """

    target: str
    notebooks: tuple[FixedNotebook, ...]
    saves: tuple[str, ...]
    written: bool

    @property
    def changes(self) -> bool:
        """Whether there is anything to fix."""
        return any(notebook.diff for notebook in self.notebooks)

    @property
    def left(self) -> tuple[Finding, ...]:
        """What is still found."""
        return tuple(finding for notebook in self.notebooks for finding in notebook.left)


class Draft:
    """One notebook, as it is and as it would be.

    Parameters
    ----------
    path : Path
        The file; it is read once, and not changed before `write`.
    stored : frozenset of str
        Names of stored data.
    """

    def __init__(self, path: Path, stored: frozenset[str] = frozenset()) -> None:
        self.path = path
        self._bytes = path.read_bytes() if path.is_file() else b""
        content = read_content(path)
        self._before: Cells = _cells(content, self._bytes)
        self._where = Where(path.absolute().parent, stored)
        self.reads = dict[str, tuple[Path, str]]()
        """Tables to save before the file is written: name -> the file, and pandas' function that reads it."""
        self._after = self._mended()

    def _mended(self) -> Cells:
        cells = self._before
        for mend in MENDS:
            trial = copy.deepcopy(cells)
            mend(trial, self._where)
            found, then = self._lint(cells), self._lint(trial)
            errors = [sum(one.severity == "error" for one in each) for each in (found, then)]
            # A mend that would bring a new fault is none.
            if trial != cells and len(then) <= len(found) and errors[1] <= errors[0] and _without(found, then):
                self.reads |= reads_of(cells, self._where) if mend is reads else {}
                cells = trial
        return cells

    def _lint(self, cells: Cells) -> tuple[Finding, ...]:
        return lint({"cells": cells}, self.path)

    @property
    def change(self) -> FixedNotebook:
        """What would change."""
        before, after = self._lint(self._before), self._lint(self._after)
        diff = _diff(self.path.name, self._before, self._after)
        return FixedNotebook(str(self.path), diff, tuple(_without(before, after)), after)

    def write(self) -> None:
        """Write the file in one step; every byte that need not change stays as it was.

        Raises
        ------
        ConflictError
            When the file has changed since it was read.
        UnsupportedError
            When it cannot be changed in place.
        UnavailableError
            When it cannot be written.
        """
        from nbmlops.data.files import write_atomically

        if self._after == self._before:
            return
        target = self.path.resolve()
        if target.read_bytes() != self._bytes:
            raise ConflictError(f"{self.path} has changed in the meantime", hint=f"`ml lint {self.path} --fix`")
        content = rewritten(self._bytes.decode(), self._before, self._after).encode()
        mode = stat.S_IMODE(target.stat().st_mode)

        def write(sink: IO[bytes]) -> None:
            os.fchmod(sink.fileno(), mode)
            sink.write(content)

        write_atomically(target, write)


def _cells(content: NotebookContent, written: bytes) -> Cells:
    """The cells with their places; ids that the file does not have are left out."""
    given = json.loads(written)["cells"]
    cells: Cells = []
    for place, cell in enumerate(content["cells"]):
        if not isinstance(cell.get("metadata"), dict):
            raise InvalidError(f"cell {place + 1} has no metadata", hint="open the notebook in JupyterLab and save it")
        own = {key: value for key, value in cell.items() if key != "id" or "id" in given[place]}
        cells.append({**copy.deepcopy(own), "place": place})
    return cells


def _without(before: tuple[Finding, ...], after: tuple[Finding, ...]) -> list[Finding]:
    """Findings that are not there afterwards; cells and lines may have moved."""
    there = Counter((one.rule, one.message, one.severity) for one in after)
    gone = []
    for one in before:
        key = (one.rule, one.message, one.severity)
        if there[key]:
            there[key] -= 1
        else:
            gone.append(one)
    return gone


def _diff(name: str, before: Cells, after: Cells) -> str:
    old = {cell["place"]: cell for cell in before}
    lines: list[str] = []
    for number, cell in enumerate(after, start=1):
        was = old.get(cell.get("place", -1))
        label = f"{name} cell {number}"
        lines += difflib.unified_diff(_shown(was) if was else [], _shown(cell), label, label, lineterm="", n=2)
    return "\n".join(lines)


def _shown(cell: dict[str, Any]) -> list[str]:
    tags = (cell.get("metadata") or {}).get("tags")
    return [*([f"# tags: {', '.join(map(str, tags))}"] if tags else []), *str(cell["source"]).splitlines()]
