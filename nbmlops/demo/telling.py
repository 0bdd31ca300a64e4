"""What both acts tell with: who shows them, what they made, and what must hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from nbmlops.core.errors import NbmlopsError

if TYPE_CHECKING:
    from nbmlops.core.signs import StepProgress

__all__ = ["DemoFailedError", "Made", "Teller", "hold"]


class Teller(Protocol):
    """Shows the demo to whoever watches."""

    def chapter(self, title: str) -> None:
        """An act begins."""

    def say(self, text: str) -> None:
        """Something is to be told."""

    def step(self, progress: StepProgress) -> None:
        """A step of the pipeline gives a sign of life."""


@dataclass(frozen=True, slots=True)
class Made:
    """A row of the final table: what was made, its version, its digest, in how many seconds, where to look."""

    what: str
    version: str
    digest: str
    seconds: float | None
    look: str


class DemoFailedError(NbmlopsError):
    """Something that the demo was to show did not happen."""


def hold(condition: bool, claim: str) -> None:
    """Fail when something is not as it was to be shown."""
    if not condition:
        raise DemoFailedError(f"the demo did not hold: {claim}", hint="`ml doctor`")
