"""Models that answer: which version answers whom, what was asked and answered, and how often it was right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.serving.capture.reading import Captured
    from nbmlops.serving.deployments.service import Deployments
    from nbmlops.serving.records import Deployment

__all__ = ["Captured", "Deployment", "Deployments"]


def __getattr__(name: str) -> Any:
    if name == "Captured":
        from nbmlops.serving.capture.reading import Captured

        return Captured
    if name == "Deployments":
        from nbmlops.serving.deployments.service import Deployments

        return Deployments
    if name == "Deployment":
        from nbmlops.serving.records import Deployment

        return Deployment
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
