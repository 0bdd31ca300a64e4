"""Saves a notebook while it runs: atomically, at most once a second, without holding up the cells.

Every save is temp file in the same folder → fsync → rename → fsync of the folder, so a reader always finds
a whole notebook. A thread of its own formats and writes. The text of each cell is kept, and formatted again
only after the cell has changed, so that the bytes formatted grow with the outputs and not with the number
of saves. The text is what ``nbformat.writes`` gives, to the byte, plus a newline at the end. What changes between two
saves is appended to a journal, see `cell_journal`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import UnavailableError
from nbmlops.pipelines.cell_journal import CellJournal

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["NotebookFile", "format_cell", "write_notebook"]

# A save may take up to a tenth of the time; a slow disk or huge outputs make saves rarer.
_SHARE = 10
# What nbformat strips and splits.
_TRANSIENT = frozenset({"orig_nbformat", "orig_nbformat_minor", "signature"})
_SPLIT = frozenset({"application/javascript", "image/svg+xml"})


class NotebookFile:
    """The file of a running notebook.

    A save between `open` and `close` that fails is tried again with the next.

    Parameters
    ----------
    path : Path
        Where to save; its folder is made. What was there is replaced.
    notebook : NotebookNode
        The notebook; it may change while this object reads it, as long as `touch` follows each change.
    interval : float
        Seconds between two saves, at least.
    """

    def __init__(self, path: Path, notebook: NotebookNode, *, interval: float = 1.0) -> None:
        self.path = path.resolve()
        self._notebook = notebook
        self._interval = interval
        self._journal = CellJournal(self.path, notebook)
        self._texts: list[bytes] = [b""] * len(notebook.cells)
        self._changed: set[int] = set(range(len(notebook.cells)))
        self._wake = threading.Condition()
        self._closing = self._dirty = False
        self._thread = threading.Thread(target=self._work, name=f"save {self.path.name}", daemon=True)

    def open(self) -> None:
        """Save a first time, and from now on whenever there is something to save.

        Raises
        ------
        UnavailableError
            The disk refuses.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _refused(self.path, error) from error
        self._save()
        self._thread.start()

    def touch(self, index: int | None = None, *, anew: bool = False) -> None:
        """Say that the cell at `index`, from 0, has changed, or else only the notebook's metadata.

        With `anew`, outputs that it had were changed; otherwise some were added, or all taken away.
        """
        with self._wake:
            if index is not None:
                self._changed.add(index)
                self._journal.note(index, anew=anew)
            if not self._dirty:
                self._dirty = True
                self._wake.notify()

    def close(self) -> None:
        """Save what has changed since the last save, and end; a second call does nothing.

        Raises
        ------
        UnavailableError
            The disk refuses.
        """
        with self._wake:
            if self._closing:
                return
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._save()
        self._journal.close()

    def _work(self) -> None:
        pause = self._interval
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closing, timeout=pause)
                self._wake.wait_for(lambda: self._closing or self._dirty)
                if self._closing:
                    return
            began = time.monotonic()
            # A full disk may have room again at the next save; the last save raises.
            with contextlib.suppress(UnavailableError):
                self._save()
            pause = max(self._interval, _SHARE * (time.monotonic() - began))

    def _save(self) -> None:
        with self._wake:
            changed, self._changed, self._dirty = self._changed, set(), False
            useless = self._journal.turn()
        for index in changed:
            self._texts[index] = format_cell(self._notebook.cells[index])
        try:
            _replace(self.path, _parts(self._notebook, self._texts))
        except OSError as error:
            self.touch()
            raise _refused(self.path, error) from error
        with self._wake:
            self._journal.drop(useless)


def write_notebook(path: Path, notebook: Mapping[str, Any]) -> None:
    """Write a notebook, of nbformat's or as plain dictionaries, atomically in the place of one.

    Raises
    ------
    UnavailableError
        The disk refuses.
    """
    try:
        _replace(path, _parts(notebook, list(map(format_cell, notebook["cells"]))))
    except OSError as error:
        raise _refused(path, error) from error


def _parts(notebook: Mapping[str, Any], texts: Sequence[bytes]) -> Iterator[bytes]:
    yield b'{\n "cells": ['
    for index, text in enumerate(texts):
        yield b",\n  " if index else b"\n  "
        yield text
    yield b"\n ]," if texts else b"],"
    rest = {key: value for key, value in dict(notebook).items() if key != "cells"}
    rest["metadata"] = _without(notebook["metadata"], _TRANSIENT)
    yield _dump(rest)[1:] + b"\n"


def _refused(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"the notebook cannot be saved as {path}: {error.strerror or error}",
        hint="free space there, or name another folder",
    )


def format_cell(cell: Mapping[str, Any]) -> bytes:
    """Write a cell as it stands in a notebook file, indented to its place there.

    Multi-line text becomes a list of lines, as `nbformat.v4.rwbase.split_lines` has it.
    """
    plain = dict(cell)
    plain["source"] = _lines(cell.get("source"))
    plain["metadata"] = _without(cell["metadata"], {"trusted"})
    if "attachments" in cell:
        plain["attachments"] = {name: _bundle(bundle) for name, bundle in cell["attachments"].items()}
    if cell.get("cell_type") == "code":
        plain["outputs"] = [_output(output) for output in cell["outputs"]]
    return _dump(plain).replace(b"\n", b"\n  ")


def _output(output: Mapping[str, Any]) -> dict[str, Any]:
    plain = dict(output)
    if plain.get("output_type") == "stream":
        plain["text"] = _lines(plain.get("text"))
    elif plain.get("output_type") in {"execute_result", "display_data"} and "data" in plain:
        plain["data"] = _bundle(plain["data"])
    return plain


def _bundle(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        mime: _lines(content) if mime.startswith("text/") or mime in _SPLIT else content
        for mime, content in data.items()
    }


def _without(metadata: Mapping[str, Any], dropped: Container[str]) -> dict[str, Any]:
    # The copy is one step for Python: the cells' thread may add a key meanwhile.
    return {key: value for key, value in dict(metadata).items() if key not in dropped}


def _lines(text: Any) -> Any:
    return text.splitlines(True) if isinstance(text, str) else text


def _dump(value: Any) -> bytes:
    options: dict[str, Any] = {"indent": 1, "sort_keys": True, "separators": (",", ": ")}
    try:
        return json.dumps(value, ensure_ascii=False, **options).encode()
    except UnicodeEncodeError:
        # Half a surrogate pair, printed by a cell, has no UTF-8; JSON's escape keeps it.
        return json.dumps(value, ensure_ascii=True, **options).encode()


def _replace(path: Path, parts: Iterator[bytes]) -> None:
    temporary = path.with_name(f".{path.name[:80]}.{secrets.token_hex(4)}.tmp")
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            if path.exists():
                os.fchmod(handle, path.stat().st_mode & 0o777)
            file.writelines(parts)
            file.flush()
            os.fsync(handle)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
