"""Copies of the catalog in one file, and catalogs made of them again; the format is in ``docs/formats/backup.md``.

The file says facts and nothing of the engine that kept them, so what was copied from SQLite may be restored on
PostgreSQL. The bytes of versions are not in it: they lie in the store's packs, which are files as they are.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, Column, Float, MetaData, Table, delete, func, insert, select, text, type_coerce

from nbmlops.core.errors import ConflictError, CorruptError, NotFoundError, UnavailableError, UnsupportedError
from nbmlops.store import schema
from nbmlops.store.catalog import Catalog
from nbmlops.store.instants import Instant
from nbmlops.store.records import Backup

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["back_up", "keep_older", "restore"]

_PROTOCOL = 1
_HEAD = "backup.json"
# What lies in this store and its journals here: that is so whatever was known once, and is found out from the files.
_OF_PLACE = frozenset({"chunk", "journal", "object", "removal", "turn", "writer"})
_AT_ONCE = 5_000
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}

Progress = Callable[[int], None]
_Rows = list[dict[str, Any]]


def back_up(catalog: Catalog, target: Path, progress: Progress | None = None) -> Backup:
    """Copy the catalog, as it is at one moment, into a new file; others may write to it meanwhile.

    Parameters
    ----------
    catalog : Catalog
        What to copy.
    target : Path
        The file; one that is there already is left alone.
    progress : callable, optional
        Told the bytes of each few rows, as they are written there before compression.

    Raises
    ------
    ConflictError
        When the file is there already.
    UnavailableError
        When it cannot be written, or the catalog is away.
    """
    if target.exists():
        raise ConflictError(f"{target} is there already", hint="give the backup another name")
    if not target.parent.is_dir():
        raise NotFoundError(f"there is no folder {target.parent}", hint=f"mkdir -p {target.parent}")
    counts = _kept(target, lambda file: catalog.read(lambda connection: _write(connection, file, progress)))
    return Backup(str(target), schema.HEAD, sum(counts.values()), target.stat().st_size)


def keep_older(connection: Connection, revision: str, target: Path) -> None:
    """Copy a catalog that has the tables of an older revision, as they are, before they are changed."""
    older = MetaData()
    older.reflect(connection)
    tables = [table for table in older.sorted_tables if table.name not in _OF_PLACE | {"alembic_version"}]
    target.unlink(missing_ok=True)
    _kept(target, lambda file: _write(connection, file, None, tables, revision))


def restore(catalog: Catalog, source: Path, *, replace: bool = False, progress: Progress | None = None) -> Backup:
    """Make a catalog what it was when a backup was taken, all of it or, when anything fails, nothing.

    Parameters
    ----------
    catalog : Catalog
        What is restored.
    source : Path
        The backup.
    replace : bool
        Whether what is in the catalog now may go.
    progress : callable, optional
        Told the bytes of each few rows, as they are written there before compression.

    Raises
    ------
    NotFoundError
        When there is no such file.
    CorruptError
        When it is no backup, or damaged.
    UnsupportedError
        When a newer nbmlops wrote it.
    ConflictError
        When the catalog holds something and `replace` is not set.
    """
    with _opened(source) as archive:
        head = _head(archive, source)
        read = partial(_rows, archive, head, source, progress)
        if head["revision"] == schema.HEAD:
            rows = _restored(catalog, lambda table: read(table.name), replace=replace)
        else:
            rows = _by_way_of_its_time(catalog, head, read, replace=replace)
    return Backup(str(source), head["revision"], rows, source.stat().st_size)


def _kept(target: Path, write: Callable[[IO[bytes]], dict[str, int]]) -> dict[str, int]:
    """Let a new file be written, which is there as a whole or not at all; how many rows of each table are in it."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            counts = write(file)
            file.flush()
            os.fsync(file.fileno())
        # Of two at once one wins, and neither is written over.
        os.link(temporary, target)
    except FileExistsError as error:
        raise ConflictError(f"{target} is there already", hint="give the backup another name") from error
    except OSError as error:
        raise UnavailableError(f"cannot write {target}: {error.strerror}", hint="free some space") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    return counts


def _write(
    connection: Connection,
    file: IO[bytes],
    progress: Progress | None,
    tables: Sequence[Table] | None = None,
    revision: str = schema.HEAD,
) -> dict[str, int]:
    counts: dict[str, int] = {}
    digests: dict[str, str] = {}
    columns: dict[str, list[list[str]]] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for table in _facts() if tables is None else tables:
            columns[table.name] = [[column.name, _kind(column)] for column in table.columns]
            counts[table.name], digest = 0, hashlib.sha256()
            with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as sink:
                for some in _read(connection, table):
                    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in some)
                    content = lines.encode("utf-8", "surrogatepass")
                    digest.update(content)
                    sink.write(content)
                    counts[table.name] += len(some)
                    if progress:
                        progress(len(content))
            digests[table.name] = digest.hexdigest()
        head = {"nbmlops-backup": _PROTOCOL, "revision": revision, "columns": columns}
        archive.writestr(_HEAD, json.dumps({**head, "rows": counts, "digests": digests}, indent=1))
    return counts


def _facts() -> list[Table]:
    return [table for table in schema.metadata.sorted_tables if table.name not in _OF_PLACE]


def _kind(column: Column[Any]) -> str:
    if isinstance(column.type, JSON):
        return "json"
    return "float" if isinstance(column.type, Float) else "plain"


def _read(connection: Connection, table: Table) -> Iterator[list[list[Any]]]:
    """Rows of a table by its key, some at a time; instants as the numbers that are kept."""
    wanted = [type_coerce(c, BigInteger) if isinstance(c.type, Instant) else c for c in table.columns]
    query = select(*wanted).order_by(*table.primary_key.columns)
    result = connection.execution_options(yield_per=_AT_ONCE).execute(query)
    for some in result.partitions():
        yield [[_told(value) for value in row] for row in some]


def _told(value: Any) -> Any:
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def _opened(source: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {source}", hint="`ml store backup FILE` makes one") from error
    except (zipfile.BadZipFile, EOFError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise _damaged(source, str(error)) from error


def _head(archive: zipfile.ZipFile, source: Path) -> dict[str, Any]:
    try:
        head: dict[str, Any] = json.loads(archive.read(_HEAD))
        protocol = head["nbmlops-backup"]
    except (KeyError, ValueError, TypeError) as error:
        raise _damaged(source, "it is no backup of a catalog") from error
    from nbmlops.store import migrate

    if protocol != _PROTOCOL or head["revision"] not in migrate.revisions():
        raise UnsupportedError(f"a newer nbmlops wrote {source}", hint="pip install --upgrade nbmlops")
    return head


def _rows(
    archive: zipfile.ZipFile, head: Mapping[str, Any], source: Path, progress: Progress | None, name: str
) -> Iterator[_Rows]:
    """Rows of a table, some at a time; after the last one, what was read is held against its digest."""
    columns, count, digest = head["columns"].get(name, []), 0, hashlib.sha256()
    if not columns:
        return
    with archive.open(f"{name}.jsonl") as lines:
        while some := list(islice(lines, _AT_ONCE)):
            for line in some:
                digest.update(line)
            count += len(some)
            if progress:
                progress(sum(map(len, some)))
            yield [_row(line, columns, source) for line in some]
    if count != head["rows"][name] or digest.hexdigest() != head["digests"][name]:
        raise _damaged(source, f"the table {name} is not what was written")


def _row(line: bytes, columns: Sequence[Sequence[str]], source: Path) -> dict[str, Any]:
    try:
        values = json.loads(line.decode("utf-8", "surrogatepass"))
        return {
            column: _NOT_FINITE[value] if kind == "float" and isinstance(value, str) else value
            for (column, kind), value in zip(columns, values, strict=True)
        }
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(source, f"a row cannot be read: {error}") from error


def _restored(catalog: Catalog, rows: Callable[[Table], Iterable[_Rows]], *, replace: bool) -> int:
    # Instants are numbers here, as they are in the file.
    plain = MetaData()
    tables = [_plain(table, plain) for table in _facts()]

    def work(connection: Connection) -> int:
        held = [table.name for table in tables if connection.execute(select(table).limit(1)).first() is not None]
        if held and not replace:
            raise ConflictError(
                f"the catalog is not empty: it holds {', '.join(held[:3])}",
                hint="`ml store restore FILE --replace` lets all of that go",
            )
        for table in reversed(tables):
            connection.execute(delete(table))
        total = 0
        for table in tables:
            for some in rows(table):
                connection.execute(insert(table), some)
                total += len(some)
        if connection.dialect.name == "postgresql":
            _count_on(connection)
        return total

    return catalog.transact(work)


def _plain(table: Table, metadata: MetaData) -> Table:
    columns = [Column(c.name, BigInteger if isinstance(c.type, Instant) else c.type) for c in table.columns]
    return Table(table.name, metadata, *columns)


def _count_on(connection: Connection) -> None:
    """Let PostgreSQL number new rows after those that came with their numbers."""
    for table in schema.metadata.sorted_tables:
        identity = table.autoincrement_column
        if identity is not None:
            last = connection.execute(select(func.max(identity))).scalar() or 0
            sequence = text("SELECT setval(pg_get_serial_sequence(:table, :column), :next, false)")
            connection.execute(sequence, {"table": table.name, "column": identity.name, "next": last + 1})


def _by_way_of_its_time(
    catalog: Catalog, head: Mapping[str, Any], read: Callable[[str], Iterable[_Rows]], *, replace: bool
) -> int:
    """Restore what an older nbmlops wrote: into a catalog of its time, which then is brought to this one's tables."""
    from nbmlops.store import migrate

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/catalog.db"
        migrate.upgrade(url, head["revision"])
        with closing(Catalog(url)) as older:
            older.transact(lambda connection: _fill(connection, head["columns"], read))
        migrate.upgrade(url)
        with closing(Catalog(url)) as newer:
            return newer.read(lambda c: _restored(catalog, lambda table: _of_table(c, table), replace=replace))


def _fill(connection: Connection, names: Iterable[str], read: Callable[[str], Iterable[_Rows]]) -> None:
    there = MetaData()
    there.reflect(connection, only=list(names))
    for table in there.sorted_tables:
        for some in read(table.name):
            connection.execute(insert(table), some)


def _of_table(connection: Connection, table: Table) -> Iterator[_Rows]:
    ordered = schema.metadata.tables[table.name]
    for some in _read(connection, ordered):
        names = [column.name for column in ordered.columns]
        kinds = [_kind(column) for column in ordered.columns]
        yield [
            {
                name: _NOT_FINITE[value] if kind == "float" and isinstance(value, str) else value
                for name, kind, value in zip(names, kinds, row, strict=True)
            }
            for row in some
        ]


def _damaged(source: Path, why: str) -> CorruptError:
    return CorruptError(f"{source} cannot be restored: {why}", hint="take another backup")
