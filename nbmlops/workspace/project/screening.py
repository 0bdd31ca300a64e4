"""What a table is about: of what kind its target is, and which columns a model may learn from.

A column is left out when it says nothing (it is empty, or always the same), names the row (as an id does, or free
text), or tells the target alone (`nbmlops.checks.features.leakage`), since that is seldom known in time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbmlops.checks.features.leakage import Question, find
from nbmlops.checks.frames import CheckedTable
from nbmlops.checks.infer import infer
from nbmlops.core.errors import InvalidError, nearest
from nbmlops.workspace.project.records import Kind, Table

if TYPE_CHECKING:
    import polars as pl

__all__ = ["screen"]

_FEWEST = 40
_FEWEST_OF_A_CLASS = 8
_CLASSES = 20
_WHOLE_CLASSES = 10
_SAMPLE = 20_000
_VALUES = 20_000_000
_FREE_TEXT = 0.5
# To look at each of more columns alone would take minutes; the pipeline does it all the same.
_WIDE = 2_000
_PARTS = ("month", "weekday", "hour")


def screen(table: CheckedTable, target: str, name: str) -> Table:
    """Look at a table.

    Raises
    ------
    InvalidError
        When the target is missing or cannot be predicted, there are too few rows, or no column to learn from.
    """
    if target not in table.names:
        few = ", ".join(table.names[:20])
        raise InvalidError(f"the table has no column {target!r}", hint=nearest(target, table.names) or f"it has {few}")
    rows = table.height()
    if rows < _FEWEST:
        told = "1 row" if rows == 1 else f"{rows:,} rows"
        raise InvalidError(f"the table has {told}; at least {_FEWEST} are needed to learn and to judge")
    # The target is looked at whole; the others by a sample that fits in memory, the same each time.
    kind, known, common = _kind_of(table.frame([target]).collect().get_column("c0"), target)
    sample = _sample(table, rows)
    left_out = dict(_useless(sample, target))
    left_out |= _leaks(sample.drop(list(left_out)), target)
    columns = [column for column in sample if column.name not in left_out and column.name != target]
    times = [column.name for column in columns if column.dtype.is_temporal()]
    for column in list(times):
        if clash := next((f"{column}_{part}" for part in _PARTS if f"{column}_{part}" in sample.columns), None):
            left_out[column] = f"its parts would be called as the column {clash} is"
            times.remove(column)
    numbers = [column.name for column in columns if column.dtype.is_numeric() or str(column.dtype) == "Boolean"]
    categories = [column.name for column in columns if str(column.dtype) in ("String", "Categorical")]
    if not (numbers or categories or times):
        why = "; ".join(f"{column}: {reason}" for column, reason in list(left_out.items())[:5])
        raise InvalidError(f"no column is left to learn from: {why or 'the target is the only one'}")
    return Table(
        *(target, kind, rows, known, common, tuple(numbers), tuple(categories), tuple(times)),
        left_out=left_out,
        suite=str(infer([table], name)),
    )


def _sample(table: CheckedTable, rows: int) -> pl.DataFrame:
    """At most about so many rows, drawn by a fixed seed, by the names of the table."""
    import polars as pl

    most = max(_FEWEST, min(_SAMPLE, _VALUES // len(table.names)))
    frame = table.frame(table.names)
    if rows > most:
        # Not every so many: what comes in turns would be seen in part only.
        frame = frame.filter(pl.int_range(pl.len()).hash(seed=0) % -(-rows // most) == 0)
    found: pl.DataFrame = frame.collect(engine="streaming")
    found.columns = list(table.names)
    return found


def _kind_of(column: pl.Series, target: str) -> tuple[Kind, int, float]:
    """What there is to predict, how many rows say it, and the share of the most frequent class."""
    known = column.drop_nulls()
    if column.dtype.is_float():
        known = known.drop_nans()
    if len(known) * 2 < len(column):
        raise InvalidError(
            f"the target {target} is null in {1 - len(known) / len(column):.0%} of the rows",
            hint="leave out the rows that do not have it, or name another column",
        )
    distinct = known.n_unique()
    if distinct < 2:
        raise InvalidError(
            f"the target {target} is always {known[0]!r}: there is nothing to predict", hint="name another column"
        )
    number = column.dtype.is_numeric()
    if distinct == len(known) and not column.dtype.is_float() and (not number or _counts_rows(known)):
        raise InvalidError(
            f"the target {target} has another value in every row, as an id has", hint="name another column"
        )
    if column.dtype.is_temporal() or column.dtype.is_nested():
        raise InvalidError(
            f"the target {target} holds {column.dtype}, which no baseline predicts", hint="name another column"
        )
    if number and distinct > (2 if column.dtype.is_float() else _WHOLE_CLASSES):
        return "regression", len(known), 0.0
    if distinct > _CLASSES:
        raise InvalidError(
            f"the target {target} has {distinct:,} different values, which are too many classes",
            hint=f"a target is a number, or one of at most {_CLASSES} values",
        )
    counts = known.value_counts(sort=True, name="rows")
    least = counts.row(-1, named=True)
    if least["rows"] < _FEWEST_OF_A_CLASS:
        raise InvalidError(
            f"the target {target} is {least[column.name]!r} in {least['rows']} rows only: too few to judge",
            hint=f"put rare classes together; each needs {_FEWEST_OF_A_CLASS} rows",
        )
    return ("binary" if distinct == 2 else "multiclass"), len(known), counts["rows"][0] / len(known)


def _counts_rows(known: pl.Series) -> bool:
    """Whether whole numbers, all of them different, just count."""
    low, high = known.min(), known.max()
    return isinstance(low, int) and isinstance(high, int) and high - low < 2 * len(known)


def _useless(sample: pl.DataFrame, target: str) -> Iterator[tuple[str, str]]:
    for column in sample:
        if column.name == target:
            continue
        if column.dtype.is_nested() or str(column.dtype) in ("Binary", "Object"):
            yield column.name, f"it holds {column.dtype}"
            continue
        known = column.drop_nulls()
        distinct = known.n_unique()
        if not len(known):
            yield column.name, "it is empty"
        elif distinct == 1 and len(known) == len(column):
            yield column.name, f"it is always {known[0]}"
        elif str(column.dtype) in ("String", "Categorical") and distinct > _FREE_TEXT * len(known):
            yield column.name, "it is an id or free text: almost every row has another value"
        elif column.dtype.is_integer() and distinct == len(column) and _counts_rows(known):
            yield column.name, "it is an id: it counts the rows"


def _leaks(sample: pl.DataFrame, target: str) -> dict[str, str]:
    """The columns that tell the target by themselves."""
    from nbmlops.checks.frames import table_of

    # A class so rare that the sample has none of it is told by no column there.
    if not 2 <= len(sample.columns) <= _WIDE or sample[target].drop_nulls().n_unique() < 2:
        return {}
    outcomes = find(Question(table_of(sample), target))
    return {
        str(one.column): f"it tells the target by itself ({one.figure})"
        for one in outcomes
        if one.column is not None and one.status == "failed"
    }
