"""The Action ``materialize``: brings one view online, or all of them, by a schedule or when data is new."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.core.actions import Started, UnderWayError
from nbmlops.core.errors import ConflictError, InvalidError
from nbmlops.render.units import count

if TYPE_CHECKING:
    from nbmlops.core.actions import Order
    from nbmlops.core.signs import StepProgress
    from nbmlops.features.service import Features

__all__ = ["ALL", "MaterializeAction"]

ALL = "views"
"""As a target: every view that is not retired."""


class MaterializeAction:
    """Materializes views of one workspace.

    Parameters
    ----------
    features : Features
        The views.
    """

    def __init__(self, features: Features) -> None:
        self._features = features

    def named(self, target: str) -> str:
        """The name of a view means itself: its newest version when the time comes."""
        return target

    def check(self, target: str, parameters: Mapping[str, Any]) -> None:
        """Look whether there is such a view."""
        if parameters:
            raise InvalidError("materialize takes no parameters", hint="leave -p out")
        if target != ALL:
            self._features.show(target)

    def start(self, order: Order) -> Started:
        """Materialize it; a stop ends it between two batches, and the next start goes on there."""

        def look(_sign: StepProgress) -> None:
            if order.stop.is_cancelled:
                raise KeyboardInterrupt

        views = () if order.target == ALL else (order.target,)
        try:
            found = self._features.materialize(*views, progress=look)
        except ConflictError as error:
            raise UnderWayError(error.message, hint=error.hint) from error
        return Started(note=", ".join(f"{one.ref} {count(one.written, 'key')}" for one in found))
