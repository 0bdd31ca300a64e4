"""A run while it runs: log to it, and end it."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, get_args

from nbmlops.core.errors import InvalidError
from nbmlops.store import lineage
from nbmlops.tracking import capture
from nbmlops.tracking.measuring import measured, named, whole
from nbmlops.tracking.records import Status
from nbmlops.tracking.wording import check_key, check_text

if TYPE_CHECKING:
    from pathlib import Path

    from nbmlops.store.objects import ObjectStore
    from nbmlops.tracking.callback import Callback
    from nbmlops.tracking.recording import Recording
    from nbmlops.tracking.records import Cell, Run

__all__ = ["ActiveRun", "Keeper", "flatten", "labels"]


class Keeper(Protocol):
    """What a run that runs needs of the service that started it."""

    objects: ObjectStore
    recording: Recording
    state: Path

    def start(
        self,
        name: str,
        *,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        parent_id: str | None = None,
    ) -> ActiveRun:
        """Start another."""

    def handed(self, run_id: str) -> tuple[Any, ...]:
        """What is pickled of it."""

    def show(self, ref: str) -> Run:
        """The run as it is now."""

    def name_of(self, run_id: str) -> str:
        """Its friendly name."""

    def end(
        self, run_id: str, status: Status, *, error: Mapping[str, str] | None = None, cells: Iterable[Cell] = ()
    ) -> None:
        """End it."""


class ActiveRun:
    """Handle of a running run; as a context manager it is the active run of the body.

    Leaving the body ends the run: ``finished``, ``failed`` when the body raises, ``killed`` when it
    is interrupted.

    Parameters
    ----------
    runs : Keeper
        The service that started it.
    run_id : str
        Its id.
    """

    def __init__(self, runs: Keeper, run_id: str) -> None:
        self._runs = runs
        self.id = run_id
        self._stack = contextlib.ExitStack()
        self._process = 0

    @property
    def record(self) -> Run:
        """The run as the catalog has it now."""
        return self._runs.show(self.id)

    def log(self, values: Mapping[str, Any] | None = None, /, *, step: int | None = None, **metrics: Any) -> None:
        """Log metrics.

        Parameters
        ----------
        values : mapping, optional
            Metrics by name, for names that are not identifiers; a mapping in it becomes names with dots.
        step : int, optional
            Which step they belong to; by default the one after each metric's last. Several numbers belong to it and
            those that follow.
        **metrics
            Metrics by name.

        Raises
        ------
        InvalidError
            When a value is not a number, or the run has ended.
        """
        points, series = measured(named(values, metrics) if values is not None else metrics)
        number = None if step is None else whole(step)
        if points or not series:
            self._runs.recording.metrics(self.id, points, number)
        for key, vector in series.items():
            self._runs.recording.series(self.id, key, vector, number)

    def param(self, values: Mapping[str, Any] | None = None, /, **params: Any) -> None:
        """Record params; nested mappings become names with dots.

        Raises
        ------
        ConflictError
            When a param has another value already.
        """
        flat = flatten(named(values, params))
        self._runs.recording.params(self.id, flat)

    def tag(self, values: Mapping[str, str] | None = None, /, **tags: str) -> None:
        """Set tags."""
        texts = labels(named(values, tags))
        self._runs.recording.tags(self.id, texts)

    def note(self, text: str) -> None:
        """Write the run's note, in Markdown; it is the tag ``note``, and a later one takes its place."""
        self.tag(note=text)

    def artifact(self, value: Any, name: str | None = None, *, as_: str | None = None) -> None:
        """Keep a file, a folder, a figure, a table, a text, a mapping or list, or bytes.

        Parameters
        ----------
        value : object
            What to keep; a text of one line is the path of a file or a folder.
        name : str, optional
            What to call it; by default the name of the file or folder, or ``figure``. What it does not end in, it
            gets: ``.png`` and ``.html`` for figures, ``.parquet`` for tables, ``.json`` for values.
        as_ : {"text"}, optional
            Keep a text of one line as text.

        Raises
        ------
        NotFoundError
            When there is no such file.
        InvalidError
            When `value` is none of these, has no name, or is a figure that cannot be drawn.
        ConflictError
            When a file changed or went while it was read.
        """
        from nbmlops.tracking.artifacts import keep

        self._runs.recording.artifacts(self.id, keep(self._runs, value, name, as_))

    def callback(self) -> Callback:
        """What Keras, xgboost, lightgbm and optuna take as a callback: it logs to this run as they go on.

        See `nbmlops.tracking.callback` for what each of them calls, and what is logged then.
        """
        from nbmlops.tracking.callback import Callback

        return Callback(self, self._runs)

    def finish(self, status: Status = "finished", error: Mapping[str, str] | None = None) -> Run:
        """End the run; the cells that it executed are kept with it.

        Raises
        ------
        InvalidError
            When it has ended already, or runs do not end so.
        """
        if status == "running" or status not in get_args(Status):
            raise InvalidError(f"a run does not end as {status!r}", hint="finished, failed or killed")
        self._end(status, error)
        return self.record

    def _end(self, status: Status, error: Mapping[str, str] | None = None) -> None:
        began = self._runs.recording.began(self.id)
        if began is None:
            record = self.record
            began = record.started_at if record.kind == "run" else None
        cells = capture.log.since(began) if began else []
        # The cell that ends the run still executes; to the run it has ended as the run did.
        ended = "completed" if status == "finished" else "failed"
        cells = [replace(cell, status=ended) if cell.status == "running" else cell for cell in cells]
        self._runs.end(self.id, status, error=error, cells=cells)

    def __enter__(self) -> Self:
        self._process = os.getpid()
        self._stack.enter_context(lineage.activate(replace(lineage.current(), run_id=self.id)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        if self._process != os.getpid():
            return  # a forked child leaves the body too, and the run goes on where it was entered
        if error is None:
            self._end("finished")
        else:
            status: Status = "failed" if isinstance(error, Exception) else "killed"
            self._end(status, {"name": type(error).__name__, "value": str(error)})

    def __reduce__(self) -> tuple[Any, ...]:
        # A process that it goes to, such as one of joblib, logs to the same run.
        return self._runs.handed(self.id)

    def __repr__(self) -> str:
        return f"<run {self._runs.name_of(self.id)}>"


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Params by dotted names, each of a type that JSON can keep.

    Examples
    --------
    >>> flatten({"model": {"depth": 4}, "seed": 1})
    {'model.depth': 4, 'seed': 1}
    """
    try:
        return dict(_flat(values, prefix))
    except RecursionError:
        raise InvalidError("the params nest too deeply, or hold themselves") from None


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield check_key(f"{prefix}{key}"), _plain(value)


def labels(tags: Mapping[str, Any]) -> dict[str, str]:
    """Tags as text; raises `InvalidError` for what the catalog cannot keep."""
    return {check_key(str(key)): check_text(str(value), f"the tag {key}") for key, value in tags.items()}


def _plain(value: Any) -> Any:
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return repr(value)
