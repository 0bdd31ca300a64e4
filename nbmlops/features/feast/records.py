"""What became of an export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["FeastExport"]


@dataclass(frozen=True, slots=True)
class FeastExport:
    """A repository of Feast: its folder, the versions of views and services in it, and rows of offline tables."""

    folder: Path
    views: tuple[str, ...]
    on_demand: tuple[str, ...]
    services: tuple[str, ...]
    rows: int
