"""The Action ``pipeline``: runs a frozen version of a pipeline, or its working copy when that is asked for by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.core.actions import Started
from nbmlops.core.refs import Ref

if TYPE_CHECKING:
    from nbmlops.core.actions import Order
    from nbmlops.pipelines.service import Pipelines

__all__ = ["WORKING", "PipelineAction", "meant"]

WORKING = "working"
"""In the place of an alias: the notebooks as they are on the disk."""


class PipelineAction:
    """Runs pipelines of one project.

    Parameters
    ----------
    pipelines : Pipelines
        The pipelines.
    """

    def __init__(self, pipelines: Pipelines) -> None:
        self._pipelines = pipelines

    def named(self, target: str) -> str:
        """``delays`` means ``delays@production``."""
        ref = Ref.parse(target)
        return f"{ref.name}@production" if ref.is_bare else str(ref)

    def check(self, target: str, parameters: Mapping[str, Any]) -> None:
        """Read the notebooks and set the parameters, without running anything."""
        self._pipelines.check(meant(target), parameters)

    def start(self, order: Order) -> Started:
        """Run it; a time for which a run has committed gives that run."""
        done = self._pipelines.run_for(
            meant(order.target), order.parameters, logical_time=order.logical_time, stop=order.stop
        )
        return Started(done.run.name, "; ".join(done.notes))


def meant(target: str) -> str:
    """The reference by which pipelines know it."""
    ref = Ref.parse(target)
    return ref.name if ref.alias == WORKING else target
