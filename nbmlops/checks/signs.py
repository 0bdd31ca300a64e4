"""Signs of life of checks that take long, for whoever shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Progress", "Sign"]


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of life: what is looked at now, and how many of how many are done."""

    step: str
    done: int = 0
    cells: int = 0
    state: str = "running"
    why: str = ""
    printed: str = ""
    expected: float | None = None


Progress = Callable[[Any], None]
