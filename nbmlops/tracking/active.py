"""A run while it runs: log to it, and end it."""

from __future__ import annotations

import contextlib
import io
import math
import numbers
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.store import lineage
from nbmlops.tracking import capture

if TYPE_CHECKING:
    from nbmlops.store.objects import ObjectStore
    from nbmlops.tracking.recording import Recording
    from nbmlops.tracking.records import Cell, Run, Status

__all__ = ["ActiveRun", "flatten"]


class Keeper(Protocol):
    """What a run that runs needs of the service that started it."""

    objects: ObjectStore
    recording: Recording

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

    @property
    def record(self) -> Run:
        """The run as the catalog has it now."""
        return self._runs.show(self.id)

    def log(self, values: Mapping[str, Any] | None = None, /, *, step: int | None = None, **metrics: Any) -> None:
        """Log metrics.

        Parameters
        ----------
        values : mapping, optional
            Metrics by name, for names that are not identifiers.
        step : int, optional
            Which step they belong to; by default the one after each metric's last.
        **metrics
            Metrics by name.

        Raises
        ------
        InvalidError
            When a value is not a number, or the run has ended.
        """
        points = {key: _number(key, value) for key, value in {**(values or {}), **metrics}.items()}
        number = None if step is None else _whole(step)
        self._runs.recording.metrics(self.id, points, number)

    def param(self, values: Mapping[str, Any] | None = None, /, **params: Any) -> None:
        """Record params; nested mappings become names with dots.

        Raises
        ------
        ConflictError
            When a param has another value already.
        """
        flat = flatten({**(values or {}), **params})
        self._runs.recording.params(self.id, flat)

    def tag(self, values: Mapping[str, str] | None = None, /, **tags: str) -> None:
        """Set tags."""
        texts = {key: str(value) for key, value in {**(values or {}), **tags}.items()}
        self._runs.recording.tags(self.id, texts)

    def artifact(self, value: Any, name: str | None = None) -> None:
        """Keep a file, some bytes, or a figure with ``savefig``.

        Raises
        ------
        NotFoundError
            When the file does not exist.
        InvalidError
            When `value` is none of these, or bytes or a figure come without a name.
        """
        content: Any
        if hasattr(value, "savefig"):
            content, name = _drawn(value), name or "figure.png"
        elif isinstance(value, bytes):
            content = value
        elif isinstance(value, str | Path):
            content = Path(value)
            if not content.is_file():
                raise NotFoundError(f"there is no file {content} to keep as an artifact")
            name = name or content.name
        else:
            raise InvalidError(
                f"cannot keep a {type(value).__name__} as an artifact", hint="give a path, bytes or a figure"
            )
        if not name:
            raise InvalidError("bytes need a name to be kept under", hint='run.artifact(content, "report.html")')
        stored = self._runs.objects.put(content)
        self._runs.recording.artifact(self.id, name, stored.digest, stored.size)

    def finish(self, status: Status = "finished", error: Mapping[str, str] | None = None) -> Run:
        """End the run; the cells that it executed are kept with it."""
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
        self._stack.enter_context(lineage.activate(replace(lineage.current(), run_id=self.id)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        if error is None:
            self._end("finished")
        else:
            status: Status = "failed" if isinstance(error, Exception) else "killed"
            self._end(status, {"name": type(error).__name__, "value": str(error)})

    def __repr__(self) -> str:
        return f"<run {self._runs.name_of(self.id)}>"


_STEP_LIMIT = 1 << 63


def _whole(step: Any) -> int:
    if type(step) is int and -_STEP_LIMIT < step < _STEP_LIMIT:
        return step
    if type(step) is not bool and isinstance(step, numbers.Integral) and abs(int(step)) < _STEP_LIMIT:
        return int(step)
    raise InvalidError(f"the step must be a whole number below 2**63, not {step!r}"[:200])


def _number(key: str, value: Any) -> float:
    if type(value) is float:
        return value
    if isinstance(value, numbers.Real) or (hasattr(value, "item") and getattr(value, "shape", None) in {(), (1,)}):
        with contextlib.suppress(OverflowError):
            return float(value)
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return float(value)
    raise InvalidError(
        f"the metric {key} must be a number, not {value!r}"[:300], hint=f"keep text as a tag: run.tag({key}=…)"
    )


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Params by dotted names, each of a type that JSON can keep.

    Examples
    --------
    >>> flatten({"model": {"depth": 4}, "seed": 1})
    {'model.depth': 4, 'seed': 1}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = _plain(value)
    return flat


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


def _drawn(figure: Any) -> bytes:
    sink = io.BytesIO()
    figure.savefig(sink, format="png", bbox_inches="tight")
    return sink.getvalue()
