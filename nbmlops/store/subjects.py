"""Who an edge of lineage is about, written so that it can be read without looking anything up.

::

    run:<run id>
    cell:<notebook>#<cell id>@<first 16 digits of the digest of its source>/<execution>
    script:<path>#<process>

An execution is the id of the run that the cell was executed in, or else ``<process>-<number>``: so each execution of a
cell is a subject of its own, and what it read on Monday is not what it made on Tuesday's data. A process is named by 12
hex digits drawn at its start. Paths are relative to the workspace, or bare names: those of folders of one machine say
nothing on another. Catalogs of the first version have cells without an execution.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nbmlops.core.settings import FOLDER

__all__ = ["Subject", "cell", "process", "script"]

_CELL = re.compile(r"(?P<place>.*)#(?P<cell>[^#]*)@(?P<digest>[0-9a-f]{16})(?:/(?P<execution>[0-9a-f-]+))?", re.DOTALL)
_SCRIPT = re.compile(r"(?P<place>.*)#(?P<execution>[0-9a-f]+)", re.DOTALL)
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_LONGEST = 200
_PROGRAMS = {"__mp_main__": "python", "ipykernel_launcher": "notebook"}
_process: tuple[int, str] = (0, "")


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject, taken apart.

    Attributes
    ----------
    kind : str
        ``run``, ``cell`` or ``script``; ``unknown`` for what no nbmlops of this version writes.
    place : str
        The run's id, the cell's notebook, or the script's path.
    cell_id, digest : str
        Of a cell; the digest is the first 16 digits of that of its source.
    execution : str
        Which execution of the cell, or which process of the script.
    """

    kind: Literal["run", "cell", "script", "unknown"]
    place: str
    cell_id: str = ""
    digest: str = ""
    execution: str = ""

    @classmethod
    def parse(cls, text: str) -> Subject:
        """Take a subject apart; never raises.

        Examples
        --------
        >>> Subject.parse("cell:clean.ipynb#a1b2@0123456789abcdef/5f3c9e0a1b2c-17").cell_id
        'a1b2'
        """
        kind, _, rest = text.partition(":")
        if kind == "run":
            return cls("run", rest)
        if kind == "cell" and (found := _CELL.fullmatch(rest)):
            return cls("cell", found["place"], found["cell"], found["digest"], found["execution"] or "")
        if kind == "script" and (found := _SCRIPT.fullmatch(rest)):
            return cls("script", found["place"], execution=found["execution"])
        return cls("unknown", text)

    @property
    def run_id(self) -> str | None:
        """The run that it is, or that the cell was executed in."""
        if self.kind == "run":
            return self.place
        return self.execution if _RUN_ID.fullmatch(self.execution) else None


def cell(notebook: str | None, cell_id: str | None, digest: str, execution: str) -> str:
    """The subject of one execution of a cell."""
    place = (notebook or "")[-_LONGEST:]
    return f"cell:{place}#{(cell_id or '').replace('#', '')[-_LONGEST:]}@{digest[:16]}/{execution}"


def process() -> str:
    """The name of this process; a forked child has its own."""
    global _process  # noqa: PLW0603 - one for the process is what it is
    if _process[0] != os.getpid():
        _process = (os.getpid(), secrets.token_hex(6))
    return _process[1]


def script() -> str:
    """The subject that this process is where neither a run nor a cell is active."""
    return f"script:{program()[-_LONGEST:]}#{process()}"


def program() -> str:
    """What runs in this process: a script's path, a notebook's, or a program's name."""
    notebook = os.environ.get("NBMLOPS_NOTEBOOK") or os.environ.get("JPY_SESSION_NAME")
    if notebook:
        return _relative(Path(notebook))
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:  # python -m package
        name = str(spec.name).removesuffix(".__main__")
        return _PROGRAMS.get(name, name)
    file = getattr(main, "__file__", None)
    if file is None:
        return "python"
    return _relative(Path(file)) if file.endswith(".py") else Path(file).name


def _relative(path: Path) -> str:
    """A path below its workspace; outside of one, its file name."""
    if not path.is_absolute() and ".." not in path.parts and not (Path.cwd() / path).exists():
        return path.as_posix()
    whole = path.resolve()
    root = next((folder for folder in whole.parents if (folder / FOLDER).is_dir()), None)
    return whole.name if root is None else whole.relative_to(root).as_posix()
