"""Files that hold a table, told by their endings: Parquet, and text in lines, which may be compressed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from nbmlops.core.errors import InvalidError
from nbmlops.store.folders import unavailable

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Kind", "TableFile", "kind_of_file"]

Kind = Literal["parquet", "csv", "json"]

_KINDS: dict[str, Kind] = {
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".csv", ".tsv", ".tab"), "csv"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
}
_COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}


def kind_of_file(name: str) -> Kind | None:
    """What table a file of this name holds; None for any other.

    Examples
    --------
    >>> kind_of_file("flights.PARQUET"), kind_of_file("flights.csv.gz"), kind_of_file("notes.txt")
    ('parquet', 'csv', None)
    """
    inner, compression = _endings(name)
    kind = _KINDS.get(inner)
    return None if compression and kind == "parquet" else kind


def _endings(name: str) -> tuple[str, str]:
    path = PurePosixPath(name.lower())
    if path.suffix in _COMPRESSED:
        return PurePosixPath(path.stem).suffix, path.suffix
    return path.suffix, ""


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file to read a table from.

    Attributes
    ----------
    path : Path
        Where it can be opened.
    name : str
        What it is called in messages, and whose ending says what it is; not always the path's own.
    """

    path: Path
    name: str

    @classmethod
    def at(cls, path: Path) -> TableFile:
        """A file that is called as its path is."""
        return cls(path, str(path))

    @property
    def kind(self) -> Kind:
        """What table it holds.

        Raises
        ------
        InvalidError
            When its ending says none.
        """
        kind = kind_of_file(self.name)
        if kind is None:
            raise InvalidError(
                f"{self.name} cannot be read as a table: its ending says none",
                hint="end it in .parquet, .csv, .tsv or .jsonl, the text also in .csv.gz and so on; or leave out --as",
            )
        return kind

    @property
    def is_by_tabs(self) -> bool:
        """Whether its ending says that tabs part the fields of a line."""
        return _endings(self.name)[0] in {".tsv", ".tab"}

    @contextmanager
    def open(self) -> Iterator[pa.NativeFile]:
        """Open it from its start for the body of a ``with``; what is compressed comes out as it was before.

        Raises
        ------
        InvalidError
            When what is compressed is damaged, here or in the body.
        UnavailableError
            When the disk does not give it.
        """
        import pyarrow as pa

        try:
            with pa.OSFile(str(self.path), "rb") as file:
                file.seek(0)  # where a descriptor is opened by its path, some systems keep its place
                compression = _COMPRESSED.get(_endings(self.name)[1])
                yield pa.CompressedInputStream(file, compression) if compression else file
        except OSError as error:
            if error.errno is not None:
                raise unavailable(error, self.name) from error
            said = str(error).splitlines()[0]
            raise InvalidError(f"{self.name} cannot be read: {said}", hint="fetch or pack it again") from error
