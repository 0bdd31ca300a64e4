"""The Action ``pipeline``: runs a frozen version of a pipeline, or its working copy when that is asked for by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.core.actions import Started
from nbmlops.core.errors import NotFoundError
from nbmlops.core.refs import Ref

if TYPE_CHECKING:
    from nbmlops.core.actions import Order
    from nbmlops.pipelines.records import PipelineRun
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
        try:
            self._pipelines.check(meant(target), parameters)
        except NotFoundError as error:
            ref = Ref.parse(target)
            if ref.alias == WORKING or all(known.name != ref.name for known in self._pipelines.list()):
                raise
            raise NotFoundError(
                f"there is no frozen version {target}, and what nobody watches is to be one",
                hint=f"`ml pipeline promote {ref.name}`, or {ref.name}@{WORKING} for the notebooks as they are",
            ) from error

    def start(self, order: Order) -> Started:
        """Run it; a time for which a run has committed gives that run."""
        done = self.ran(order.target, order.parameters, order)
        return Started(done.run.name, "; ".join(done.notes))

    def ran(self, target: str, parameters: Mapping[str, Any], order: Order) -> PipelineRun:
        """The run of a target for what an order stands for, of this Action or of one that needs a pipeline."""
        return self._pipelines.run_for(meant(target), parameters, logical_time=order.logical_time, stop=order.stop)


def meant(target: str) -> str:
    """The reference by which pipelines know it."""
    ref = Ref.parse(target)
    return ref.name if ref.alias == WORKING else target
