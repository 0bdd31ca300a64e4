"""The user's file as a table: read part by part as a save reads it, and laid down as Parquet to be asked again."""

from __future__ import annotations

from pathlib import Path

from nbmlops.checks.frames import CheckedTable, table_of
from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.data.table_files import TableFile

__all__ = ["read_csv"]


def read_csv(path: Path, scratch: Path) -> CheckedTable:
    """Read a CSV file, whatever its size, with the types that a save of it would give its columns.

    Parameters
    ----------
    path : Path
        The file.
    scratch : Path
        A folder for what is laid down, which has to last as long as the table is used.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InvalidError
        When it is no CSV file, is empty, names a column twice, or cannot be read; with the line.
    """
    import pyarrow.parquet as pq

    from nbmlops.data.csv_reading import CsvReading, Widened

    if not path.is_file():
        raise NotFoundError(f"there is no file {path}", hint="--data names a CSV file, such as flights.csv")
    file = TableFile.at(path)
    if file.kind != "csv":
        raise InvalidError(f"{path} is no CSV file", hint="write it as one: .csv, .tsv, also .csv.gz")
    reading, laid = CsvReading(file), scratch / "table.parquet"
    while True:
        try:
            with pq.ParquetWriter(laid, reading.schema, compression="lz4") as writer:
                for part in reading.parts():
                    writer.write_table(part.cast(reading.schema))
        except Widened:
            continue  # a later row needed a wider type: all is read anew with it
        return table_of(laid)
