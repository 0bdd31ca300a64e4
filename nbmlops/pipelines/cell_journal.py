"""What cells said since the last save of their notebook, appended as it comes: a killed runner loses none of it.

A save of a large cell takes long, and saves follow one another at a distance; a line of the journal takes as long as
what it says. Each save begins a new file and, once it is whole, removes those before, so a line may say what the saved
notebook holds already: lines are written so that this does no harm (docs/formats/cell-journal.md).
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["PROTOCOL", "CellJournal", "journals_of"]

PROTOCOL = 1
_NAME = re.compile(r"\.(\d+)\.journal$")


class CellJournal:
    """The journal of one running notebook.

    What cannot be written, as on a full disk, is left out: the next save holds it.

    Parameters
    ----------
    path : Path
        The notebook's file; the journal lies beside it.
    notebook : mapping
        The notebook; `note` is called after each change of it.
    """

    def __init__(self, path: Path, notebook: Mapping[str, Any]) -> None:
        self._path = path
        self._notebook = notebook
        self._noted = [(0, "")] * len(notebook["cells"])
        # Those of a runner that was killed go with the first save: they say nothing of what is here now.
        self._files: dict[Path, int | None] = dict.fromkeys(journals_of(path))
        self._number = max(map(_number, self._files), default=0)
        self._handle: int | None = None

    def turn(self) -> list[Path]:
        """Begin a new file; give those before, which are of no use after the next save."""
        before, self._handle = list(self._files), None
        self._number += 1
        path = self._path.with_name(f".{self._path.name[:80]}.{self._number}.journal")
        with suppress(OSError):
            self._handle = self._files[path] = os.open(path, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY, 0o600)
            # By this others know that the runner lives, however it ends.
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write({"journal": PROTOCOL, "notebook": self._path.name})
        return before

    def drop(self, files: list[Path]) -> None:
        """Remove files that a save has made useless."""
        for path in files:
            with suppress(OSError):
                path.unlink()
            handle = self._files.pop(path)
            if handle is not None:
                os.close(handle)

    def note(self, index: int, *, anew: bool = False) -> None:
        """Append what the cell at `index`, from 0, has more than when it was last noted; `anew` appends all of it."""
        if self._handle is None:
            return
        cell = self._notebook["cells"][index]
        outputs = cell.get("outputs", [])
        count, about = self._noted[index]
        start = 0 if anew or len(outputs) < count else count
        line: dict[str, Any] = {"cell": index, "from": start, "outputs": outputs[start:]}
        now = json.dumps([cell.get("execution_count"), cell["metadata"]])
        if now != about or anew:
            line["execution_count"], line["metadata"] = cell.get("execution_count"), cell["metadata"]
        self._noted[index] = (len(outputs), now)
        if anew or "metadata" in line or len(outputs) != count:
            with suppress(OSError):
                self._write(line)

    def close(self) -> None:
        """Remove the journal: the notebook has been saved for the last time."""
        self._handle = None
        self.drop(list(self._files))

    def _write(self, line: Mapping[str, Any]) -> None:
        assert self._handle is not None, "a file has been begun"
        # The leading newline ends a line that a full disk cut off.
        text = memoryview(f"\n{json.dumps(line)}\n".encode())
        while text:
            text = text[os.write(self._handle, text) :]


def journals_of(path: Path) -> list[Path]:
    """The files of a notebook's journal, oldest first."""
    stem = f".{path.name[:80]}"
    found = (one for one in path.parent.glob("*.journal") if _NAME.sub("", one.name) == stem)
    return sorted(found, key=_number)


def _number(path: Path) -> int:
    match = _NAME.search(path.name)
    return int(match[1]) if match else 0
