"""Records of deployments to look at, with whatever text a test wants in every field that a person can fill."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from nbmlops.serving.records import Deployment, DeploymentChange

__all__ = ["deployments"]

NOW = datetime(2026, 7, 25, 12, 30, tzinfo=UTC)


def deployments(text: str) -> list[Any]:
    """One record of each type."""
    shares = ((text, 90.0), (f"{text}2", 10.0))
    return [
        Deployment(text, text, shares, (text,), text, 0.5, True, "null", {text: "hash"}, 3, text, NOW),
        Deployment(text),
        DeploymentChange(text, NOW, text, text, {text: [text]}),
    ]
