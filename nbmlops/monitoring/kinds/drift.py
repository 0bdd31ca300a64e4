"""Inputs and answers against the reference, from profiles alone: no row is read, however many there were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.monitoring.records import BEFORE

if TYPE_CHECKING:
    from nbmlops.checks.records import Outcome
    from nbmlops.monitoring.watching import Watched

__all__ = ["judge"]


def judge(watched: Watched) -> list[Outcome]:
    """The calibrated verdicts of `nbmlops.checks.drift` on each column that both have."""
    from nbmlops.checks.drift import comparing

    current, reference = watched.profile(), watched.reference_profile()
    if watched.reference() == BEFORE:
        shared, gone = comparing.same_columns(reference, current, None)
        return [*gone, *comparing.compare_profiles(reference, current, shared)]
    # Training data has the label too, and columns that no feature was made of: only inputs are compared.
    shared = [name for name in current.names if name in reference.names]
    if not shared:
        raise InvalidError(
            f"{watched.reference()} has none of the inputs {', '.join(current.names[:5])}",
            hint="name the data that the model was trained on: `ml monitor add … --reference NAME@vN`",
        )
    return comparing.compare_profiles(reference, current, shared)
