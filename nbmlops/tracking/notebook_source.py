"""The source of the notebook that a run is of, as it was saved: its cells without outputs.

Kept as JSON, ``{"cells": [{"id", "cell_type", "source", "metadata": {"tags"}}], "metadata": {"kernelspec",
"language_info"}}``, and given back as a notebook of nbformat 4. There is no number in it, so that a value erased from
it leaves it JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbmlops.store.addresses import recordable

__all__ = ["Saved", "as_notebook", "file_of", "saved"]

_LARGEST = 100_000_000
"""Bytes of a file from which on it is left alone: reading it would be in the way of the end of a run."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A notebook as its file has it.

    Attributes
    ----------
    at : datetime
        When the file was written.
    cells : tuple of (str or None, str)
        Id and source of each code cell, from top to bottom.
    text : str
        Its source, as it is kept: without what is secret of addresses.
    """

    at: datetime
    cells: tuple[tuple[str | None, str], ...]
    text: str


def file_of(notebook: str | None, root: Path) -> Path | None:
    """Where a notebook's file is, by what a run says of it; None where it is not to be found.

    A path is meant from the project's root; a notebook outside of it has told its name only, and is looked for in the
    current folder, which is its own when its kernel starts.
    """
    if not notebook:
        return None
    places = (root / notebook, Path(Path(notebook).name).absolute())
    return next((place for place in places if place.is_file()), None)


def saved(notebook: str | None, root: Path) -> Saved | None:
    """Read a notebook's file; None for one that cannot be read, or is no notebook. Read anew only when written anew."""
    try:
        path = file_of(notebook, root)
        if path is None or (stat := path.stat()).st_size > _LARGEST:
            return None
        return _read(path, stat.st_mtime_ns, stat.st_size, stat.st_ino)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None  # a run is not to fail for what lies beside it


@lru_cache(maxsize=16)
def _read(path: Path, modified: int, _size: int, _inode: int) -> Saved:
    content = json.loads(path.read_text(encoding="utf-8"))
    cells = [_cell(cell) for cell in content["cells"]]
    about = {key: content["metadata"][key] for key in ("kernelspec", "language_info") if key in content["metadata"]}
    return Saved(
        at=datetime.fromtimestamp(modified / 1e9, UTC),
        cells=tuple((cell.get("id"), cell["source"]) for cell in cells if cell["cell_type"] == "code"),
        text=_text(cells, about),
    )


def _text(cells: list[dict[str, Any]], about: Mapping[str, Any]) -> str:
    # Cell by cell: in JSON, an address would seem to go on to the quote behind it.
    kept = [{**cell, "source": recordable(cell["source"])} for cell in cells]
    text = json.dumps({"cells": kept, "metadata": about}, ensure_ascii=False, indent=1)
    # Half of a surrogate pair is nothing that a database keeps.
    return text.encode("utf-8", "replace").decode("utf-8")


def _cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    identity = {"id": str(cell["id"])} if cell.get("id") else {}
    tags = cell.get("metadata", {}).get("tags")
    metadata = {"tags": [str(tag) for tag in tags]} if tags else {}
    return {
        **identity,
        "cell_type": str(cell["cell_type"]),
        "source": "".join(cell["source"]),
        "metadata": metadata,
    }


def as_notebook(text: str) -> dict[str, Any]:
    """What was kept, as a notebook that can be opened and run.

    Examples
    --------
    >>> cell = '{"id": "a", "cell_type": "code", "source": "x = 1", "metadata": {}}'
    >>> as_notebook('{"cells": [%s], "metadata": {}}' % cell)["nbformat_minor"]
    5
    """
    content: dict[str, Any] = json.loads(text)
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    minor = 5 if all("id" in cell for cell in content["cells"]) else 4
    return {**content, "nbformat": 4, "nbformat_minor": minor}
