"""Records of monitors to look at, with whatever text a test wants in every field that a person can fill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from nbmlops.monitoring.records import Monitor

__all__ = ["monitors"]

NOW = datetime(2026, 7, 25, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def monitors(text: str) -> list[Any]:
    """One that failed and is silent, and one that was not run yet."""
    rules = DAY, 0.8, text, "fail", text, text, NOW
    return [
        Monitor(text, text, "quality", text, *rules, "failed", NOW, 3, NOW),  # type: ignore[arg-type]
        Monitor(text, text, "drift", None, DAY, None, None, "warn", text, text, NOW),
    ]
