"""Where loaded content is written when it is to be a file: never over something else by accident."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from nbmlops.core.errors import ConflictError, InvalidError
from nbmlops.data import files
from nbmlops.data.table_files import kind_of_file

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Rows", "given_as", "refuse_ending", "target_of", "write_table"]


class Rows(NamedTuple):
    """What of a table is asked for."""

    columns: Sequence[str] | None
    where: str | None
    sample: int | None


def given_as(table: pa.Table, wanted: str) -> Any:
    """A table as what is wanted: pandas, polars, or as it is."""
    if wanted == "pandas":
        return table.to_pandas()
    if wanted == "polars":
        import polars as pl

        return pl.from_arrow(table)
    return table


def target_of(to: str | Path, own_name: str, *, overwrite: bool) -> Path:
    """The file or folder to write: `to`, or in a folder that is there the content under its own name.

    Raises
    ------
    InvalidError
        When `to` is empty.
    ConflictError
        When something is there already and may not be overwritten.
    """
    if not str(to):
        raise InvalidError("the path to write to is empty", hint=f"`ml data load REF --to {own_name}`")
    target = Path(to) / own_name if Path(to).is_dir() else Path(to)
    if not overwrite and (target.exists() or target.is_symlink()):
        raise ConflictError(
            f"{target} is there already; nothing was written", hint="write elsewhere, or add --overwrite"
        )
    return target


def refuse_ending(to: str | Path | None, ending: str, what: str) -> None:
    """Refuse a file to write to that ends in something else; a folder is none.

    Raises
    ------
    InvalidError
        When it does.
    """
    if to is not None and str(to) and not Path(to).is_dir() and Path(to).suffix.lower() != ending:
        raise InvalidError(f"cannot write {what} as {Path(to).suffix or Path(to).name!r}", hint=f"end it in {ending}")


def write_table(schema: pa.Schema, parts: Iterable[pa.Table], target: Path) -> None:
    """Write the parts of a table as Parquet or CSV, as the ending of `target` says, whole or not at all.

    Raises
    ------
    InvalidError
        When the ending is another.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

    if target.suffix.lower() not in {".parquet", ".pq", ".csv"}:
        raise InvalidError(
            f"cannot write a table as {target.suffix or target.name!r}", hint="end it in .parquet or .csv"
        )
    open_writer = pq.ParquetWriter if kind_of_file(target.name) == "parquet" else csv.CSVWriter

    def write(file: IO[bytes]) -> None:
        # Arrow opens the file for itself: it must not write through Python, see `layout.write`.
        with pa.OSFile(f"/dev/fd/{file.fileno()}", "wb") as sink, open_writer(sink, schema) as writer:
            for part in parts:
                writer.write_table(part.cast(schema) if part.schema != schema else part)

    files.write_atomically(target, write)
