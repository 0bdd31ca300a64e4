"""What an outcome rests on: a closed set of small records that can be kept, erased from and drawn.

Evidence is data, never a picture: rows, tables, bars, curves and notes. How it looks is in `views`. What is put in is
made plain (texts, whole numbers, fractions, truth values, None) and bounded, so that each report is small and reads
back as it was written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeAlias

from nbmlops.core.errors import UnsupportedError

__all__ = [
    "BarsEvidence",
    "Cell",
    "CurvesEvidence",
    "Evidence",
    "NoteEvidence",
    "RowsEvidence",
    "TableEvidence",
    "from_json",
    "to_json",
]

Cell: TypeAlias = "str | int | float | bool | None"

ROWS: Final = 100
"""How many rows evidence keeps at most; the rest is only counted."""
_COLUMNS = 40
_TEXT = 400
_POINTS = 512
_BINS = 64
_CURVES = 12
_LARGEST = 10**300
"""Beyond it, sums and quotients are no numbers any more."""


@dataclass(frozen=True, slots=True)
class RowsEvidence:
    """The first offending rows of a table.

    Attributes
    ----------
    columns : tuple of str
        The columns that are shown.
    numbers : tuple of int
        Positions of the rows, from 0.
    values : tuple of tuple
        For each row a value for each column.
    total : int
        How many rows offend in all.
    source : str or None
        The version that the rows are of, such as ``flights@v4``; None for the report's subject.
    """

    columns: tuple[str, ...]
    numbers: tuple[int, ...]
    values: tuple[tuple[Cell, ...], ...]
    total: int
    source: str | None = None

    @classmethod
    def of(
        cls, rows: Mapping[int, Sequence[Any]], columns: Sequence[str], total: int | None = None, source: str = ""
    ) -> RowsEvidence:
        """Keep the first `ROWS` of rows, given as position -> values; `total` counts all, by default these.

        Examples
        --------
        >>> RowsEvidence.of({812: [2000.0, "UA"]}, ["dep_delay", "carrier"], 20).values
        ((2000.0, 'UA'),)
        """
        kept = list(islice(rows.items(), ROWS))
        return cls(
            columns=_texts(columns[:_COLUMNS]),
            numbers=tuple(int(number) for number, _ in kept),
            values=tuple(_cells(values, len(columns)) for _, values in kept),
            total=len(rows) if total is None else int(total),
            source=source or None,
        )


@dataclass(frozen=True, slots=True)
class TableEvidence:
    """A small table, such as the weakest slices; `total` counts all rows that there are."""

    title: str
    columns: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    total: int

    @classmethod
    def of(
        cls, columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "", total: int | None = None
    ) -> TableEvidence:
        """Keep the first `ROWS` rows.

        Examples
        --------
        >>> TableEvidence.of(["slice", "rows", "auc"], [["carrier = UA", 812, 0.61]]).cells
        (('carrier = UA', 812, 0.61),)
        """
        rows = list(rows)
        kept = tuple(_cells(row, len(columns)) for row in rows[:ROWS])
        return cls(_text(title), _texts(columns[:_COLUMNS]), kept, len(rows) if total is None else int(total))


@dataclass(frozen=True, slots=True)
class BarsEvidence:
    """Counts or shares in intervals or of values, of a reference and of what was judged, beside each other.

    Attributes
    ----------
    name, words : str
        What is counted, such as a column, and a phrase about it.
    before, after : tuple of float
        Of the reference and of what was judged, finite and not below 0; of as many bins, or empty.
    bins : tuple of str
        What each bar stands for, such as ``"0 to 10"`` or a value; may be empty.
    """

    name: str
    words: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    bins: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, name: str, before: Iterable[Any] = (), after: Iterable[Any] = (), words: str = "", bins: Iterable[Any] = ()
    ) -> BarsEvidence:
        """Keep the first 64 bars; what is no amount counts as 0.

        Examples
        --------
        >>> BarsEvidence.of("carrier", [3, 1], [2, 2], bins=["UA", "AA"]).after
        (2, 2)
        """
        return cls(_text(name), _text(words), _amounts(before), _amounts(after), _texts(list(bins))[:_BINS])


@dataclass(frozen=True, slots=True)
class CurvesEvidence:
    """Lines over one axis, each a name and its points by x; such as calibration, or quality by age."""

    title: str
    curves: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]

    @classmethod
    def of(cls, title: str, curves: Mapping[str, Iterable[tuple[Any, Any]]]) -> CurvesEvidence:
        """Keep the first 12 curves, thinned to 512 points; points that are no numbers are left out.

        Examples
        --------
        >>> CurvesEvidence.of("calibration", {"model": [(0.1, 0.12), (0.9, 0.8)]}).curves[0][1][1]
        (0.9, 0.8)
        """
        kept = islice(curves.items(), _CURVES)
        return cls(_text(title), tuple((_text(name), _points(points)) for name, points in kept))


@dataclass(frozen=True, slots=True)
class NoteEvidence:
    """A paragraph, such as the end of a traceback."""

    text: str

    @classmethod
    def of(cls, text: str) -> NoteEvidence:
        """Keep the first 4,000 characters.

        Examples
        --------
        >>> NoteEvidence.of("no labels before March").text
        'no labels before March'
        """
        return cls(_text(text, 4_000))


Evidence: TypeAlias = "RowsEvidence | TableEvidence | BarsEvidence | CurvesEvidence | NoteEvidence"


def to_json(evidence: Evidence) -> dict[str, Any]:
    """Evidence as plain JSON values, named by its kind; `from_json` reads it back."""
    match evidence:
        case RowsEvidence():
            return {
                "kind": "rows",
                "columns": list(evidence.columns),
                "numbers": list(evidence.numbers),
                "values": [list(row) for row in evidence.values],
                "total": evidence.total,
                "source": evidence.source,
            }
        case TableEvidence():
            cells = [list(row) for row in evidence.cells]
            columns = list(evidence.columns)
            return {
                "kind": "table",
                "title": evidence.title,
                "columns": columns,
                "cells": cells,
                "total": evidence.total,
            }
        case BarsEvidence():
            named = {"kind": "bars", "name": evidence.name, "words": evidence.words, "bins": list(evidence.bins)}
            return {**named, "before": list(evidence.before), "after": list(evidence.after)}
        case CurvesEvidence():
            curves = [{"name": name, "points": [list(point) for point in points]} for name, points in evidence.curves]
            return {"kind": "curves", "title": evidence.title, "curves": curves}
        case NoteEvidence():
            return {"kind": "note", "text": evidence.text}


def from_json(document: Mapping[str, Any]) -> Evidence:
    """Build the evidence that `to_json` wrote; points that an erasure marked are gone.

    Raises
    ------
    UnsupportedError
        When it is of a kind that this version does not know.
    """
    match document["kind"]:
        case "rows":
            return RowsEvidence(
                tuple(document["columns"]),
                tuple(document["numbers"]),
                tuple(tuple(row) for row in document["values"]),
                document["total"],
                document["source"],
            )
        case "table":
            cells = tuple(tuple(row) for row in document["cells"])
            return TableEvidence(document["title"], tuple(document["columns"]), cells, document["total"])
        case "bars":
            amounts = tuple(document["before"]), tuple(document["after"])
            return BarsEvidence(document["name"], document["words"], *amounts, tuple(document["bins"]))
        case "curves":
            curves = tuple((each["name"], _points(each["points"])) for each in document["curves"])
            return CurvesEvidence(document["title"], curves)
        case "note":
            return NoteEvidence(document["text"])
        case kind:
            raise UnsupportedError(f"this version knows no evidence of the kind {kind!r}", hint="upgrade nbmlops")


def _text(value: Any, longest: int = _TEXT) -> str:
    # Halves of surrogate pairs cannot be written as UTF-8.
    text = str(value)[: longest + 1].encode("utf-8", "replace").decode()
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(_text(value) for value in values)


def _cells(values: Iterable[Any], columns: int) -> tuple[Cell, ...]:
    """The cells of a row, one for each column; those that are not there are None."""
    wanted = min(columns, _COLUMNS)
    cells = [_plain(value) for value in islice(values, wanted)]
    return (*cells, *[None] * (wanted - len(cells)))


def _plain(value: Any) -> Cell:
    """A value as JSON writes it: numpy's own numbers as Python's, what is no number as text, other things as text."""
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    match value:
        case None | bool():
            return value
        case int():
            return int(value) if abs(value) <= _LARGEST else f"{'-' * (value < 0)}more than 1e300"
        case float():
            return float(value) if math.isfinite(value) else str(value)
        case _:
            return _text(value)


def _amounts(values: Iterable[Any]) -> tuple[float, ...]:
    found = []
    for value in islice(values, _BINS):
        amount = _plain(value)
        found.append(min(amount, _LARGEST) if isinstance(amount, int | float) and amount >= 0 else 0)
    return tuple(found)


def _points(points: Iterable[Sequence[Any]]) -> tuple[tuple[float, float], ...]:
    plain = [(_plain(x), _plain(y)) for x, y in points]
    kept = [(x, y) for x, y in plain if isinstance(x, int | float) and isinstance(y, int | float)]
    step = -(-len(kept) // _POINTS) if kept else 1
    return tuple(kept[::step])
