"""Data checks on plain tables, suites of them as text, and the reports that every kind of check leaves."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.checks.lines import ColumnChecks
    from nbmlops.checks.records import Outcome, Report
    from nbmlops.checks.service import Checks
    from nbmlops.checks.suite import Suite, SuiteBuilder

__all__ = ["Checks", "ColumnChecks", "Outcome", "Report", "Suite", "SuiteBuilder"]

_HOMES = {
    "Checks": "service",
    "ColumnChecks": "lines",
    "Outcome": "records",
    "Report": "records",
    "Suite": "suite",
    "SuiteBuilder": "suite",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
