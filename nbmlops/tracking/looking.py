"""Verbs that look at runs: show, list, find the best, tell the history of a metric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import AmbiguousError, InvalidError, NotFoundError, nearest
from nbmlops.store.liveness import is_alive, is_here
from nbmlops.tracking.comparison import Comparison, compare
from nbmlops.tracking.filtering import RunField, condition_of, read_field
from nbmlops.tracking.queries import metrics, runs, values
from nbmlops.tracking.queries.cells import cells, source_of
from nbmlops.tracking.queries.search import search
from nbmlops.tracking.records import HiddenState, Resources, Run
from nbmlops.tracking.run_listing import RunListing

if TYPE_CHECKING:
    from nbmlops.store.catalog import Catalog, Connection
    from nbmlops.tracking.recording import Recording

__all__ = ["Looking"]

_CHILDREN = 1_000
_AT_ONCE = 5_000
"""Runs that one statement asks for; SQLite takes 32,766 values."""


class Looking:
    """What may be asked of the runs of one workspace.

    Parameters
    ----------
    catalog : Catalog
        Where runs are recorded.
    recording : Recording
        What this process has said of them.
    live : Path
        Folder of the writers' lock files.
    """

    def __init__(self, catalog: Catalog, recording: Recording, live: Path) -> None:
        self.catalog = catalog
        self.recording = recording
        self._live = live

    def show(self, ref: str) -> Run:
        """A run by its friendly name, the beginning of its id, or its experiment (the newest one).

        Raises
        ------
        NotFoundError
            When there is no such run; the hint names the nearest.
        AmbiguousError
            When an id's beginning fits several.
        """
        self.reap()
        row = self._found(ref)

        def work(connection: Connection) -> Run:
            run = self._records(connection, [row])[0]
            content = runs.environment(connection, row.environment)
            children = self._records(connection, runs.newest(connection, _CHILDREN, None, run.id))
            executed = cells(connection, run.id)
            diff, source = (source_of(connection, one) for one in ((row.git or {}).get("diff"), row.source))
            parts = tuple(reversed(children))
            return replace(run, cells=executed, children=parts, environment=content, diff=diff, source=source)

        return self.catalog.read(work)

    def reproduced(self, notebook: str) -> Run | None:
        """The newest run of a notebook that gave the same when it was executed again."""
        found = self.catalog.read(lambda c: runs.reproduced(c, notebook, ("identical", "within tolerance")))
        return None if found is None else self.show(found)

    def several(self, refs: Iterable[str]) -> dict[str, Run]:
        """Runs by their whole ids or friendly names, without their cells, parts and environments; no others."""
        self.reap()

        def work(connection: Connection) -> dict[str, Run]:
            rows = runs.among(connection, refs)
            return dict(zip(rows, self._records(connection, list(rows.values())), strict=True))

        return self.catalog.read(work)

    def _found(self, ref: str) -> Any:
        def work(connection: Connection) -> Any:
            rows = runs.find(connection, ref)
            if not rows:
                hint = nearest(ref, runs.names(connection)) or "`ml run list`"
                raise NotFoundError(f"there is no run {ref!r}", hint=hint)
            if len(rows) > 1:
                raise AmbiguousError(f"{ref!r} fits {len(rows)} runs", hint="write more digits of the id")
            return rows[0]

        return self.catalog.read(work)

    def history(self, ref: str, metric: str) -> list[tuple[int, float]]:
        """All points of one metric: pairs of step and value."""
        run_id = self.show(ref).id
        return self.catalog.read(lambda c: metrics.history(c, run_id, metric))

    def compare(self, *refs: str) -> Comparison:
        """Put runs beside each other: what differs in what they were given, read, ran on and did, cell by cell.

        Raises
        ------
        InvalidError
            When fewer than two are named.
        NotFoundError
            When there is no such run.
        """
        if len(refs) < 2:
            raise InvalidError("one run cannot be compared", hint="`ml run compare gbm-1 gbm-2`")
        return compare([self.show(ref) for ref in refs], lambda run, metric: self.curve(run.id, metric))

    def curve(self, ref: str, metric: str, points: int = 400) -> list[tuple[int, float]]:
        """A metric to be drawn: pairs of step and value, at most so many; of each stretch the lowest and highest."""
        row = self._found(ref)

        def work(connection: Connection) -> list[tuple[int, float]]:
            if metrics.length(connection, row.id, metric) <= points:
                return metrics.history(connection, row.id, metric)
            return metrics.extremes(connection, row.id, metric, points)

        return self.catalog.read(work)

    def name_of(self, run_id: str) -> str:
        """Friendly name of a run."""
        rows = self.catalog.read(lambda c: runs.find(c, run_id))
        return f"{rows[0].experiment}-{rows[0].number}" if rows else run_id

    def count(self) -> int:
        """Number of runs of all kinds."""
        return self.catalog.read(runs.count)

    def writer_lives(self, connection: Connection, run_id: str | None) -> bool | None:
        """Whether a run is still being written; None when only another machine can tell."""
        row = runs.writing(connection, run_id)
        if row is not None and row.status != "running":
            return False
        if row is None or not row.writer or not is_here(self._live, row.writer):
            return None
        return is_alive(self._live, row.writer)

    def reap(self) -> None:
        """Take what journals hold, and mark as killed what its writer can no longer end."""
        self.recording.settle()
        rows = self.catalog.read(runs.running)
        gone = {row.id: row.writer for row in rows if row.writer and not is_alive(self._live, row.writer)}
        if gone:
            self.catalog.transact(lambda c: runs.bury(c, gone))

    def _records(self, connection: Connection, rows: Sequence[Any]) -> list[Run]:
        parts = (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))
        return [run for part in parts for run in self._some(connection, part)]

    def _some(self, connection: Connection, rows: Sequence[Any]) -> list[Run]:
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
                resources=row.resources and Resources(**row.resources),
                hidden_state=tuple(HiddenState(**one) for one in row.hidden_state or ()),
            )
            for row in rows
        ]

    def list(
        self,
        limit: int = 50,
        *,
        where: str | None = None,
        by: str | None = None,
        after: str | None = None,
        experiment: str | None = None,
        parent_id: str | None = None,
    ) -> RunListing:
        """The runs for which a condition holds, the newest first.

        Parameters
        ----------
        limit : int
            How many.
        where : str, optional
            A condition such as ``metrics.auc > 0.8 and params.depth = 4``; all of what is given has to hold.
        by : str, optional
            What they are ordered by, such as ``params.depth``, or ``-metrics.auc`` for the largest first; runs
            without it come last.
        after : str, optional
            The last run of the page before.
        experiment : str, optional
            Only runs of this experiment.
        parent_id : str, optional
            Only parts of this run.

        Raises
        ------
        MisreadError
            When `where` or `by` cannot be read.
        InvalidError
            When `limit` is below 1.
        NotFoundError
            When there is no run `after`.
        """
        if limit < 1:
            raise InvalidError(f"at least one run is listed, not {limit}")
        condition, order = condition_of(where, experiment=experiment, parent=parent_id), by or "-started"
        field, descending = read_field(order.removeprefix("-")), order.startswith("-")
        last = None if after is None else self._found(after).id
        self.reap()
        if by is None:
            field = RunField("run", "sequence")

        def work(connection: Connection) -> list[Run]:
            return self._records(connection, search(connection, condition, field, descending, limit, last))

        narrowed = any(given is not None for given in (where, after, experiment, parent_id))
        return RunListing(self.catalog.read(work), "no run matches" if narrowed else "")

    def best(self, experiment: str, metric: str, *, lowest: bool = False, where: str | None = None) -> Run:
        """The run of an experiment whose last value of a metric is the highest, or the lowest.

        Raises
        ------
        NotFoundError
            When no finished run of it has a number for the metric.
        """
        field = RunField("metrics", metric)
        condition = condition_of(where, experiment=experiment, status="finished", measured=field)
        self.reap()
        found = self.catalog.read(lambda c: self._records(c, search(c, condition, field, not lowest, 1, None)))
        if not found:
            raise NotFoundError(
                f"no finished run of {experiment!r} has a number for the metric {metric!r}",
                hint=f"`ml run list --experiment {experiment}`",
            )
        return found[0]
