"""A model that answers parts of a table: the rows are held against its signature as those of a request are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.data.frames import pick
from nbmlops.serving.batch.columns import taken
from nbmlops.serving.batch.outputs import columns_of, fields_of
from nbmlops.serving.endpoint.refusals import MOST_FAULTS, Fault

if TYPE_CHECKING:
    import pyarrow as pa

    from nbmlops.serving.batch.records import Bad
    from nbmlops.serving.endpoint.served import Answer, Arrays, Served

__all__ = ["Part", "Scorer", "alone"]


@dataclass(frozen=True, slots=True)
class Part:
    """The scores of some rows: a table, how many of the rows are bad, and what is wrong with them."""

    table: pa.Table
    bad: int
    faults: Counter[str]
    first: tuple[Fault, ...]


class Scorer:
    """Answers rows of tables of one schema.

    Parameters
    ----------
    served : Served
        The model.
    ref : str
        Its reference, for messages.
    schema : pyarrow.Schema
        Of the tables.
    keep : sequence of str
        Their columns that stand beside the answers.
    bad : {"refuse", "null"}
        What becomes of rows that do not fit the signature.

    Raises
    ------
    InvalidError
        When the table lacks columns that the model takes, or one is kept that is called as an answer is.
    """

    def __init__(self, served: Served, ref: str, schema: pa.Schema, keep: Sequence[str], bad: Bad) -> None:
        import pyarrow as pa

        self._served = served
        self._ref = ref
        self._bad = bad
        self.inputs = _inputs(served, ref, schema.names)
        self.keep = pick(list(dict.fromkeys(keep)), schema.names)
        self._fields = fields_of(served.signature, ref)
        names = [*self.keep, *(field.name for field in self._fields)]
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise InvalidError(f"two columns would be called {twice[0]!r}", hint="keep the others")
        self.schema = pa.schema([*(schema.field(name) for name in self.keep), *self._fields])
        for column in served.intake.columns:
            column.most = float("inf") if bad == "null" else 2 * MOST_FAULTS

    @property
    def columns(self) -> list[str]:
        """What is read of a table."""
        return list(dict.fromkeys([*self.inputs, *self.keep]))

    def score(self, table: pa.Table, start: int) -> Part:
        """Answer rows, of which the first is the one numbered `start`.

        Raises
        ------
        InvalidError
            When a row is bad and such are refused, or the model fails.
        """
        import pyarrow as pa

        faults: list[Fault] = []
        arrays = self._taken(table, faults)
        places: np.ndarray[Any, Any] | None = None
        bad: list[int] = []
        if faults:
            bad = sorted({fault.row for fault in faults if fault.row is not None})
            placed = [replace(fault, row=None if fault.row is None else fault.row + start) for fault in faults]
            faults = sorted(placed, key=lambda fault: fault.row or 0)
            if self._bad == "refuse":
                raise _refused(self._ref, faults)
            good = np.ones(table.num_rows, bool)
            good[bad] = False
            places = np.where(good, np.cumsum(good) - 1, -1)
            arrays = self._taken(table.filter(pa.array(good)), [])
        rows = table.num_rows - len(bad)
        columns = self._answered(arrays, places, start) if rows else [pa.nulls(len(bad), f.type) for f in self._fields]
        kept = [table.column(name) for name in self.keep]
        counted = Counter({column: len(rows) for column, rows in _rows_of(faults).items()})
        return Part(pa.table([*kept, *columns], schema=self.schema), len(bad), counted, tuple(faults[:MOST_FAULTS]))

    def _taken(self, table: pa.Table, faults: list[Fault]) -> Arrays:
        pairs = zip(self._served.intake.columns, self.inputs, strict=True)
        return [taken(column, table.column(name), faults) for column, name in pairs]

    def _answered(self, arrays: Arrays, places: np.ndarray[Any, Any] | None, start: int) -> list[pa.Array]:
        served = self._served
        try:
            with alone():
                answer: Answer = served.answer(arrays, [output.method for output in served.signature.outputs])
            return columns_of(served.signature, answer, places, self._fields)
        except Exception as error:
            rows = f"rows {start:,} to {start + len(arrays[0] if places is None else places) - 1:,}"
            raise InvalidError(f"{self._ref} fails on {rows}: {type(error).__name__}: {error}") from error


@contextmanager
def alone() -> Iterator[None]:
    """Let an estimator compute in one thread: the sums of a forest depend on who comes first, and jobs are many."""
    from joblib import parallel_config

    with parallel_config(backend="sequential"):
        yield


def _inputs(served: Served, ref: str, known: Sequence[str]) -> list[str]:
    """The columns of a table that a model takes, in its order; an array and texts have no names of their own."""
    names = served.intake.names
    missing = [name for name in names if name not in known]
    if not missing:
        return names
    if served.signature.form != "table" and len(known) == len(names):
        return list(known)
    hint = nearest(missing[0], known)
    lacking = f"{ref} takes columns that the table lacks: {', '.join(missing)}"
    raise InvalidError(lacking, hint=hint or f"it has {', '.join(known[:20])}")


def _rows_of(faults: Sequence[Fault]) -> dict[str, set[int | None]]:
    found: dict[str, set[int | None]] = {}
    for fault in faults:
        found.setdefault(str(fault.column), set()).add(fault.row)
    return found


def _refused(ref: str, faults: Sequence[Fault]) -> InvalidError:
    told = [f"  row {fault.row}, column {fault.column}: {fault.message}" for fault in faults[:MOST_FAULTS]]
    if len(faults) > MOST_FAULTS:
        told.append("  …")
    return InvalidError(
        "\n".join([f"the table holds rows that {ref} does not take, so nothing was saved", *told]),
        hint="mend them, or score them as null: `--bad null`",
    )
