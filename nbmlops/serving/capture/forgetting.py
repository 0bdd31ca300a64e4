"""Forgets what was captured too long ago: rows and profiles of whole hours, and the log's closed segments first."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime

from nbmlops.serving.capture.folding import fold, folder_hour
from nbmlops.serving.capture.segments import Place

__all__ = ["Forgotten", "forget"]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten of a deployment: how many hours, how many bytes, and up to when."""

    deployment: str
    hours: int
    size: int
    before: datetime


def forget(place: Place, before: datetime) -> Forgotten:
    """Remove the hours that ended before a time."""
    fold(place)
    hours = size = 0
    with place.locked():
        for folder in sorted(place.hours.iterdir()) if place.hours.is_dir() else []:
            if folder_hour(folder)[1] <= before:
                size += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
                hours += 1
                shutil.rmtree(folder)
    return Forgotten(place.deployment, hours, size, before)
