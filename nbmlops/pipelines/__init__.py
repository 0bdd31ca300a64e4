"""Notebooks as steps: read, lint, execute, join to a graph, cache, prove, freeze and promote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.pipelines.records import Pipeline, PipelineRun, PipelineVersion
    from nbmlops.pipelines.service import Pipelines

__all__ = ["Pipeline", "PipelineRun", "PipelineVersion", "Pipelines"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from importlib import import_module

        home = "service" if name == "Pipelines" else "records"
        return getattr(import_module(f"nbmlops.pipelines.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
