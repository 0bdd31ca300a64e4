"""Feature views: defined by plain functions, versioned, joined point in time into training sets."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.features.definition import Definition, ServiceDefinition
    from nbmlops.features.records import FeatureRow, FeatureUsage, FeatureVersion
    from nbmlops.features.service import Features

__all__ = ["Definition", "FeatureRow", "FeatureUsage", "FeatureVersion", "Features", "ServiceDefinition"]

_HOMES = {
    "Definition": "definition",
    "FeatureRow": "records",
    "FeatureUsage": "records",
    "FeatureVersion": "records",
    "Features": "service",
    "ServiceDefinition": "definition",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
