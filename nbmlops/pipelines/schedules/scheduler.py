"""The daemon: files what has come due, starts it, and goes on.

Several may run at once on one store, on one machine or on many. One that is killed is followed by another; a store that
is away is waited for. Nothing is kept in memory that another daemon would need.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from nbmlops.core.actions import LaterError, Order, UnderWayError
from nbmlops.core.errors import NbmlopsError, UnavailableError
from nbmlops.pipelines.beating import beating
from nbmlops.pipelines.runner import stopping
from nbmlops.pipelines.schedules import queries
from nbmlops.pipelines.schedules.claims import BEAT
from nbmlops.pipelines.schedules.dates import filled
from nbmlops.pipelines.schedules.records import Fire, FireState, Remark, Vigil
from nbmlops.pipelines.schedules.triggers import from_json, zone_of
from nbmlops.render.units import duration

if TYPE_CHECKING:
    from nbmlops.core.actions import Actions
    from nbmlops.core.clock import Clock
    from nbmlops.pipelines.schedules.alerts import Alerts
    from nbmlops.pipelines.schedules.claims import Claimed, Claims
    from nbmlops.pipelines.schedules.filing import Filer
    from nbmlops.store.catalog import Catalog, Connection

__all__ = ["Scheduler", "Tell"]

T = TypeVar("T")
Tell: TypeAlias = Callable[["Fire | Remark"], None]
_POLL, _AWAY = 0.5, 2.0
"""Seconds between two looks, and those while the store is away."""
_TRIES, _TAKEOVERS = 3, 5
"""How often a start is tried when something it needs is away, and how often one is taken over from who is gone."""
_PATIENCE = 10.0
"""Seconds for which one that is to stop tries to write how things ended."""


class Scheduler:
    """Starts what schedules say.

    Parameters
    ----------
    catalog : Catalog
        Where schedules are.
    clock : Clock
        The time.
    actions : Actions
        What can be started.
    filer : Filer
        Finds what has come due.
    claims : Claims
        The fires that this process does.
    alerts : Alerts
        Tells people.
    """

    def __init__(
        self, catalog: Catalog, clock: Clock, actions: Actions, filer: Filer, claims: Claims, alerts: Alerts
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._actions = actions
        self._filer = filer
        self._claims = claims
        self._alerts = alerts
        self._stopping = False
        self._ended: Counter[str] = Counter()
        self._away: float | None = None
        self._tell: Tell = lambda _: None
        self._guard = threading.Lock()

    def stop(self) -> None:
        """End `run`: what is under way is stopped, and left for the next daemon. Returns at once."""
        self._stopping = True

    def run(self, *, once: bool, parallel: int, tell: Tell) -> Vigil:
        """Go on until it is stopped; with `once`, until nothing is due any more.

        Parameters
        ----------
        once : bool
            Whether to end when nothing is left to do now.
        parallel : int
            How many fires it does at once.
        tell : callable
            Given each fire that ended, and what there is to say besides.
        """
        began, self._tell = time.monotonic(), tell
        under_way: set[Future[None]] = set()
        is_filed = False
        with (
            stopping(self.stop),
            ThreadPoolExecutor(parallel, thread_name_prefix="nbmlops-fire") as pool,
            beating(self._claims.beat, BEAT, self._is_away),
            beating(self._alert, _POLL, self._is_away),
        ):
            try:
                while not self._stopping:
                    is_idle = self._look(pool, under_way, parallel, files=not (once and is_filed))
                    is_filed |= self._away is None
                    if once and is_idle and not self._claims.is_watching:
                        break
                    self._rest(under_way)
            except KeyboardInterrupt:
                self.stop()
            finally:
                for claimed in self._claims.held if self._stopping else ():
                    claimed.stop.cancel()
        with suppress(UnavailableError):  # what is to be told then lies in the store for the next daemon
            self._alert()
        self._claims.close()
        return Vigil(dict(self._ended), time.monotonic() - began)

    def _look(self, pool: ThreadPoolExecutor, under_way: set[Future[None]], parallel: int, *, files: bool) -> bool:
        """File and start what is due; whether there was nothing, and nothing is under way."""
        try:
            ended = self._filer.file() if files else []
            for fire in ended:
                self._say(fire)
            if self._catalog.read(self._late):
                self._catalog.transact(self._tell_late)
            while len(under_way) < parallel and (claimed := self._claims.next()):
                under_way.add(pool.submit(self._perform, claimed))
        except UnavailableError as error:
            self._is_away(error)
            return False
        self._is_back()
        return not under_way and not ended

    def _rest(self, under_way: set[Future[None]]) -> None:
        if not under_way:
            time.sleep(_POLL if self._away is None else _AWAY)
            return
        done, _ = wait(under_way, timeout=_POLL, return_when=FIRST_COMPLETED)
        under_way -= done
        for future in done:
            future.result()

    def _perform(self, claimed: Claimed) -> None:
        """Do one fire, and write how it ended."""
        row = claimed.row
        try:
            if row.tries >= _TAKEOVERS:
                self._end(claimed, "failed", note=f"started {row.tries} times, and each time whoever did was gone")
                return
            parameters = filled(row.parameters, row.due_at, zone_of(from_json(row.trigger)))
            order = Order(row.target, parameters, row.logical_time, claimed.stop)
            done = self._actions.find(row.action).start(order)
        except UnderWayError as error:
            self._back(claimed, 5, str(error), counts=False)
        except LaterError as error:
            self._back(claimed, error.seconds, error.message, counts=False)
        except UnavailableError as error:
            if row.tries + 1 < _TRIES:
                self._back(claimed, 5, error.message, counts=True)
            else:
                self._end(claimed, "failed", note=error.message)
        except NbmlopsError as error:
            self._end(claimed, "failed", note=error.message)
        except Exception as error:  # noqa: BLE001 - whatever an action raises is how it ended, and is told
            self._end(claimed, "failed", note=f"{type(error).__name__}: {error}")
        except BaseException:  # noqa: BLE001 - it was stopped, and says so by an interrupt
            self._back(claimed, 0, "stopped before its end", counts=False)
        else:
            self._end(claimed, "completed", run=done.run, note=done.note or None)

    def _end(self, claimed: Claimed, state: FireState, *, run: str | None = None, note: str | None = None) -> None:
        self._tell_end(self._patiently(claimed, lambda: self._claims.end(claimed, state, run=run, note=note)))

    def _back(self, claimed: Claimed, seconds: float, note: str, *, counts: bool) -> None:
        back = partial(self._claims.hand_back, claimed, seconds, note, counts=counts)
        self._tell_end(self._patiently(claimed, back))

    def _tell_end(self, fire: Fire | None) -> None:
        if fire is not None:
            self._say(fire)

    def _patiently(self, claimed: Claimed, work: Callable[[], T]) -> T | None:
        """Write what must not be lost, as soon as the store is there; one that is to stop leaves it to the next."""
        since = None
        while True:
            try:
                return work()
            except UnavailableError as error:
                self._is_away(error)
                since = since or (time.monotonic() if self._stopping else None)
                if since and time.monotonic() - since > _PATIENCE:
                    self._claims.drop(claimed)
                    return None
                time.sleep(_POLL)

    def _late(self, connection: Connection) -> list[tuple[int, str, float]]:
        """Fires that wait for longer than their schedule has patience: id, sentence, seconds."""
        now, found = self._clock.now(), []
        for row in queries.late_fires(connection):
            seconds = (now - row.due_at).total_seconds()
            if seconds > row.patience:
                found.append((row.id, f"{row.schedule}, which starts {row.target}, for {row.logical_time}", seconds))
        return found

    def _tell_late(self, connection: Connection) -> None:
        for fire, about, seconds in self._late(connection):
            if queries.change_fire(connection, fire, {"told_late": 1}, told_late=0):
                name, body = about.partition(",")[0], f"{about}: has been due for {duration(seconds)}"
                queries.add_notice(connection, "late", f"{name} is late", body, self._clock.now())

    def _alert(self) -> None:
        for said in self._alerts.send():
            self._remark(said)

    def _is_away(self, error: UnavailableError) -> None:
        with self._guard:
            first, self._away = self._away is None, self._away or time.monotonic()
        if first:
            self._remark(f"{error.message}; waiting until it is back")

    def _is_back(self) -> None:
        with self._guard:
            since, self._away = self._away, None
        if since is not None:
            self._remark(f"the store is back after {duration(time.monotonic() - since)}")

    def _remark(self, text: str) -> None:
        self._say(Remark(self._clock.now(), text))

    def _say(self, said: Fire | Remark) -> None:
        with self._guard:
            if isinstance(said, Fire):
                self._ended[said.state] += 1
            self._tell(said)
