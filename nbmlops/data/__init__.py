"""Data versions: save a table, a file or a folder, and load it again exactly as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.data.query import Query
    from nbmlops.data.records import Column, DataVersion
    from nbmlops.data.service import Data

__all__ = ["Column", "Data", "DataVersion", "Query"]


def __getattr__(name: str) -> Any:
    if name in {"Column", "DataVersion"}:
        from nbmlops.data import records

        return getattr(records, name)
    if name == "Query":
        from nbmlops.data.query import Query

        return Query
    if name == "Data":
        from nbmlops.data.service import Data

        return Data
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
