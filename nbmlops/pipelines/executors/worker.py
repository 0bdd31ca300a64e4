"""A step on a worker of a Dask cluster: run as anywhere, and committed in the ledger before Dask hears of it.

Dask starts a task again when a worker is gone, also one that has ended, and starts it late. So the first thing that
is looked at is the ledger: a step that has committed in its run is told from there, and one that an earlier task has
begun is left to whoever sent it, who knows whether that task is gone.
"""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import NbmlopsError, NotFoundError, UnavailableError
from nbmlops.core.signs import StepProgress
from nbmlops.pipelines import queries
from nbmlops.pipelines.executors.orders import Lost, Order, check_versions
from nbmlops.pipelines.ledger import Holder, LateError, Slot
from nbmlops.pipelines.records import StepResult
from nbmlops.pipelines.request import Cancellation
from nbmlops.tracking.queries.runs import state

if TYPE_CHECKING:
    from distributed import Worker

    from nbmlops.pipelines.executors.site import Site
    from nbmlops.pipelines.plan import Plan

__all__ = ["TOPIC", "committed", "perform"]

TOPIC = "nbmlops"
"""Of the events by which workers give signs of life. One for all runs: the scheduler keeps the last of each topic."""
_PRINTED, _EVERY = 16_384, 0.25
"""Characters of what a step prints in one event, and seconds between two."""

_seen: set[str] = set()
"""The runs whose store this process has found to be its own."""


def perform(packed: bytes, sent_by: dict[str, str]) -> StepResult | Lost:
    """Run a step that was sent; the function of every task.

    Raises
    ------
    UnsupportedError
        When another version sent it.
    UnavailableError
        When this worker does not see the project, or not its store.
    """
    from distributed import get_worker

    worker = get_worker()
    check_versions(sent_by, worker.address)
    order = Order.unpacked(packed)
    site = _opened(order, worker.address)
    if (done := committed(site, order.plan, order.step, order.run_id)) is not None:
        return done
    stop = Cancellation(_Dropped(worker, worker.get_current_task()))
    if stop.is_cancelled:
        return StepResult(order.step, "cancelled", "stopped before it began")
    steps = site.steps(Holder(order.attempt, uuid.uuid4().hex, worker.address))
    tell = _Telling(worker, order.run_id).tell
    step = order.plan.graph.step(order.step)
    try:
        return steps.run(order.plan, step, order.run_id, stop, order.cache, tell)
    except LateError as error:
        return committed(site, order.plan, order.step, order.run_id) or Lost(error.message)


def committed(site: Site, plan: Plan, step: str, run_id: str) -> StepResult | None:
    """What a step has committed in a run, as the ledger knows it; None when it has not, or took over a result."""
    runs, slot = site.stores.runs, Slot.of(plan, step, run_id)
    row = runs.catalog.read(lambda c: queries.slot(c, slot.key))
    if row is None or row.state != "committed":
        return None
    run = runs.show(row.run_id)
    if run.parent_id != run_id:
        return None
    return StepResult(step, "completed", "", run.seconds, run.name, run.outputs, run.metrics)


def _opened(order: Order, worker: str) -> Site:
    """The project on this worker, whose store has to be the one of the run."""
    try:
        site = order.opener(order.root)
    except NotFoundError as error:
        raise UnavailableError(
            f"the worker {worker} does not see the project {order.root}",
            hint="give it the folder under the same path",
        ) from error
    except NbmlopsError as error:
        raise type(error)(f"the worker {worker} cannot open {order.root}: {error.message}", hint=error.hint) from error
    plan = order.plan
    for folder in (plan.folders[order.step], plan.home.root if plan.home else order.root):
        if not folder.is_dir():
            raise UnavailableError(
                f"the worker {worker} does not see the folder {folder}", hint="give it the folder under the same path"
            )
    if order.run_id not in _seen:
        runs, objects = site.stores.runs, site.stores.objects
        if runs.catalog.read(lambda c: state(c, order.run_id)) is None:
            raise UnavailableError(
                f"the worker {worker} has another catalog than the run: NBMLOPS_CATALOG is not the same there",
                hint="name one PostgreSQL for all, or one folder on one machine",
            )
        if not objects.is_whole([order.beacon]):
            raise UnavailableError(
                f"the worker {worker} does not see the objects of the run: NBMLOPS_OBJECTS is not the same there",
                hint="name one bucket for all, or a folder that all mount",
            )
        _seen.add(order.run_id)
    return site


@dataclass(frozen=True, slots=True)
class _Dropped:
    """Tells whether a task that runs is wanted no more: cancelled, or its client or its scheduler is gone."""

    worker: Worker
    key: Any

    @property
    def is_cancelled(self) -> bool:
        # Dask's own `cancel` leaves a task that runs alone; that it was dropped is all that one can see.
        task = self.worker.state.tasks.get(self.key)
        return task is None or task.state == "cancelled"


class _Telling:
    """Sends signs of life through the scheduler, not too many and not too large; one that is lost is no harm."""

    def __init__(self, worker: Worker, run_id: str) -> None:
        self._worker = worker
        self._run_id = run_id
        self._guard = threading.Lock()
        self._printed = ""
        self._left_out = 0
        self._sent_at = 0.0

    def tell(self, sign: StepProgress) -> None:
        """Send a sign; what is printed is gathered for a moment."""
        with self._guard:
            room = _PRINTED - len(self._printed)
            self._printed += sign.printed[:room]
            self._left_out += len(sign.printed[room:])
            if sign.printed and time.monotonic() - self._sent_at < _EVERY:
                return
            if self._printed:
                self._send(replace(sign, printed=self._said()))
            if not sign.printed:
                self._send(sign)

    def _said(self) -> str:
        said = self._printed + (f"\n… {self._left_out:,} characters more" if self._left_out else "")
        self._printed, self._left_out, self._sent_at = "", 0, time.monotonic()
        return said

    def _send(self, sign: StepProgress) -> None:
        self._worker.log_event(TOPIC, {"run": self._run_id, "sign": asdict(sign)})
