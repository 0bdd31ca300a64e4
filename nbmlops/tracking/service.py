"""Verbs on runs: start, log, end, and what `Looking` and `Moving` have."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import ConflictError, InvalidError, StoppedError, UnsupportedError
from nbmlops.core.refs import check_name
from nbmlops.core.settings import FOLDER
from nbmlops.store import lineage
from nbmlops.store.edges import keep_text
from nbmlops.store.liveness import Writer
from nbmlops.tracking import environment
from nbmlops.tracking.active import ActiveRun, flatten, labels
from nbmlops.tracking.autologging import Autologger, Autologging
from nbmlops.tracking.ending import Ending, Known
from nbmlops.tracking.git_states import observed
from nbmlops.tracking.moving import Moving
from nbmlops.tracking.notebook_source import saved
from nbmlops.tracking.queries import runs, values
from nbmlops.tracking.queries.cells import add_cells
from nbmlops.tracking.recording import Recording
from nbmlops.tracking.records import Cell, Kind, Run, Status
from nbmlops.tracking.resuming import refuse_resuming
from nbmlops.tracking.wording import readable

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.catalog import Catalog, Connection
    from nbmlops.store.objects import ObjectStore

__all__ = ["Runs"]


class Runs(Moving, Autologging):
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
    cost_per_hour : float, optional
        What an hour of this machine costs.
    autologger : callable, optional
        Makes what logs fits to these runs.
    opener : callable, optional
        Opens the workspace of a folder, in another process too.
    """

    def __init__(
        self,
        catalog: Catalog,
        objects: ObjectStore,
        clock: Clock,
        root: Path,
        cost_per_hour: float | None = None,
        autologger: Callable[[Runs], Autologger] | None = None,
        opener: Callable[[Path], Any] | None = None,
    ) -> None:
        state = root / FOLDER
        super().__init__(catalog, Recording(catalog, clock, root, state / "journal"), state / "live")
        self.objects = objects
        self.state = state
        self.clock = clock
        self._root = root
        self._writer = Writer(state / "live")
        self._cost_per_hour = cost_per_hour
        self._make_autologger = autologger
        self._opener = opener

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
        also: Callable[[Connection], object] | None = None,
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
        also : callable, optional
            Takes part in the transaction that begins the run; when it raises, nothing has begun.
        """
        check_name(name)
        run_id, active = uuid.uuid4().hex, lineage.current()
        # What a notebook starts while it is executed again is no run of its own.
        kind = "proof" if active.proof else kind
        fields = {
            "experiment": name,
            "kind": kind,
            "parent_id": parent_id or self._run_here(),
            "notebook": (path := notebook or active.notebook) and readable(path),
            "writer": self._writer.token,
        }
        flat, texts = flatten(params or {}), labels(tags or {})
        if kind == "run" and like is None and also is None:
            self.recording.begin(run_id, fields, flat, texts)
        else:
            self._begin({"id": run_id, "like": like, **fields}, flat, texts, also)
        return ActiveRun(self, run_id)

    def resume(self, ref: str) -> ActiveRun:
        """Go on with a run whose process is gone; use it in a ``with``, as a run that starts.

        What it was given and what it measured stay; it is the cells and the resources of this process that it keeps
        when it ends.

        Raises
        ------
        NotFoundError
            When there is no such run.
        InvalidError
            When it has ended by itself, is being written still, or is a pipeline's.
        ConflictError
            When somebody else resumes it at this moment.
        """
        record = self.show(ref)
        refuse_resuming(record, self.catalog.read(lambda c: self.writer_lives(c, record.id)))
        token = self._writer.token
        if not self.catalog.transact(lambda c: runs.resume(c, record.id, token)):
            raise ConflictError(f"the run {record.name} is not killed any more", hint=f"`ml run show {record.name}`")
        self.recording.resume(record.id, record.params, record.notebook)
        return ActiveRun(self, record.id)

    def _begin(
        self,
        fields: dict[str, Any],
        params: dict[str, Any],
        tags: dict[str, str],
        also: Callable[[Connection], object] | None,
    ) -> None:
        """Begin a run in the catalog at once: others are to find it, and names mean from now on what they mean now."""
        digest, content = environment.identified()
        state, diff = observed(self._root)
        told: dict[str, Any] = {"started_at": self.clock.now(), "git": state, "environment": digest}

        def work(connection: Connection) -> None:
            if also is not None:
                also(connection)
            runs.keep_environment(connection, digest, content)
            if state and diff is not None:
                keep_text(connection, state["diff"], diff)
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
        page = saved(self.recording.notebook(run_id), self._root)
        known = Known(self.recording.taken(run_id), page, self._cost_per_hour)
        ending = Ending.of(status, error, cells, known)
        if also is None and self.recording.end(run_id, ending):
            return
        at = self.clock.now()

        def work(connection: Connection) -> None:
            if not runs.finish(connection, run_id, status, at, error, ending.about):
                raise InvalidError(f"the run {self.name_of(run_id)} has ended already")
            add_cells(connection, run_id, ending.cells)
            if ending.source is not None:
                keep_text(connection, ending.about["source"], ending.source)
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
        is_stopped = isinstance(error, StoppedError) or not isinstance(error, Exception)
        status: Status = "killed" if is_stopped else "failed"
        return self.finish(run_id, status, error={"name": type(error).__name__, "value": str(error)}, also=also)

    def note(self, ref: str, text: str) -> Run:
        """Write the note of a run, in Markdown, whether it runs or has ended; it takes the place of an earlier one.

        Raises
        ------
        NotFoundError
            When there is no such run.
        """
        run_id = self.show(ref).id
        self.catalog.transact(lambda c: values.add_tags(c, run_id, labels({"note": text})))
        return self.show(run_id)

    def load_artifact(self, ref: str, name: str, *, to: str | Path | None = None, overwrite: bool = False) -> Any:
        """Give what a run kept, every byte hashed again.

        Parameters
        ----------
        ref : str
            The run.
        name : str
            The artifact, or a folder of them.
        to : str or Path, optional
            Where to write it; in a folder that is there, under its own name.
        overwrite : bool
            Whether to write over what is there.

        Returns
        -------
        object
            With `to`, the path that was written. Otherwise a table for a name that ends in ``.parquet``, what JSON
            holds for ``.json``, text for the endings of text, bytes for others.

        Raises
        ------
        NotFoundError
            When there is no such run or artifact.
        ConflictError
            When something is there already and may not be overwritten.
        CorruptError
            When it is damaged.
        """
        from nbmlops.tracking.artifacts import placed

        return placed(self.objects, self.show(ref).artifacts, name, to, overwrite=overwrite)

    def current(self) -> ActiveRun | None:
        """The active run, or None; that of another workspace is none here."""
        run_id = self._run_here()
        return ActiveRun(self, run_id) if run_id else None

    def _run_here(self) -> str | None:
        """Id of the active run, unless the runner of this notebook began it in another workspace than this one."""
        run_id = lineage.current().run_id
        # A runner begins its run in the catalog before there is a kernel; others may be in a journal only, as yet.
        if run_id is None or run_id != os.environ.get("NBMLOPS_RUN") or self.recording.knows(run_id):
            return run_id
        return None

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

    def handed(self, run_id: str) -> tuple[Any, ...]:
        """What is pickled of a run."""
        from nbmlops.tracking.handing import handed

        if self._opener is None:
            raise UnsupportedError("these runs cannot go to another process", hint="open a workspace there")
        return handed(self, self._opener, self._root, run_id)

    def close(self) -> None:
        """Bring the catalog along, and let go of this process's mark as a writer."""
        self.stop_autolog()
        try:
            self.recording.close()
        finally:
            self._writer.close()
