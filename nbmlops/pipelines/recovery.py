"""Puts what a killed runner's journal holds into the notebook, and says there that the runner was killed.

The guard of a kernel does so at once: ``python -m nbmlops.pipelines.recovery FOLDER``, where the file ``output`` of
that folder names the notebook. `resume` does it where that failed. It starts fast, so it imports little.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbmlops.core.errors import UnsupportedError
from nbmlops.pipelines.cell_journal import PROTOCOL, journals_of
from nbmlops.pipelines.saving import write_notebook

__all__ = ["as_it_stands", "recover"]

_SAID = "the runner was killed"
_LARGEST = 32_000_000
"""Bytes of a notebook that is looked at while it runs; a larger one is left alone until it ends."""


def as_it_stands(path: Path, largest: int = _LARGEST) -> dict[str, Any] | None:
    """A notebook that is being run, with what its journal says since it was last saved; nothing is changed.

    None when it is not on this machine, or has more bytes than `largest`.
    """
    # The journal first: a save in between makes its lines say again what the notebook holds by then.
    try:
        lines = list(_lines(journals_of(path)))
        if path.stat().st_size > largest:
            return None
        notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None  # it has just ended, a save took the place of the journal, or it runs elsewhere
    for line in lines:
        _apply(notebook["cells"], line)
    return notebook


def recover(path: Path) -> bool:
    """Bring a notebook up to its journal and make its marks true; whether there was something to do.

    Nothing is done while the runner lives, or somebody else does this.

    Parameters
    ----------
    path : Path
        The notebook's file.

    Raises
    ------
    UnavailableError
        The disk refuses; the journal is kept then.
    UnsupportedError
        A newer version wrote the journal.
    """
    files = journals_of(path)
    with ExitStack() as held:
        if not files or not path.is_file() or not all(_locked(file, held) for file in files):
            return False
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for line in _lines(files):
            _apply(notebook["cells"], line)
        _judge(notebook, datetime.now(UTC))
        write_notebook(path, notebook)
        for file in files:
            file.unlink()
    return True


def _locked(file: Path, held: ExitStack) -> bool:
    """Take the lock that the runner had, if it is free and the file still there."""
    try:
        handle = os.open(file, os.O_RDWR)
        held.callback(os.close, handle)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return os.fstat(handle).st_nlink > 0


def _lines(files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        for text in file.read_text(encoding="utf-8", errors="replace").split("\n"):
            try:
                line = json.loads(text or "null")
            except ValueError:
                continue  # cut off by the kill, or by a full disk
            if line and line.get("journal", PROTOCOL) != PROTOCOL:
                raise UnsupportedError(f"{file} was written by a newer version of nbmlops", hint="update nbmlops")
            if line and "cell" in line:
                yield line


def _apply(cells: Sequence[dict[str, Any]], line: dict[str, Any]) -> None:
    cell = cells[line["cell"]]
    if "metadata" in line:
        cell["metadata"] = line["metadata"]
    if cell["cell_type"] == "code":
        cell["outputs"] = [*cell["outputs"][: line["from"]], *line["outputs"]]
        cell["execution_count"] = line.get("execution_count", cell["execution_count"])


def _judge(notebook: dict[str, Any], now: datetime) -> None:
    """Make the marks say how it ended, as `Marks.end` would have."""
    whole = notebook["metadata"].get("papermill", {})
    if whole.get("status") != "running":
        return
    _end(whole, now)
    for cell in notebook["cells"]:
        mark = cell["metadata"].get("papermill", {})
        if mark.get("status") == "running":
            _end(mark, now)
            error = {"ename": "Cancelled", "evalue": _SAID, "traceback": [f"Cancelled: {_SAID}"]}
            cell["outputs"].append({"output_type": "error", **error})
        elif mark.get("status") == "pending":
            mark["status"] = "not_run"


def _end(mark: dict[str, Any], now: datetime) -> None:
    seconds = (now - datetime.fromisoformat(mark["start_time"])).total_seconds()
    mark.update(status="cancelled", exception=True, end_time=now.isoformat(), duration=seconds)


if __name__ == "__main__":
    recover(Path((Path(sys.argv[1]) / "output").read_text(encoding="utf-8")))
