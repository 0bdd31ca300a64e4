"""Takes a step away from a worker that is gone, so that the worker cannot do harm should it come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbmlops.pipelines import queries
from nbmlops.pipelines.ledger import Holder, Slot
from nbmlops.tracking.queries import runs

if TYPE_CHECKING:
    from nbmlops.pipelines.executors.site import Site
    from nbmlops.pipelines.plan import Plan
    from nbmlops.store.catalog import Connection

__all__ = ["take_away"]


def take_away(site: Site, plan: Plan, step: str, run_id: str, attempt: int) -> Holder | None:
    """Take a step of a run away from an attempt; who held it, None when the attempt had not begun.

    In one transaction its claim passes on and its run ends, after which it can neither save nor commit.
    """
    slot, ledger = Slot.of(plan, step, run_id), site.ledger()

    def work(connection: Connection) -> Holder | None:
        holder = ledger.take_away(connection, slot, run_id, attempt)
        if holder is not None:
            error = {"name": "Killed", "value": f"the worker {holder.worker} is gone"}
            for part in queries.running_parts(connection, run_id, step):
                runs.finish(connection, part, "killed", site.clock.now(), error)
        return holder

    return site.stores.runs.catalog.transact(work)
