"""Whether anything was committed since one last looked, told without reading any of it.

Who shows a store asks every second or two, so the question has to be cheaper than the answer. SQLite's own counter
in the header of its file cannot be used: to open the file beside SQLite is to lose SQLite's locks on it.
"""

from __future__ import annotations

from pathlib import Path

from nbmlops.core.errors import UnavailableError
from nbmlops.store.catalog import Catalog, Connection

__all__ = ["pulse", "refuse_gone"]


def pulse(catalog: Catalog) -> str:
    """A text that is another one after anything was committed; it may also change when nothing was.

    Raises
    ------
    UnavailableError
        When the catalog is away or gone.
    """
    if not catalog.is_sqlite:
        return catalog.read(_snapshot)
    refuse_gone(catalog)
    return " ".join(str(_changed(Path(f"{catalog.path}{ending}"))) for ending in ("", "-wal"))


def refuse_gone(catalog: Catalog) -> None:
    """Raise `UnavailableError` for a file that is not there; SQLite would make an empty one in its place."""
    if catalog.is_sqlite and not (catalog.path.exists() and catalog.path.stat().st_size):
        raise UnavailableError(f"the catalog {catalog.path} is gone", hint="bring it back, or look with `ml doctor`")


def _snapshot(connection: Connection) -> str:
    """The transactions of PostgreSQL that have ended, and those among them that have not."""
    return str(connection.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar_one())


def _changed(path: Path) -> str | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"
