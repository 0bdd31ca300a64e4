"""Takes exported runs in: all of them are checked first, then each comes in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core import digests
from nbmlops.core.clock import instant
from nbmlops.store import edges
from nbmlops.tracking.interchange.checking import Found, Place, cell_of, check
from nbmlops.tracking.interchange.form import ARTIFACTS, LINES, corrupt, lines
from nbmlops.tracking.interchange.records import Imported
from nbmlops.tracking.interchange.telling import ABOUT, FOUND
from nbmlops.tracking.queries import interchange, metrics, runs, values
from nbmlops.tracking.queries.cells import add_cells

if TYPE_CHECKING:
    from nbmlops.store.catalog import Catalog, Connection
    from nbmlops.store.objects import ObjectStore

__all__ = ["Arrival", "take_in"]

_AT_ONCE = 10_000
Progress = Callable[[int], object]


class Arrival:
    """What came of one run: its number, points, artifacts, and versions that are not here."""

    __slots__ = ("artifacts", "name", "points", "told", "unknown")

    def __init__(self, fields: dict[str, Any], number: int) -> None:
        self.told = f"{fields['experiment']}-{fields['number']}"
        self.name = f"{fields['experiment']}-{number}"
        self.points = self.artifacts = self.unknown = 0


def take_in(
    catalog: Catalog,
    objects: ObjectStore,
    folder: Path,
    progress: Progress | None = None,
    experiment: str | None = None,
) -> Imported:
    """Import the runs of a folder that are not here; one that still went on when it came is brought along.

    Raises
    ------
    NotFoundError
        When no runs were exported there.
    CorruptError
        When anything in it is damaged; nothing is imported then.
    """
    found = check(folder, progress)
    here = catalog.read(lambda c: interchange.known(c, [place.id for place in found.runs]))
    came, there = [], 0
    for place in found.runs:
        if experiment not in {None, place.experiment}:
            continue
        known = here.get(place.id)
        if known is not None and (known.status != "running" or known.writer is not None):
            there += 1
            continue
        _store(objects, folder, place)
        came.append(catalog.transact(partial(_adopt, path=folder / LINES, place=place, found=found)))
    return Imported(
        str(folder),
        tuple(one.name for one in came),
        sum(one.points for one in came),
        sum(one.artifacts for one in came),
        there,
        tuple((one.told, one.name) for one in came if one.told != one.name),
        sum(one.unknown for one in came),
    )


def _store(objects: ObjectStore, folder: Path, place: Place) -> None:
    wanted = list(dict.fromkeys(line[2] for line in _of(folder / LINES, place) if line[0] == "artifact"))
    for digest, stored in zip(
        wanted, objects.put_many([folder / ARTIFACTS / each for each in wanted]) if wanted else (), strict=True
    ):
        if stored.digest != digest:
            raise corrupt(folder / LINES, f"the artifact {digest[:8]}… changed while it was read")


def _of(path: Path, place: Place) -> Iterator[list[Any]]:
    return (line.said for line in lines(path, place.begin, place.end))


def _adopt(connection: Connection, path: Path, place: Place, found: Found) -> Arrival:
    """Insert one run with all that is told of it."""
    told = _of(path, place)
    fields = dict(next(told)[1])
    if interchange.known(connection, [place.id]):
        interchange.forget(connection, place.id)
    if fields["environment"]:
        runs.keep_environment(connection, fields["environment"], found.environments[fields["environment"]])
    times = {key: fields[key] if fields[key] is None else instant(fields[key]) for key in ("started_at", "ended_at")}
    # A diff that does not come along is named by nothing that could be looked at.
    fields["git"] = fields["git"] and {key: value for key, value in fields["git"].items() if key != "diff"}
    columns = {key: fields.get(key) for key in (*ABOUT, *FOUND)}
    arrival = Arrival(fields, runs.adopt(connection, {**columns, **times}))
    pairs: dict[str, dict[str, Any]] = {"params": {}, "tags": {}}
    waiting: list[metrics.Point] = []
    artifacts: list[tuple[str, str, int]] = []
    versions: list[tuple[str, Any, Any]] = []
    for said in told:
        match said:
            case ["metrics", key, points]:
                waiting += [metrics.Point(place.id, key, step, at, float(value)) for step, at, value in points]
                arrival.points += len(points)
                if len(waiting) >= _AT_ONCE:
                    metrics.add(connection, waiting)
                    waiting = []
            case ["params" | "tags" as kind, some]:
                pairs[kind].update(some)
            case ["artifact", name, digest, size]:
                artifacts.append((name, digest, size))
            case ["edge", relation, version, at]:
                versions.append((relation, version, instant(at)))
            case ["text", what, content]:
                _keep_text(connection, fields, what, content)
            case ["cell", cell]:
                add_cells(connection, place.id, [cell_of(cell)])
    metrics.add(connection, waiting)
    values.add_params(connection, place.id, pairs["params"])
    values.add_tags(connection, place.id, pairs["tags"])
    interchange.put_artifacts(connection, place.id, artifacts)
    arrival.artifacts = len(artifacts)
    arrival.unknown = interchange.add_edges(connection, place.id, versions)
    return arrival


def _keep_text(connection: Connection, fields: dict[str, Any], what: str, content: str) -> None:
    digest = digests.of_text(content)
    edges.keep_text(connection, digest, content)
    if what == "source":
        interchange.put_source(connection, fields["id"], digest)
    elif fields["git"]:
        runs.put_git(connection, fields["id"], {**fields["git"], "diff": digest})
