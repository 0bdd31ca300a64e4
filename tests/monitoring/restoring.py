"""A catalog that is as it was again after a test has changed it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["restored"]


@contextmanager
def restored(root: Path) -> Iterator[None]:
    """Let the body of the ``with`` change the catalog of a workspace as it likes."""
    path = root / ".nbmlops" / "catalog.db"
    with sqlite3.connect(":memory:") as kept:
        with sqlite3.connect(path) as before:
            before.backup(kept)
        before.close()
        try:
            yield
        finally:
            with sqlite3.connect(path) as after:
                kept.backup(after)
            after.close()
    kept.close()
