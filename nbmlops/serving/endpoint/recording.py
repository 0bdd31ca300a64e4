"""What is captured of an endpoint: its answers under the names and types of the log, handed over without waiting."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nbmlops.core.clock import clock_here
from nbmlops.serving.capture.policy import Policy
from nbmlops.serving.capture.requests import INPUT, OUTPUT, CapturedRequest, Role
from nbmlops.serving.endpoint.fetching import FEATURE

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from nbmlops.serving.capture.environments import EnvironmentNote
    from nbmlops.serving.capture.log import CaptureCounts, CaptureLog
    from nbmlops.serving.endpoint.exchange import Exchange
    from nbmlops.serving.endpoint.lineup import Lineup
    from nbmlops.serving.endpoint.served import Answer, Arrays, Served

__all__ = ["Recorder", "fields_of"]

_UNLOADED = 503
_logger = logging.getLogger(__name__)


class Recorder:
    """Hands exchanges to a log.

    Parameters
    ----------
    log : CaptureLog
        Where they go.
    note : EnvironmentNote, optional
        Where it is noted what the worker runs on.
    """

    def __init__(self, log: CaptureLog, note: EnvironmentNote | None = None) -> None:
        self._log = log
        self._note = note
        self._declared: set[int] = set()
        self._policy: Policy | None = None

    def follow(self, lineup: Lineup) -> None:
        """Make ready for versions that are about to answer, and for what may be kept from now on."""
        for served in lineup.versions.values():
            if served.version not in self._declared and (fields := fields_of(served)) is not None:
                self._log.declare(served.version, fields)
            self._declared.add(served.version)
        policy = Policy.of(lineup.deployment)
        if policy != self._policy:
            self._log.follow(lineup.deployment)
            self._policy = policy
        if self._note is not None:
            _write(self._note, lineup)

    def served(self, one: Exchange, ms: float) -> None:
        """Hand over what was answered, or refused; and that a version which has a share was not there."""
        found = [_captured(one, one.served, "served", ms, one.status, one.arrays, one.answer)]
        if one.skipped is not None and one.skipped.version is not None:
            found.append(CapturedRequest(one.id, one.at, one.skipped.version, "shadow", one.key, status=_UNLOADED))
        self._log.add(found)

    def shadowed(
        self, one: Exchange, shadow: Served, ms: float, status: int, arrays: Arrays | None, answer: Answer | None
    ) -> None:
        """Hand over what a shadow would have answered."""
        self._log.add([_captured(one, shadow, "shadow", ms, status, arrays, answer)])

    @property
    def counts(self) -> CaptureCounts:
        """What became of the rows so far."""
        return self._log.counts

    def close(self) -> None:
        """Write what is left."""
        self._log.close()
        if self._note is not None:
            self._note.close()


def _write(note: EnvironmentNote, lineup: Lineup) -> None:
    """Note what the worker runs on; where that cannot be written, serving goes on."""
    from nbmlops.tracking.environment import installed

    numbers = [lineup.champion.version, *(served.version for served in lineup.versions.values())]
    try:
        note.write(clock_here().now(), numbers, installed())
    except OSError as error:
        _logger.warning("what this worker runs on is not noted: %s", error)


def _captured(
    one: Exchange,
    served: Served,
    role: Role,
    ms: float,
    status: int,
    arrays: Arrays | None,
    answer: Answer | None,
) -> CapturedRequest:
    if answer is None or arrays is None:
        return CapturedRequest(one.id, one.at, served.version, role, one.key, ms, status)
    inputs: dict[str, Any] = dict(zip(served.intake.names, arrays, strict=True))
    outputs: dict[str, Any] = {
        name: values for output, whole in answer.items() for name, values in _columns(served, output, whole)
    }
    if one.fetched is not None and served is one.served:
        inputs |= one.fetched.keys
        outputs |= {f"{FEATURE}{view}": times for view, times in one.fetched.times.items()}
    return CapturedRequest(one.id, one.at, served.version, role, one.key, ms, status, inputs, outputs, len(arrays[0]))


def _columns(served: Served, output: str, whole: np.ndarray[Any, Any]) -> Iterator[tuple[str, Any]]:
    if whole.ndim == 1:
        yield output, whole
    elif whole.ndim == 2:
        yield from zip(served.captured_as(output, whole.shape[1]), whole.T, strict=False)


def fields_of(served: Served) -> pa.Schema | None:
    """The columns that a version's rows have in the log; None when its signature does not know their types."""
    import pyarrow as pa

    signature = served.signature
    if not signature.outputs or any(each.type == "unknown" for each in signature.inputs):
        return None
    found = [(INPUT + column.name, _type(column.dtype, column.categories)) for column in served.intake.columns]
    if served.fetcher is not None:
        # Keys as they were sent: whoever recomputes the features finds them by these.
        found += [(INPUT + key, pa.string()) for key in served.fetcher.noted]
        found += [(FEATURE + view, pa.timestamp("us", "UTC")) for view in served.fetcher.views]
    for output in signature.outputs:
        kind = _type(output.type, output.classes if output.method == "predict" else None)
        wide = len(output.shape) > 1
        names = served.captured_as(output.method, output.shape[1] or 0) if wide else [output.method]
        found += [(OUTPUT + name, kind) for name in names]
    return pa.schema(found)


def _type(dtype: Any, known: Any = None) -> pa.DataType:
    """The Arrow type of an array; of one of objects that of the values that are known, or text."""
    import numpy as np
    import pyarrow as pa

    plain = np.dtype(dtype)
    if plain.kind == "M":
        return pa.timestamp("us")
    if plain.kind in "fiub":
        return pa.from_numpy_dtype(plain)
    kinds = {type(value) for value in known or () if value is not None}
    for kind, found in ((bool, pa.bool_()), (int, pa.int64()), (float, pa.float64())):
        if kinds == {kind}:
            return found
    return pa.string()
