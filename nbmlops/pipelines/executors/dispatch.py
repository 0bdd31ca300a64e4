"""Sends steps to the workers of a cluster, hears how they end, and sends again what a worker did not bring to an end.

What a step did is in the ledger; a future of Dask only says when to look, and is dropped at once, for Dask computes
again what a dead worker had in its memory. Whether a worker lives is told by the lease of the step that it runs, which
it renews: a machine that is lost, or stands still, is noticed within a minute, where Dask gives it five. The time that
this process itself did not run is not held against anybody.
"""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from nbmlops.core.errors import UnavailableError, UnsupportedError
from nbmlops.core.signs import StepProgress
from nbmlops.pipelines.executors.orders import Lost, Order, versions
from nbmlops.pipelines.executors.taking_away import take_away
from nbmlops.pipelines.executors.worker import TOPIC, committed, perform
from nbmlops.pipelines.records import StepResult

if TYPE_CHECKING:
    from distributed import Client

    from nbmlops.pipelines.executors.assignment import Assignment
    from nbmlops.pipelines.executors.site import Opener, Site
    from nbmlops.pipelines.graph import Step
    from nbmlops.pipelines.ledger import Holder

__all__ = ["Dispatch"]

LOOK, PATIENCE = 5.0, 40.0
"""Seconds between two looks at the leases, and without a sign of life after which a worker is gone."""
_LONELY = 120.0
"""Seconds that a run waits for a first worker."""
_STARTS, _ATTEMPTS = 3, 10
"""How many workers a step may take with it, and how often it is sent at all."""
_GLANCE, _GATHER, _STOP = 0.1, 5.0, 5.0
"""Seconds: between two glances at a cancellation, for a result to be handed over, for kernels to end."""


@dataclass(slots=True, eq=False)
class _Sent:
    """A step on its way: who waits for it, its task, and the workers that are gone with it."""

    step: Step
    result: Future[StepResult] = field(default_factory=Future)
    task: Any = None
    attempt: int = 0
    gone: list[str] = field(default_factory=list)
    lease: datetime | None = None
    silence: float = 0.0


class Dispatch:
    """The steps of one run on a cluster, in the care of a thread of its own.

    Parameters
    ----------
    client : Client
        Of the cluster.
    assigned : Assignment
        The run.
    site : Site
        The project here.
    opener : callable
        Opens it on a worker.
    beacon : str
        Digest of an object by which a worker knows the store.
    """

    def __init__(self, client: Client, assigned: Assignment, site: Site, opener: Opener, beacon: str) -> None:
        self._client = client
        self._assigned = assigned
        self._plan = replace(assigned.plan, digest=assigned.plan.parameters_digest)
        self._site = site
        self._ledger = site.ledger()
        self._opener, self._beacon = opener, beacon
        self._events: SimpleQueue[tuple[_Sent, Any]] = SimpleQueue()
        self._sent: dict[str, _Sent] = {}
        self._over = False
        self._broken: BaseException | None = None
        self._looked_at = time.monotonic()
        self._lonely = 0.0
        self._thread = threading.Thread(target=self._work, name="nbmlops-dask", daemon=True)

    def __enter__(self) -> Self:
        self._client.subscribe_topic(TOPIC, self._hear)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over = True
        self._thread.join()
        with contextlib.suppress(ValueError):
            self._client.unsubscribe_topic(TOPIC)

    def submit(self, step: Step) -> Future[StepResult]:
        """Send a step to the cluster."""
        sent = _Sent(step)
        self._events.put((sent, None))
        return sent.result

    def _work(self) -> None:
        try:
            while self._sent or not self._over or not self._events.empty():
                with contextlib.suppress(Empty):
                    sent, task = self._events.get(timeout=_GLANCE)
                    if task is None:
                        self._sent[sent.step.name] = sent
                        self._send(sent)
                    elif task is sent.task:
                        self._ended(sent, task)
                if self._assigned.cancelled.is_cancelled and self._sent:
                    self._stop()
                elif time.monotonic() - self._looked_at >= LOOK:
                    self._look()
        except BaseException as error:  # noqa: BLE001 - it is raised where the steps are waited for
            self._broken = error
            for sent in self._sent.values():
                sent.result.set_exception(error)

    def _send(self, sent: _Sent) -> None:
        sent.attempt += 1
        sent.lease, sent.silence = None, 0.0
        name, assigned = sent.step.name, self._assigned
        plan = self._plan.alone(name)
        order = Order(
            self._opener, self._site.root, plan, name, assigned.run_id, assigned.cache, sent.attempt, self._beacon
        )
        others = [worker for worker in self._client.nthreads() if worker not in sent.gone] if sent.gone else []
        elsewhere: dict[str, Any] = {"workers": others, "allow_other_workers": True} if others else {}
        # One beginning for all, by which Dask knows how long tasks take, and moves those that wait behind long ones.
        key = f"nbmlops-{assigned.run_id}-{name}-{sent.attempt}"
        sent.task = self._client.submit(
            perform, order.packed(), versions(), key=key, pure=False, retries=0, **elsewhere
        )
        sent.task.add_done_callback(lambda task: self._events.put((sent, task)))

    def _ended(self, sent: _Sent, task: Any) -> None:
        """See how a task ended, and take its step from there."""
        if task.status == "finished":
            found = self._handed_over(sent, task)
            if isinstance(found, Lost) or found.status == "cancelled":
                self._again(sent)
            else:
                self._settle(sent, found)
        elif task.status == "error":
            self._failed(sent, task.exception())
        else:
            raise UnavailableError(
                f"the connection to the scheduler {self._client.scheduler.address} is lost",
                hint=f"`ml pipeline resume {self._site.stores.runs.name_of(self._assigned.run_id)}`",
            )

    def _handed_over(self, sent: _Sent, task: Any) -> StepResult | Lost:
        try:
            found: StepResult | Lost = task.result(timeout=_GATHER)
        except (TimeoutError, OSError, CancelledError) as error:
            # Its worker is gone since: what was done is in the ledger.
            return self._committed(sent) or Lost(f"its result was not handed over: {error}")
        return found

    def _failed(self, sent: _Sent, error: BaseException) -> None:
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            return self._again(sent)
        if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("nbmlops"):
            error = UnsupportedError(
                f"a worker of {self._client.scheduler.address} has no nbmlops, or an older one: {error}",
                hint=f"pip install nbmlops=={versions()['nbmlops']} there",
            )
        del self._sent[sent.step.name]
        sent.result.set_exception(error)
        return None

    def _committed(self, sent: _Sent) -> StepResult | None:
        return committed(self._site, self._plan, sent.step.name, self._assigned.run_id)

    def _settle(self, sent: _Sent, result: StepResult) -> None:
        """Hand a result to who waits for it, and drop the task."""
        self._drop(sent)
        if sent.gone:
            result = replace(result, notes=(*result.notes, f"started again, as {', '.join(sent.gone)} was gone"))
        del self._sent[sent.step.name]
        told = StepProgress(sent.step.name, result.status, seconds=result.seconds or 0.0, why=result.why)
        self._assigned.progress(told)
        sent.result.set_result(result)

    def _drop(self, sent: _Sent) -> None:
        task, sent.task = sent.task, None
        if task is not None:
            if not task.done():
                self._client.cancel([task], force=True)
            task.release()

    def _again(self, sent: _Sent) -> None:
        """Send a step again whose worker is gone, unless it has committed, or has taken too many with it."""
        name = sent.step.name
        holder = take_away(self._site, self._plan, name, self._assigned.run_id, sent.attempt)
        if (done := self._committed(sent)) is not None:
            return self._settle(sent, done)
        self._drop(sent)
        if holder is not None:
            sent.gone.append(holder.worker)
        if len(sent.gone) < _STARTS and sent.attempt < _ATTEMPTS:
            if holder is not None:
                told = f"the worker {holder.worker} is gone: started again"
                self._assigned.progress(StepProgress(name, "waiting", why=told))
            self._send(sent)
            return None
        why = f"the worker was gone {sent.attempt} times: {', '.join(sent.gone)}"
        return self._settle(sent, StepResult(name, "kernel_died", why))

    def _look(self) -> None:
        """Look at the leases of the steps that run; take away those that nobody renews."""
        now = time.monotonic()
        passed, self._looked_at = min(now - self._looked_at, 2 * LOOK), now
        if not self._sent:
            return
        self._look_for_workers(passed)
        try:
            held = self._under_way()
        except UnavailableError:
            return  # the catalog is away for them too: nobody can renew anything
        for sent in list(self._sent.values()):
            holder, lease = held.get(sent.step.name, (None, None))
            if holder is None or holder.attempt != sent.attempt or lease != sent.lease:
                sent.lease, sent.silence = lease, 0.0
                continue
            sent.silence += passed
            if sent.silence > PATIENCE:
                self._again(sent)
                self._send_what_waits(holder.worker)

    def _look_for_workers(self, passed: float) -> None:
        self._lonely = 0.0 if self._client.nthreads() else self._lonely + passed
        if self._lonely > _LONELY:
            raise UnavailableError(
                f"the scheduler {self._client.scheduler.address} has had no worker for {self._lonely:.0f} s",
                hint="start some: dask worker " + self._client.scheduler.address,
            )

    def _send_what_waits(self, worker: str) -> None:
        """Send elsewhere what waits at a worker that is gone, though Dask does not know it yet."""
        try:
            waiting = set(self._client.processing([worker]).get(worker, ()))
        except KeyError:
            return  # Dask has come to know it meanwhile, and sends elsewhere itself what waited there
        for sent in list(self._sent.values()):
            if sent.task is not None and sent.task.key in waiting:
                sent.gone.append(worker)
                self._again(sent)

    def _stop(self) -> None:
        """End what runs on the workers: they see that their tasks are dropped."""
        begun = self._under_way()
        self._client.cancel([sent.task for sent in self._sent.values()], force=True)
        deadline = time.monotonic() + _STOP
        while self._under_way() and time.monotonic() < deadline:
            time.sleep(_GLANCE)
        for name, sent in list(self._sent.items()):
            take_away(self._site, self._plan, name, self._assigned.run_id, sent.attempt)
            cancelled = StepResult(name, "cancelled", "stopped from outside")
            self._settle(sent, cancelled if name in begun else StepResult(name, "not_run", "stopped before it began"))

    def _under_way(self) -> dict[str, tuple[Holder, datetime]]:
        return self._ledger.under_way(self._plan, self._assigned.run_id)

    def _hear(self, event: tuple[float, Any]) -> None:
        """Pass a sign of life on; what has ended here already is told by nobody else."""
        told = event[1]
        if told["run"] != self._assigned.run_id:
            return
        sign = StepProgress(**told["sign"])
        if sign.printed or (sign.step in self._sent and sign.state in {"running", "waiting"}):
            self._assigned.progress(sign)
