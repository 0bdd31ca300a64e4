"""Profiles of tables: what each column holds in a few kilobytes, made in one pass and merged from parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.profiling.profiler import profile
    from nbmlops.profiling.records import ColumnProfile, Profile

__all__ = ["ColumnProfile", "Profile", "profile"]


def __getattr__(name: str) -> Any:
    if name in {"ColumnProfile", "Profile"}:
        from nbmlops.profiling import records

        return getattr(records, name)
    if name == "profile":
        from nbmlops.profiling.profiler import profile

        return profile
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
