"""Requests become one Arrow batch, many at a time: a value costs nanoseconds then, and who answers waits less.

Which columns there are, and of which types, is declared for each version from its signature, as a stream has one schema
from its begin to its end. What does not fit its type is null, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from nbmlops.serving.capture.policy import Policy, hashed, is_drawn
from nbmlops.serving.capture.requests import INPUT, OUTPUT, CapturedRequest, own_schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["KEPT", "Layout", "learnt"]

KEPT = "_kept"
"""Says of a row whether it stays when its segment is folded; never read by others."""


class Layout:
    """The columns of one version under one policy.

    Parameters
    ----------
    fields : pyarrow.Schema
        Columns of inputs and answers, as ``in:NAME`` and ``out:NAME``.
    policy : Policy
        What is kept.
    key : bytes
        The key of hashes.
    worker : str
        Who writes.
    memory : callable
        Says how much memory the writer holds now, in bytes; 0 or None where that is not known.
    """

    def __init__(
        self,
        fields: pa.Schema,
        policy: Policy,
        key: bytes,
        worker: str,
        memory: Callable[[], int | None] = lambda: None,
    ) -> None:
        import pyarrow as pa

        self._policy = policy
        self._key = key
        self._worker = worker
        self._memory = memory
        self._fields = [field for field in fields if self._rule(field.name) != "drop"]
        shown = [pa.field(f.name, pa.string()) if self._rule(f.name) == "hash" else f for f in self._fields]
        self.schema = pa.schema([*own_schema(), pa.field(KEPT, pa.bool_()), *shown])
        self.unfit = 0

    def _rule(self, column: str) -> str:
        return self._policy.rule(column.removeprefix(INPUT)) if column.startswith(INPUT) else "keep"

    def batch(self, requests: Sequence[CapturedRequest]) -> pa.RecordBatch:
        """The rows of some requests."""
        import pyarrow as pa

        own: list[tuple[Any, ...]] = []
        memory = self._memory() or None
        for one in requests:
            kept = is_drawn(self._policy.deployment, one.id, self._policy.sampled)
            rest = one.at, one.version, one.role, one.key, one.latency_ms, one.status, self._worker, memory, kept
            own += [(name, *rest) for name in one.ids()]
        columns: list[Any] = [list(values) for values in zip(*own, strict=True)]
        columns[4] = self._keys(columns[4])
        arrays = [
            pa.array(values, field.type)
            for values, field in zip(columns, list(self.schema)[: len(columns)], strict=True)
        ]
        arrays += [self._column(field, requests) for field in self._fields]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _keys(self, keys: list[Any]) -> list[Any]:
        rule = self._policy.key_rule
        return keys if rule == "keep" else hashed(keys, self._key) if rule == "hash" else [None] * len(keys)

    def _column(self, field: pa.Field, requests: Sequence[CapturedRequest]) -> pa.Array:
        import pyarrow as pa

        is_input = field.name.startswith(INPUT)
        name = field.name.removeprefix(INPUT if is_input else OUTPUT)
        given = [(one.inputs if is_input else one.outputs, one.rows) for one in requests]
        parts = [(None if values is None else values.get(name), rows) for values, rows in given]
        found = self._typed(parts, field.type, nan_is_null=is_input)
        if self._rule(field.name) == "hash":
            return pa.array(hashed(found.to_pylist(), self._key), pa.string())
        return found

    def _typed(self, parts: Sequence[tuple[Any, int]], kind: pa.DataType, *, nan_is_null: bool) -> pa.Array:
        """Values of some requests in one array; an input that is NaN was null when it was sent."""
        import pyarrow as pa

        whole = _together(parts)
        try:
            if whole is not None:
                return pa.array(whole, from_pandas=nan_is_null).cast(kind)
            values = [value for found, rows in parts for value in _listed(found, rows)]
            return pa.array(values, kind, from_pandas=nan_is_null)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
            values = [value for found, rows in parts for value in _listed(found, rows)]
            return pa.array([self._fit(value, kind) for value in values], kind)

    def _fit(self, value: Any, kind: pa.DataType) -> Any:
        import pyarrow as pa

        try:
            pa.scalar(value, kind)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            self.unfit += 1
            return None
        return value


def _together(parts: Sequence[tuple[Any, int]]) -> Any:
    """Arrays of one type of numbers as one; None when there is anything else among them."""
    import numpy as np

    arrays = [found for found, _ in parts]
    kinds = {array.dtype if isinstance(array, np.ndarray) else None for array in arrays}
    plain = len(kinds) == 1 and (kind := kinds.pop()) is not None and kind.kind in "fiubM"
    return np.concatenate(arrays) if plain else None


def _listed(found: Any, rows: int) -> list[Any]:
    if found is None:
        return [None] * rows
    if isinstance(found, list):
        return found
    if hasattr(found, "to_pylist"):
        return list(found.to_pylist())
    return list(found.tolist()) if hasattr(found, "tolist") else list(found)


def learnt(requests: Iterable[CapturedRequest]) -> pa.Schema:
    """The columns of some requests, of versions for which none were declared."""
    import pyarrow as pa

    values: dict[str, list[Any]] = {}
    for one in requests:
        for prefix, given in ((INPUT, one.inputs), (OUTPUT, one.outputs)):
            for name, found in (given or {}).items():
                values.setdefault(prefix + name, []).extend(_listed(found, one.rows))
    return pa.schema([(name, pa.infer_type(found)) for name, found in values.items()])
