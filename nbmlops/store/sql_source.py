"""A database that people name by its URL, read by one query: in a transaction that only reads, some rows at a time.

The URL is one of SQLAlchemy: ``dialect+driver://user:password@host:port/database?options``. Only the dialect, host,
port and database of one are shown and recorded; its password is remembered while the process lives, and taken out of
whatever is recorded. Better it comes from where the driver looks for it, such as ``PGPASSWORD`` or ``~/.pgpass``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from nbmlops.core.errors import DependencyError, InvalidError, NbmlopsError, NotFoundError, UnavailableError
from nbmlops.store.addresses import remember
from nbmlops.store.url_errors import without_secrets

if TYPE_CHECKING:
    from sqlalchemy import CursorResult

__all__ = ["Answer", "Heading", "asked"]

_PACKAGES = {"psycopg": "'nbmlops[postgres]'", "MySQLdb": "mysqlclient", "cx_Oracle": "oracledb"}
# Words that a statement begins with which is no question; what else would write, the database itself refuses.
_WRITES = frozenset(
    "alter analyze attach begin call commit copy create delete detach do drop grant insert lock merge reindex replace "
    "revoke set truncate update upsert vacuum".split()
)
_FIRST_WORD = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*([A-Za-z]+)", re.DOTALL)
_ONLY_READS = "ask for rows, as in 'select * from flights'; nothing is changed in a database"
_SAID = 600
_OURS = re.compile(r'DECLARE "\w+" CURSOR FOR ')
# What the columns of PostgreSQL are, by the numbers of their types in its catalog pg_type.
_POSTGRESQL = {
    16: "bool",
    17: "bytes",
    20: "int64",
    21: "int16",
    23: "int32",
    25: "text",
    114: "json",
    700: "float32",
    701: "float64",
    1042: "text",
    1043: "text",
    1082: "date",
    1083: "time",
    1114: "timestamp",
    1184: "instant",
    1186: "interval",
    1700: "decimal",
    2950: "text",
    3802: "json",
}


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of an answer: its name, and its type as far as the database tells it.

    `kind` is empty where only the values tell; `precision` and `scale` are those of a decimal, None when it has none.
    """

    name: str
    kind: str = ""
    precision: int | None = None
    scale: int | None = None


class Answer:
    """The rows that a database gives for a query.

    Attributes
    ----------
    where : str
        Its URL as it may be shown.
    headings : tuple of Heading
        The columns.
    """

    def __init__(self, where: str, result: CursorResult[Any], secrets: Sequence[str]) -> None:
        self.where = where
        self.headings = _headings(result)
        self._result = result
        self._secrets = secrets

    def rows(self, count: int) -> list[tuple[Any, ...]]:
        """The next rows, as many as that at most; none when all were given.

        Raises
        ------
        InvalidError
            When the database gives no further row for a reason that lies in the query or in a value.
        UnavailableError
            When it has gone away.
        """
        with _explained(self.where, self._secrets):
            return [tuple(row) for row in self._result.fetchmany(count)]


@contextmanager
def asked(url: str, query: str) -> Iterator[Answer]:
    """What a database answers to a query, for the body of a ``with``; no transaction is left behind.

    Raises
    ------
    InvalidError
        When the URL or the query is not acceptable, the latter to us or to the database.
    NotFoundError
        When there is no such file of SQLite.
    DependencyError
        When the driver is not installed.
    UnavailableError
        When the database cannot be reached, or goes away.
    """
    first = _FIRST_WORD.match(query)
    if first is None:
        raise InvalidError("the query is empty", hint=_ONLY_READS)
    if first[1].lower() in _WRITES:
        raise InvalidError(f"this is no query for rows: it begins with {first[1].upper()}", hint=_ONLY_READS)
    parsed = _parsed(url)
    where, secrets = _shown(parsed), _secrets(url, parsed)
    engine = _engine(parsed, where)
    try:
        with _connected(engine, where, secrets) as connection:
            with _explained(where, secrets):
                options = {"no_parameters": True, "stream_results": True}
                result = connection.exec_driver_sql(query, execution_options=options)
            try:
                if not result.returns_rows:
                    raise InvalidError(f"{where} gives no rows for this query", hint=_ONLY_READS)
                yield Answer(where, result, secrets)
            finally:
                with suppress(SQLAlchemyError):  # what has gone away is closed already
                    result.close()
    finally:
        engine.dispose()


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):  # it tells all of the URL, and so the password
        raise InvalidError(
            "this is no URL of a database", hint="postgresql://host/database, sqlite:///file.db, mysql://host/database"
        ) from None


def _shown(url: URL) -> str:
    plain = URL.create(url.drivername, host=url.host, port=url.port, database=url.database)
    return plain.render_as_string(hide_password=True)


def _secrets(url: str, parsed: URL) -> tuple[str, ...]:
    """What of a URL must not be said, the longest first."""
    rest = url.partition("://")[2]
    login = rest[: rest.index("@")] if parsed.password is not None else ""
    password = "" if parsed.password is None else str(parsed.password)
    remember(password, rest.partition("?")[2], login)
    hidden = [value for each in parsed.query.values() for value in ([each] if isinstance(each, str) else each)]
    return tuple(sorted({each for each in (url, login, password, *hidden) if each}, key=len, reverse=True))


def _engine(url: URL, where: str) -> Engine:
    common: dict[str, Any] = {"poolclass": NullPool, "hide_parameters": True}
    try:
        if url.get_backend_name() == "sqlite" and not url.query:
            return create_engine(url, creator=_sqlite(url, where), **common)
        return create_engine(url, **common)
    except NoSuchModuleError:
        raise InvalidError(
            f"no kind of database is known as {url.drivername!r}",
            hint="postgresql, sqlite, mysql, oracle, mssql; for others, pip install their dialect of SQLAlchemy",
        ) from None
    except ModuleNotFoundError as error:
        package = _PACKAGES.get(error.name or "", error.name)
        raise DependencyError(f"{where} needs the package {error.name}", hint=f"pip install {package}") from error
    except (SQLAlchemyError, TypeError, ValueError):
        raise InvalidError(f"the URL {where} cannot be used", hint="check it; a password is not shown") from None


def _sqlite(url: URL, where: str) -> Any:
    """Opens a file of SQLite for reading only; one that is not there is not made."""
    if not url.database or url.database == ":memory:":
        raise InvalidError(f"{where} names no file, so there is nothing to read", hint="sqlite:///file.db")
    path = Path(url.database)
    if not path.is_file():
        raise NotFoundError(
            f"there is no file {path}", hint="sqlite:///file.db is meant from here, sqlite:////x from /"
        )

    def connect() -> Any:
        import sqlite3

        return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)

    return connect


@contextmanager
def _connected(engine: Engine, where: str, secrets: Sequence[str]) -> Iterator[Connection]:
    """A connection whose transaction only reads, as far as the database knows such, and is rolled back at its end."""
    try:
        connection = engine.connect()
    except SQLAlchemyError as error:
        raise UnavailableError(
            f"{where} cannot be reached: {_said(error, secrets)}",
            hint="check host, database and login; a password is best in the environment or in ~/.pgpass",
        ) from None
    try:
        with _explained(where, secrets):
            if engine.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            elif engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA query_only = ON")
        yield connection
    finally:
        connection.close()


@contextmanager
def _explained(where: str, secrets: Sequence[str]) -> Iterator[None]:
    """Say what the database said, in its words; SQLAlchemy's repeat the query, and a driver's the login."""
    try:
        yield
    except SQLAlchemyError as error:
        said = _said(error, secrets)
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise UnavailableError(f"{where} went away: {said}", hint="try again when it answers") from None
        raise _refused(where, said) from None
    except (ValueError, OverflowError, ArithmeticError) as error:  # a driver that cannot make a value of Python
        raise _refused(where, _said(error, secrets)) from None


def _refused(where: str, said: str) -> NbmlopsError:
    if re.search(r"read.?only|data-modifying", said, re.IGNORECASE):
        return InvalidError(f"{where} refuses to write for a query: {said}", hint=_ONLY_READS)
    return InvalidError(f"{where} refuses the query: {said}", hint="try it where you can change it, then save it")


def _said(error: BaseException, secrets: Sequence[str]) -> str:
    words = str(error.orig if isinstance(error, DBAPIError) else error).strip() or type(error).__name__
    words = _OURS.sub("", words)
    for secret in secrets:
        words = words.replace(secret, "…")
    return without_secrets(" ".join(words.split()))[:_SAID]


def _headings(result: CursorResult[Any]) -> tuple[Heading, ...]:
    described = getattr(result.cursor, "description", None) or ()
    # SQLAlchemy's own names are another matter: it drops what stands before a dot.
    if result.context.dialect.name != "postgresql":
        return tuple(Heading(column[0]) for column in described)
    found = []
    for column in described:
        kind = _POSTGRESQL.get(column[1], "")
        precision, scale = (column[4], column[5]) if kind == "decimal" else (None, None)
        found.append(Heading(column[0], kind, precision, scale))
    return tuple(found)
