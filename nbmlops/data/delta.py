"""Delta tables that stay where they are, read at the version that was tracked.

By Delta Lake's protocol (https://github.com/delta-io/delta/blob/master/PROTOCOL.md) a log of JSON files below
``_delta_log`` says which Parquet files are active in each version; a file is written once, and never again. So the
version, and the names and sizes of its active files, tell the content.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote

from nbmlops.core.errors import ConflictError, DependencyError, NbmlopsError, UnavailableError, UnsupportedError
from nbmlops.data.tracked import Entry
from nbmlops.data.where import Condition
from nbmlops.store.patience import Patience
from nbmlops.store.url_errors import without_secrets

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds
    from deltalake import DeltaTable

    from nbmlops.data.where import Bound

__all__ = ["DeltaAt", "is_delta"]

_LOG = "_delta_log/"
_ROWS_AT_ONCE = 1 << 17


def is_delta(paths: Mapping[str, object]) -> bool:
    """Whether a folder that has files at these paths is a Delta table."""
    return any(path.startswith(_LOG) for path in paths)


class DeltaAt:
    """A version of a Delta table.

    Parameters
    ----------
    where : str
        Its address, or its absolute path.
    shown : str
        What it is called in messages.
    version : int, optional
        Which version; the newest by default.

    Raises
    ------
    DependencyError
        When the package that reads Delta tables is not installed.
    ConflictError
        When that version is not there any more.
    UnavailableError
        When it cannot be read now.
    """

    def __init__(self, where: str, shown: str, version: int | None = None) -> None:
        try:
            import deltalake
        except ImportError as error:
            raise DependencyError(
                f"{shown} is a Delta table, and the package that reads them is not installed",
                hint="pip install 'nbmlops[delta]'",
            ) from error
        self._shown = shown
        try:
            self._table: DeltaTable = deltalake.DeltaTable(where, version=version, storage_options=_options(shown))
        except Exception as error:
            if version is not None and isinstance(error, deltalake.exceptions.DeltaError):
                raise ConflictError(
                    f"version {version} of the Delta table {shown} is not there any more: {_said(error)}",
                    hint="track it again, or restore its log",
                ) from error
            raise UnavailableError(f"the Delta table {shown} cannot be read: {_said(error)}") from error

    @property
    def version(self) -> int:
        """Its number in the table's log."""
        return self._table.version()

    def active(self, there: Mapping[str, object]) -> dict[str, Entry]:
        """The files that are active in it, with their sizes and without digests; `there` are the paths of all files.

        Raises
        ------
        UnsupportedError
            When one lies outside of the table, as in a shallow clone.
        """
        import pyarrow as pa

        actions = pa.table(self._table.get_add_actions()).select(["path", "size_bytes"]).to_pylist()
        files = {}
        for action in actions:
            path = action["path"]
            if "://" in path or path.startswith("/"):
                raise UnsupportedError(
                    f"the Delta table {self._shown} has files outside of it, as {path}",
                    hint="track the table that it was cloned from",
                )
            # The log has names as URLs write them, a folder of this machine as they are, or the same.
            files[path if path in there else unquote(path)] = Entry("", action["size_bytes"])
        return files

    def described(self) -> dict[str, Any]:
        """Rows and columns, for the catalog."""
        with self._dataset() as dataset:
            columns = [[field.name, str(field.type), field.nullable] for field in dataset.schema]
            return {"rows": dataset.count_rows(), "columns": columns}

    def write(self, sink: BinaryIO, columns: Sequence[str] | None, where: str | None) -> int:
        """Write rows as one Parquet file, in parts that fit in memory; how many.

        Parameters
        ----------
        sink : BinaryIO
            An empty file of this machine.
        columns : sequence of str, optional
            Columns that are needed, besides those of the condition.
        where : str, optional
            A condition; rows that cannot meet it may be left out.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        with self._dataset() as dataset:
            condition = None if where is None else Condition(where, dataset.schema)
            names = (
                None if columns is None else list(dict.fromkeys([*columns, *(condition.columns if condition else ())]))
            )
            chosen = None if condition is None else _pushed(condition.bounds, dataset.schema)
            schema = dataset.schema if names is None else pa.schema([dataset.schema.field(name) for name in names])
            rows = 0
            with pa.OSFile(f"/dev/fd/{sink.fileno()}", "wb") as file, pq.ParquetWriter(file, schema) as writer:
                for batch in dataset.to_batches(columns=names, filter=chosen, batch_size=_ROWS_AT_ONCE):
                    writer.write_batch(batch)
                    rows += batch.num_rows
                if not rows:
                    writer.write_table(schema.empty_table())
            return rows

    @contextmanager
    def _dataset(self) -> Iterator[ds.Dataset]:
        from deltalake.exceptions import DeltaProtocolError

        try:
            yield self._table.to_pyarrow_dataset()
        except NbmlopsError:
            raise
        except DeltaProtocolError as error:
            raise UnsupportedError(
                f"the Delta table {self._shown} uses what cannot be read: {_said(error)}",
                hint="such as deletion vectors: rewrite it without (REORG TABLE … APPLY (PURGE))",
            ) from error
        except OSError as error:
            raise UnavailableError(f"the Delta table {self._shown} cannot be read: {_said(error)}") from error


def _options(shown: str) -> dict[str, str]:
    """What the reader takes besides the environment, where it finds the credentials."""
    plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    return {"timeout": f"{Patience(shown).timeout}s", **({"allow_http": "true"} if plain else {})}


def _said(error: Exception) -> str:
    return without_secrets((str(error) or type(error).__name__).splitlines()[0])


def _pushed(bounds: Sequence[Bound], schema: pa.Schema) -> ds.Expression | None:
    """What surely holds wherever a condition does, as Arrow leaves out files and rows by it; None for nothing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found: pc.Expression | None = None
    for bound in bounds:
        kind = schema.field(bound.column).type
        # Floats are left alone: Arrow and conditions do not agree where "not a number" stands.
        of_numbers = pa.types.is_integer(kind) and type(bound.value) is int
        if not of_numbers and not (pa.types.is_string(kind) and isinstance(bound.value, str)):
            continue
        column, value = pc.field(bound.column), pa.scalar(bound.value)
        one = {
            ast.Eq: column == value,
            ast.Lt: column < value,
            ast.LtE: column <= value,
            ast.Gt: column > value,
            ast.GtE: column >= value,
        }[bound.operator]
        found = one if found is None else found & one
    return found
