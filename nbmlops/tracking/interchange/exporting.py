"""Writes runs into a folder: the artifacts first, the file of lines last, so that a folder with it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nbmlops.core.errors import ConflictError, UnavailableError
from nbmlops.data import files
from nbmlops.tracking.interchange.form import ARTIFACTS, LINES, Writer
from nbmlops.tracking.interchange.records import Exported
from nbmlops.tracking.interchange.telling import Telling
from nbmlops.tracking.queries import interchange

if TYPE_CHECKING:
    from nbmlops.store.catalog import Catalog
    from nbmlops.store.objects import ObjectStore

__all__ = ["chosen", "export"]

_PAGE = 500
Progress = Callable[[int], object]


def chosen(catalog: Catalog, named: Sequence[Any]) -> Iterator[Any]:
    """Rows of the named runs and of those that are a part of them, or of all runs when none is named."""
    if not named:
        after = 0
        while some := catalog.read(partial(interchange.page, after=after, most=_PAGE)):
            yield from some
            after = some[-1].sequence
        return
    seen: set[str] = set()
    waiting = list(named)
    while waiting:
        row = waiting.pop(0)
        if row.id not in seen:
            seen.add(row.id)
            yield row
            waiting += catalog.read(partial(interchange.parts, run_id=row.id))


def export(
    catalog: Catalog, objects: ObjectStore, rows: Iterable[Any], to: Path, progress: Progress | None = None
) -> Exported:
    """Write runs into a folder.

    Raises
    ------
    ConflictError
        When runs were exported there already.
    UnavailableError
        When it cannot be written.
    """
    target = to / LINES
    try:
        (to / ARTIFACTS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"cannot write into {to}: {error.strerror}", hint="give another folder") from error
    if target.exists():
        raise ConflictError(f"{to} holds exported runs already; nothing was written", hint="give another folder")
    names: list[str] = []
    running: list[str] = []
    points = artifacts = total = 0

    def write(sink: IO[bytes]) -> None:
        nonlocal points, artifacts, total
        writer, telling = Writer(sink), Telling(catalog)
        for row in rows:
            name = f"{row.experiment}-{row.number}"
            if row.status == "running":
                running.append(name)
                continue
            names.append(name)
            for said in telling.run(row):
                size = writer.say(*said)
                if said[0] == "metrics":
                    points += len(said[2])
                elif said[0] == "artifact":
                    size += _write_artifact(objects, said[2], to)
                    artifacts += 1
                    total += said[3]
                if progress is not None:
                    progress(size)
        writer.end()

    files.write_atomically(target, write)
    return Exported(str(to), tuple(names), points, artifacts, total, tuple(running))


def _write_artifact(objects: ObjectStore, digest: str, to: Path) -> int:
    """Write an artifact where it does not lie already; the bytes that were written."""
    path = to / ARTIFACTS / digest
    if path.is_file() and path.stat().st_size == objects.size(digest):
        return 0
    files.write_file(objects, digest, path)
    return path.stat().st_size
