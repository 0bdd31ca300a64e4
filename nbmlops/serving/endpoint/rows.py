"""The rows of a request, held against the model's signature: what the model is to take, or all that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import nearest
from nbmlops.serving.endpoint.fields import Column, Unseen, said
from nbmlops.serving.endpoint.refusals import Fault, Refusal

if TYPE_CHECKING:
    import numpy as np

    from nbmlops.models.records import ModelSignature

__all__ = ["Columns", "Intake", "Matrix", "Rows"]

Columns = Mapping[str, Sequence[Any]]
"""Values by the name of their column."""
Rows = Callable[[], tuple[str, Columns]]
"""Gives the reference of a table, and some of its rows by the names of a model's inputs."""


class Matrix:
    """Rows without names of columns, such as MLflow's ``instances``; `rows` are lists, or values of one column."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.rows = rows


class Intake:
    """Checks rows and gives them as arrays, one for each input of the model.

    Parameters
    ----------
    signature : ModelSignature
        What the model takes.
    unseen : {"refuse", "null", "pass"}
        What becomes of categories that it has not seen.
    most : int
        How many rows a request may have.
    beside : sequence of str
        Columns that a request may have instead of some inputs, which is nothing of the intake's.
    """

    def __init__(
        self, signature: ModelSignature, unseen: Unseen = "refuse", most: int = 10_000, beside: Sequence[str] = ()
    ) -> None:
        self.form = signature.form
        self.columns = [Column(field, unseen) for field in signature.inputs]
        self.names = [column.name for column in self.columns]
        self.most = most
        self._set = frozenset(self.names)
        self.known = self._set.union(beside)

    def take(self, given: Columns | Matrix) -> list[np.ndarray[Any, Any]]:
        """Give an array for each input, all of the same length.

        Raises
        ------
        Refusal
            With status 422 and every fault, or 413 when there are too many rows.
        """
        if isinstance(given, Matrix):
            return self._matrix(given.rows)
        if given.keys() != self._set:
            self._other_columns(given)
        lengths = {len(values) for values in given.values()}
        if len(lengths) != 1:
            longest = ", ".join(f"{name} {len(values)}" for name, values in list(given.items())[:8])
            raise Refusal(422, f"the columns are of unequal lengths: {longest}", "send as many values in each")
        self._count(lengths.pop())
        return self._taken([given[name] for name in self.names])

    def _matrix(self, rows: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
        self._count(len(rows))
        wide = len(self.columns)
        if wide == 1 and not isinstance(rows[0], list):
            return self._taken([rows])
        faults = []
        for number, row in enumerate(rows):
            if not isinstance(row, list):
                faults.append(Fault(f"the row is {said(row)}, no list of {wide} values", None, number))
            elif len(row) != wide:
                faults.append(Fault(f"the row has {len(row)} values, and the model takes {wide}", None, number))
        if faults:
            raise Refusal(422, _summary(faults), faults=faults)
        return self._taken(list(zip(*rows, strict=True)))

    def _taken(self, columns: Sequence[Sequence[Any]]) -> list[np.ndarray[Any, Any]]:
        faults: list[Fault] = []
        taken = [column.take(values, faults) for column, values in zip(self.columns, columns, strict=True)]
        if faults:
            raise Refusal(422, _summary(faults), faults=faults)
        return taken

    def _count(self, rows: int) -> None:
        if rows == 0:
            raise Refusal(422, "the request has no rows", "send at least one")
        if rows > self.most:
            raise Refusal(413, f"the request has {rows:,} rows, and {self.most:,} is the most", "send them in parts")

    def _other_columns(self, given: Columns) -> None:
        faults = [
            Fault("the model takes this column, and the request lacks it", name)
            for name in self.names
            if name not in given
        ]
        for name in given:
            if name not in self._set:
                hint = nearest(name[:100], list(self.known))
                shown = name if len(name) <= 60 else f"{name[:57]}…"
                faults.append(Fault(f"the model takes no such column{f'; {hint}' if hint else ''}", shown))
        raise Refusal(422, _summary(faults), f"the columns are {', '.join(self.names[:30])}", faults)


def _summary(faults: Sequence[Fault]) -> str:
    first = faults[0]
    place = [f"column {first.column}"] if first.column is not None else []
    place += [f"row {first.row}"] if first.row is not None else []
    more = f"; {len(faults) - 1} more faults below" if len(faults) > 1 else ""
    return f"{', '.join(place)}: {first.message}{more}" if place else f"{first.message}{more}"
