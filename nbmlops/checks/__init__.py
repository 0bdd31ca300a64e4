"""Data checks on plain tables, suites of them as text, and the reports that every kind of check leaves."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.checks.evidence import BarsEvidence, CurvesEvidence, NoteEvidence, RowsEvidence, TableEvidence
    from nbmlops.checks.lines import ColumnChecks
    from nbmlops.checks.records import Outcome, Report
    from nbmlops.checks.service import Checks
    from nbmlops.checks.suite import Suite, SuiteBuilder

__all__ = [
    "BarsEvidence",
    "Checks",
    "ColumnChecks",
    "CurvesEvidence",
    "NoteEvidence",
    "Outcome",
    "Report",
    "RowsEvidence",
    "Suite",
    "SuiteBuilder",
    "TableEvidence",
]

_HOMES = {
    "BarsEvidence": "evidence",
    "Checks": "service",
    "ColumnChecks": "lines",
    "CurvesEvidence": "evidence",
    "NoteEvidence": "evidence",
    "Outcome": "records",
    "Report": "records",
    "RowsEvidence": "evidence",
    "Suite": "suite",
    "SuiteBuilder": "suite",
    "TableEvidence": "evidence",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
