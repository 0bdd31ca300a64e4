"""Verbs on runs: start, log, list, show."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import AmbiguousError, InvalidError, NotFoundError, nearest
from nbmlops.core.refs import check_name
from nbmlops.store import git, lineage
from nbmlops.store.liveness import Writer, is_alive, is_here
from nbmlops.tracking import environment
from nbmlops.tracking.active import ActiveRun, flatten
from nbmlops.tracking.queries import metrics, runs, values
from nbmlops.tracking.queries.cells import add_cells, cells
from nbmlops.tracking.recording import Recording
from nbmlops.tracking.records import Cell, Kind, Run, Status

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.catalog import Catalog, Connection
    from nbmlops.store.objects import ObjectStore

__all__ = ["Runs"]

_CHILDREN = 1_000


class Runs:
    """Runs of one workspace.

    Parameters
    ----------
    catalog : Catalog
        Where runs are recorded.
    objects : ObjectStore
        Where artifacts lie.
    clock : Clock
        Tells when.
    root : Path
        The project's folder, whose git state a run keeps.
    live : Path
        Folder of the writers' lock files.
    """

    def __init__(self, catalog: Catalog, objects: ObjectStore, clock: Clock, root: Path, live: Path) -> None:
        self.catalog = catalog
        self.objects = objects
        self.clock = clock
        self._root = root
        self._live = live
        self._writer = Writer(live)
        self.recording = Recording(catalog, clock, root, live.parent / "journal")

    def __call__(
        self, name: str, params: Mapping[str, Any] | None = None, tags: Mapping[str, str] | None = None
    ) -> ActiveRun:
        """Start a run; use it in a ``with``."""
        return self.start(name, params=params, tags=tags)

    def start(
        self,
        name: str,
        *,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        kind: Kind = "run",
        parent_id: str | None = None,
        notebook: str | None = None,
        like: str | None = None,
    ) -> ActiveRun:
        """Start a run of the experiment `name`; it is on the disk when this returns.

        Parameters
        ----------
        name : str
            The experiment; the run gets the next number in it.
        params : mapping, optional
            What the run is given.
        tags : mapping, optional
            Labels.
        kind : {"run", "step", "pipeline", "proof"}
            What kind of execution it is.
        parent_id : str, optional
            The run it is a part of; the active one by default.
        notebook : str, optional
            Path of the notebook it comes from; the active one by default.
        like : str, optional
            Id of a run: names mean what they meant to it. What they mean now, by default.
        """
        check_name(name)
        run_id, active = uuid.uuid4().hex, lineage.current()
        fields = {
            "experiment": name,
            "kind": kind,
            "parent_id": parent_id or active.run_id,
            "notebook": notebook or active.notebook,
            "writer": self._writer.token,
        }
        flat, texts = flatten(params or {}), {key: str(value) for key, value in (tags or {}).items()}
        if kind == "run" and like is None:
            self.recording.begin(run_id, fields, flat, texts)
        else:
            self._begin({"id": run_id, "like": like, **fields}, flat, texts)
        return ActiveRun(self, run_id)

    def _begin(self, fields: dict[str, Any], params: dict[str, Any], tags: dict[str, str]) -> None:
        """Begin a run in the catalog at once: others are to find it, and names mean from now on what they mean now."""
        digest, content = environment.identified()
        told: dict[str, Any] = {"started_at": self.clock.now(), "git": git.state(self._root), "environment": digest}

        def work(connection: Connection) -> None:
            runs.keep_environment(connection, digest, content)
            runs.begin(connection, **fields, **told)
            values.add_params(connection, fields["id"], params)
            values.add_tags(connection, fields["id"], tags)

        self.recording.settle()
        self.catalog.transact(work)

    def end(
        self,
        run_id: str,
        status: Status,
        *,
        error: Mapping[str, str] | None = None,
        cells: Iterable[Cell] = (),
        also: Callable[[Connection], object] | None = None,
    ) -> None:
        """End a run and keep the cells that it executed; `also` takes part in the same transaction.

        Raises
        ------
        InvalidError
            When it has ended already.
        """
        executed = [_analysed(cell) for cell in cells]
        if also is None and self.recording.end(run_id, status, error, executed):
            return
        at = self.clock.now()

        def work(connection: Connection) -> None:
            if not runs.finish(connection, run_id, status, at, error):
                raise InvalidError(f"the run {self.name_of(run_id)} has ended already")
            add_cells(connection, run_id, executed)
            if also is not None:
                also(connection)

        self.recording.settle()
        self.catalog.transact(work)

    def finish(
        self,
        run_id: str,
        status: Status,
        *,
        error: Mapping[str, str] | None = None,
        cells: Iterable[Cell] = (),
        also: Callable[[Connection], object] | None = None,
    ) -> Run:
        """`end` a run; the run as it is then."""
        self.end(run_id, status, error=error, cells=cells, also=also)
        return self.show(run_id)

    def fail(self, run_id: str, error: BaseException, *, also: Callable[[Connection], object] | None = None) -> Run:
        """End a run with what was raised: ``failed`` by an error, ``killed`` by an interrupt; `also` as in `finish`."""
        status: Status = "failed" if isinstance(error, Exception) else "killed"
        return self.finish(run_id, status, error={"name": type(error).__name__, "value": str(error)}, also=also)

    def current(self) -> ActiveRun | None:
        """The active run, or None."""
        run_id = lineage.current().run_id
        return ActiveRun(self, run_id) if run_id else None

    def log(self, values: Mapping[str, Any] | None = None, /, *, step: int | None = None, **metrics: Any) -> None:
        """Log metrics to the active run.

        Raises
        ------
        InvalidError
            When no run is active.
        """
        self.active().log(values, step=step, **metrics)

    def active(self) -> ActiveRun:
        """The active run.

        Raises
        ------
        InvalidError
            When there is none.
        """
        run = self.current()
        if run is None:
            raise InvalidError("no run is active", hint='start one: `%%ml run NAME`, or `with ml.run("name") as run`')
        return run

    def show(self, ref: str) -> Run:
        """A run by its friendly name, the beginning of its id, or its experiment (the newest one).

        Raises
        ------
        NotFoundError
            When there is no such run; the hint names the nearest.
        AmbiguousError
            When an id's beginning fits several.
        """
        self._reap()

        def work(connection: Connection) -> Run:
            rows = runs.find(connection, ref)
            if not rows:
                hint = nearest(ref, runs.names(connection)) or "`ml run list`"
                raise NotFoundError(f"there is no run {ref!r}", hint=hint)
            if len(rows) > 1:
                raise AmbiguousError(f"{ref!r} fits {len(rows)} runs", hint="write more digits of the id")
            run = self._records(connection, rows)[0]
            content = runs.environment(connection, rows[0].environment)
            children = self._records(connection, runs.newest(connection, _CHILDREN, None, run.id))
            executed = cells(connection, run.id)
            return replace(run, cells=executed, children=tuple(reversed(children)), environment=content)

        return self.catalog.read(work)

    def history(self, ref: str, metric: str) -> list[tuple[int, float]]:
        """All points of one metric: pairs of step and value."""
        run_id = self.show(ref).id
        return self.catalog.read(lambda c: metrics.history(c, run_id, metric))

    def name_of(self, run_id: str) -> str:
        """Friendly name of a run."""
        rows = self.catalog.read(lambda c: runs.find(c, run_id))
        return f"{rows[0].experiment}-{rows[0].number}" if rows else run_id

    def count(self) -> int:
        """Number of runs of all kinds."""
        return self.catalog.read(runs.count)

    def close(self) -> None:
        """Bring the catalog along, and let go of this process's mark as a writer."""
        try:
            self.recording.close()
        finally:
            self._writer.close()

    def writer_lives(self, connection: Connection, run_id: str | None) -> bool | None:
        """Whether a run is still being written; None when only another machine can tell."""
        row = runs.writing(connection, run_id)
        if row is not None and row.status != "running":
            return False
        if row is None or not row.writer or not is_here(self._live, row.writer):
            return None
        return is_alive(self._live, row.writer)

    def _reap(self) -> None:
        """Take what journals hold, and mark as killed what its writer can no longer end."""
        self.recording.settle()
        rows = self.catalog.read(runs.running)
        gone = [row.id for row in rows if row.writer and not is_alive(self._live, row.writer)]
        if gone:
            error = {"name": "Killed", "value": "the process that wrote the run is gone"}
            # It ended some time after its last sign of life; when somebody looked says nothing.
            self.catalog.transact(
                lambda c: [runs.finish(c, run_id, "killed", runs.last_sign(c, run_id), error) for run_id in gone]
            )

    def _records(self, connection: Connection, rows: Sequence[Any]) -> list[Run]:
        ids = [row.id for row in rows]
        params, tags = values.values(connection, "param", ids), values.values(connection, "tag", ids)
        artifacts = values.values(connection, "artifact", ids, "digest")
        measured, edges = metrics.last(connection, ids), runs.edges(connection, ids)
        same = ("id", "experiment", "number", "kind", "status", "started_at", "ended_at", "error", "parent_id")
        return [
            Run(
                **{key: row._mapping[key] for key in (*same, "notebook", "git")},
                params=params[row.id],
                metrics=measured[row.id],
                tags=tags[row.id],
                artifacts=artifacts[row.id],
                inputs=tuple(edges[row.id]["reads"]),
                outputs=tuple(edges[row.id]["writes"]),
            )
            for row in rows
        ]

    def list(self, limit: int = 50, *, experiment: str | None = None, parent_id: str | None = None) -> list[Run]:
        """The newest runs, newest first."""
        self._reap()
        return self.catalog.read(lambda c: self._records(c, runs.newest(c, limit, experiment, parent_id)))


def _analysed(cell: Cell) -> Cell:
    """A cell with the names that it defines and uses."""
    from nbmlops.tracking.source import analyse

    names = analyse(cell.source)
    return replace(cell, defines=tuple(sorted(names.defines)), uses=tuple(sorted(names.uses)))
