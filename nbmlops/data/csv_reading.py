"""A table in a CSV file, in parts that fit in memory; types are decided over the whole file before any is handed on.

Arrow reads with the types that the first rows decide. Where a later row needs a wider one, the file is read once more
as text to widen it, and then anew (`Widened`); where a row is broken, or nothing wider takes a value, the file is read
once more, row by row, to say in which line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.data import csv_faults, csv_types
from nbmlops.data.frames import refuse_names
from nbmlops.data.table_files import TableFile

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CsvReading", "Widened"]

_BLOCK = 2 << 20


class Widened(Exception):  # noqa: N818 - no error: reading begins again
    """The schema was too narrow and is wider now; what was read is void."""


class CsvReading:
    """One way through a CSV file.

    Parameters
    ----------
    file : TableFile
        The file: UTF-8, a header in its first line, fields parted by commas; by tabs when its ending says so, or by
        semicolons or tabs when its header has no comma but those.

    Raises
    ------
    InvalidError
        When it is empty, names a column twice, or cannot be read; with the line.
    """

    def __init__(self, file: TableFile) -> None:
        self._file = file
        self._delimiter, self._skipped, self._names = _header(file)
        self._types = csv_types.decided(self._first_rows())

    @property
    def schema(self) -> pa.Schema:
        """The columns and their types, as far as they are known now."""
        import pyarrow as pa

        return pa.schema([(name, self._types[name]) for name in self._names])

    def parts(self) -> Iterator[pa.Table]:
        """The rows, in order.

        Raises
        ------
        Widened
            When a row needs a wider type; then `schema` has it, and this is to be called again.
        InvalidError
            When a row cannot be read; with the line.
        """
        import pyarrow as pa

        schema, ending = self.schema, ""
        try:
            for batch in self._batches(self._types):
                ending = str(batch.column(-1)[-1]) if batch.num_rows else ending
                yield _without_empty_text(batch)
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            self._explain(error)
            if self.schema.equals(schema):
                raise self._unread(error) from None
            raise Widened from None
        if "\n" in ending:  # to Arrow a quote may be closed by the end of the file
            csv_faults.refuse_broken(self._file, self._delimiter, len(self._names))

    def _explain(self, error: Exception) -> None:
        """Say what is wrong, or widen the types."""
        import pyarrow as pa

        csv_faults.refuse_broken(self._file, self._delimiter, len(self._names))
        try:
            self._widen()
        except pa.ArrowInvalid:
            raise self._unread(error) from None

    def _unread(self, error: Exception) -> InvalidError:
        return InvalidError(
            f"{self._file.name} cannot be read as CSV: {str(error).splitlines()[0]}",
            hint="save the file as it is, without --as table",
        )

    def _widen(self) -> None:
        """Find types that take every row.

        Raises
        ------
        InvalidError
            When there is none for a column; with the line.
        """
        import pyarrow as pa

        types, begin = dict(self._types), 0
        rounded = {name: False for name, kind in types.items() if kind == pa.int64()}
        for rows in self._batches(dict.fromkeys(self._names, pa.string())):
            for name, column in zip(rows.column_names, rows.columns, strict=True):
                if pa.types.is_string(types[name]):
                    continue
                kind = csv_types.wider(column, types[name])
                if name in rounded and not csv_types.is_exact(column):
                    rounded[name] = True
                # Whole numbers that floating point would round do not go together with fractions.
                if kind is None or (kind == pa.float64() and rounded.get(name)):
                    row = csv_types.first_unlike(column, types[name])
                    raise self._mixed(name, types[name], begin + row, column[row].as_py())
                types[name] = kind
            begin += rows.num_rows
        self._types = types

    def _mixed(self, name: str, kind: pa.DataType, row: int, value: str) -> InvalidError:
        line = csv_faults.line_of(self._file, self._delimiter, row, len(self._names))
        held = csv_types.WORDS.get(str(kind), "times")
        shown = value if len(value) <= 40 else f"{value[:39]}…"
        return InvalidError(
            f"{self._file.name}, line {line}: {shown!r} stands in the column {name!r}, which holds {held} before",
            hint=f"mend it, or save what you read yourself, as by pd.read_csv(…, dtype={{{name!r}: str}})",
        )

    def _first_rows(self) -> pa.Table:
        """The rows that decide the types, as text."""
        import pyarrow as pa

        text = dict.fromkeys(self._names, pa.string())
        found, count = [pa.schema(text.items()).empty_table()], 0
        try:
            for batch in self._batches(text):
                found.append(batch)
                count += batch.num_rows
                if count >= csv_types.DECIDING:
                    break
        except pa.ArrowInvalid as error:
            csv_faults.refuse_broken(self._file, self._delimiter, len(self._names))
            raise self._unread(error) from None
        return pa.concat_tables(found).slice(0, csv_types.DECIDING)

    def _batches(self, types: Mapping[str, pa.DataType]) -> Iterator[pa.Table]:
        import pyarrow as pa
        from pyarrow import csv

        how: dict[str, Any] = {
            "read_options": csv.ReadOptions(block_size=_BLOCK, skip_rows=self._skipped),
            "parse_options": csv.ParseOptions(
                delimiter=self._delimiter,
                newlines_in_values=True,
                # Of one column an empty line is a row; of more it is none.
                ignore_empty_lines=len(self._names) > 1,
            ),
            "convert_options": csv_types.options(types),
        }
        with self._file.open() as source, csv.open_csv(source, **how) as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])


def _header(file: TableFile) -> tuple[str, int, list[str]]:
    """What parts the fields, how many lines stand before the header, and the names of the columns."""
    delimiter = "\t" if file.is_by_tabs else ","
    first = csv_faults.first_row(file, delimiter)
    if first is not None and len(first[1]) == 1 and not file.is_by_tabs:
        delimiter = next((mark for mark in ";\t" if mark in first[1][0]), delimiter)
        first = csv_faults.first_row(file, delimiter)
    if first is None:
        raise InvalidError(f"{file.name} is empty: it has no header", hint="nothing was saved")
    line, names = first
    refuse_names(names, f"{file.name}, line {line}: the header")
    return delimiter, line - 1, names


def _without_empty_text(rows: pa.Table) -> pa.Table:
    """The rows with null in the place of text without a letter."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for number, field in enumerate(rows.schema):
        if pa.types.is_string(field.type):
            empty = pc.equal(pc.binary_length(rows.column(number)), 0)
            if pc.any(empty).as_py():
                column = pc.if_else(empty, pa.scalar(None, pa.string()), rows.column(number))
                rows = rows.set_column(number, field, column)
    return rows
