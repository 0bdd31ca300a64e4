"""What `Runs.autolog` needs of whoever logs fits, which is above: `nbmlops.models.autolog`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Autolog", "Autologger"]


@dataclass(frozen=True, slots=True)
class Autolog:
    """Whether fits are logged from now on, with which library, and whether with pictures and models."""

    on: bool
    library: str
    plots: bool
    models: bool


class Autologger(Protocol):
    """Logs what is fitted."""

    def on(self, *, plots: bool, models: bool) -> Autolog:
        """Log from now on."""

    def off(self) -> Autolog:
        """Log nothing more."""
