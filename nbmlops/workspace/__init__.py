"""The composition root: a project's folder becomes a store, and the store the nouns' services."""

from __future__ import annotations

from typing import Any

__all__ = ["Status", "Workspace"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(f"nbmlops.workspace.{'root' if name == 'Workspace' else 'status'}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
