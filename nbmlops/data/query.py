"""An SQL query and the database that it is for, as something to be saved."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nbmlops.core.errors import InvalidError, NotFoundError

__all__ = ["Query"]


@dataclass(frozen=True, slots=True)
class Query:
    """The rows that a database gives for a query.

    Attributes
    ----------
    text : str
        The query, in the database's own SQL. Without an ``order by`` the rows come as the database likes.
    url : str
        SQLAlchemy's URL of the database. User and password may be in it; better they come from where its driver looks
        for them, such as ``PGUSER``, ``PGPASSWORD`` and ``~/.pgpass``. They are never shown or recorded.

    Examples
    --------
    >>> Query("select * from flights where month = 1", "postgresql://ann:geheim@host/traffic")
    Query(text='select * from flights where month = 1')
    """

    text: str
    url: str = field(repr=False)

    @classmethod
    def in_file(cls, path: str | Path, url: str) -> Query:
        """The query that a file holds.

        Raises
        ------
        NotFoundError
            When there is no such file.
        InvalidError
            When it is no text in UTF-8.
        """
        try:
            return cls(Path(path).read_text(encoding="utf-8-sig"), url)
        except FileNotFoundError:
            raise NotFoundError(f"there is no file {path}", hint="name a file that holds one SQL query") from None
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidError(f"{path} cannot be read: {error}", hint="a text in UTF-8 with one SQL query") from error
