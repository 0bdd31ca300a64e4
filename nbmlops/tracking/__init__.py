"""Runs: what was tried, with which parameters, data, code and environment, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.tracking.active import ActiveRun
    from nbmlops.tracking.records import Cell, Run
    from nbmlops.tracking.service import Runs

__all__ = ["ActiveRun", "Cell", "Run", "Runs"]

_HOMES = {"ActiveRun": "active", "Cell": "records", "Run": "records", "Runs": "service"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"nbmlops.tracking.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
