"""The verb ``backfill``: a pipeline over the times of the past at which it would have been due."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from nbmlops.core.actions import UnderWayError
from nbmlops.core.errors import AmbiguousError, InvalidError, NbmlopsError, NotFoundError
from nbmlops.core.keywords import check_known, check_one_of
from nbmlops.core.refs import Ref
from nbmlops.core.signs import StepProgress
from nbmlops.pipelines import queries
from nbmlops.pipelines.cron import Cron, zone
from nbmlops.pipelines.ledger import WHOLE
from nbmlops.pipelines.logical_time import written
from nbmlops.pipelines.records import PipelineRun
from nbmlops.pipelines.request import Cancellation
from nbmlops.pipelines.runner import stopping
from nbmlops.pipelines.schedules import queries as schedule_queries
from nbmlops.pipelines.schedules.dates import filled
from nbmlops.pipelines.schedules.pipeline_action import meant
from nbmlops.pipelines.schedules.records import Backfill, BackfillTime
from nbmlops.pipelines.schedules.triggers import On, from_json, shown, zone_of

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.pipelines.planner import Planner
    from nbmlops.pipelines.schedules.triggers import Every
    from nbmlops.store.versions import Versions

__all__ = ["Backfilling"]

Progress = Callable[[StepProgress], None]
Reprocess = Literal["failed", "completed", "none"]
_DAY = len("2026-11-26")
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class _Asked:
    """How a backfill is done; `reprocess` is what is run of times that were run before."""

    cron: str | None = None
    tz: str | None = None
    parallel: int = 1
    reprocess: Reprocess = "failed"
    dry_run: bool = False

    @classmethod
    def of(cls, given: dict[str, Any]) -> Self:
        check_known(cls, given, "a backfill has no")
        asked = cls(**given)
        check_one_of("reprocess", asked.reprocess, get_args(Reprocess))
        if asked.parallel < 1:
            raise InvalidError(f"{asked.parallel} at once is none at all", hint="--parallel 4")
        return asked


@dataclass(frozen=True, slots=True)
class _Source:
    """What is backfilled: which version, when it was due, and what it is given."""

    target: str
    trigger: Cron | Every
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Slot:
    """One time: its parameters, its generation, and whether it is to run."""

    at: datetime
    parameters: Mapping[str, Any]
    generation: int
    why: str | None

    @property
    def is_wanted(self) -> bool:
        return self.why is None


class Backfilling:
    """The verb that runs a pipeline for times of the past."""

    _planner: Planner
    _versions: Versions
    _clock: Clock
    run_for: Callable[..., PipelineRun]

    def backfill(
        self,
        name: str,
        start: str,
        end: str,
        params: Mapping[str, Any] | None = None,
        *,
        progress: Progress | None = None,
        **asked: Any,
    ) -> Backfill:
        """Run a pipeline for every time from `start` to `end` at which its schedule was due.

        A time for which a run has committed is left as it is, however often this is called.

        Parameters
        ----------
        name : str
            The pipeline, or one of the schedules that start it.
        start, end : str
            Days, both included, on the clocks of the schedule's zone; or times in ISO 8601 with their offset from UTC.
        params : mapping, optional
            Parameters beside those of the schedule; ``due:%Y-%m`` is a date of the time.
        progress : callable, optional
            Called when a time begins and when it ends.
        **asked
            ``cron`` and ``tz`` say when it was due in place of a schedule; ``parallel``, how many times at once (1);
            ``reprocess``, which times that were run before are run again: those that ``failed``, those that
            ``completed`` as well, or ``none``; ``dry_run`` only says what would be run.

        Raises
        ------
        NotFoundError
            When there is no such pipeline, or no schedule that starts it.
        AmbiguousError
            When several schedules start it.
        InvalidError
            When a time or a parameter is none, or its schedule waits for events.
        """
        wanted = _Asked.of(asked)
        source = self._source(name, wanted)
        given = {**source.parameters, **(params or {})}
        slots = [self._slot(source, given, at, wanted) for at in _times(source.trigger, start, end)]
        if not slots:
            raise InvalidError(
                f"{shown(source.trigger)} was not due from {start} to {end}", hint="give other days: --from, --to"
            )
        done = _planned(slots) if wanted.dry_run else self._run_all(source, slots, wanted.parallel, progress)
        return Backfill(source.target, shown(source.trigger), tuple(done), wanted.dry_run)

    def _source(self, name: str, wanted: _Asked) -> _Source:
        ref = Ref.parse(name)
        full = name if not ref.is_bare else f"{ref.name}@production"
        if wanted.cron is not None:
            return _Source(full, Cron(" ".join(wanted.cron.split()), wanted.tz or "UTC"), {})
        if wanted.tz is not None:
            raise InvalidError("only a cron line has a time zone", hint="leave --tz out, or give --cron")
        rows = self._versions.catalog.read(lambda c: schedule_queries.starting(c, ref.name))
        named = [row for row in self._versions.catalog.read(schedule_queries.schedules) if row.name == name]
        found = [row for row in named if row.action == "pipeline"] or list(rows)
        if not found:
            raise NotFoundError(f"no schedule starts {ref.name}", hint='say when it was due: --cron "0 6 * * *"')
        if len(found) > 1:
            names = ", ".join(row.name for row in found)
            raise AmbiguousError(f"several schedules start {ref.name}: {names}", hint="name one of them")
        trigger = from_json(found[0].trigger)
        if isinstance(trigger, On):
            raise InvalidError(f"{found[0].name} waits for events, not for times", hint='--cron "0 6 * * *"')
        return _Source(found[0].target if ref.is_bare else full, trigger, found[0].parameters)

    def _slot(self, source: _Source, given: Mapping[str, Any], at: datetime, wanted: _Asked) -> _Slot:
        parameters = filled(given, at, zone_of(source.trigger))
        plan = self._planner.plan(meant(source.target), parameters, logical_time=written(at))
        key = {"pipeline": plan.name, "logical_time": written(at), "parameters_digest": plan.parameters_digest}
        row = self._versions.catalog.read(lambda c: queries.newest_slot(c, {**key, "step": WHOLE}))
        if row is None:
            return _Slot(at, parameters, 0, None)
        if row.state == "committed":
            again = wanted.reprocess == "completed"
            return _Slot(at, parameters, row.generation + again, None if again else "has committed")
        why = f"was run before, and {row.state}" if wanted.reprocess == "none" else None
        return _Slot(at, parameters, row.generation, why)

    def _run_all(
        self, source: _Source, slots: list[_Slot], parallel: int, progress: Progress | None
    ) -> list[BackfillTime]:
        stop = Cancellation()
        with ThreadPoolExecutor(parallel, thread_name_prefix="nbmlops-backfill") as pool, stopping(stop.cancel):
            try:
                return list(pool.map(lambda slot: self._run_one(source, slot, stop, progress), slots))
            except BaseException:
                stop.cancel()
                pool.shutdown(cancel_futures=True)
                raise

    def _run_one(self, source: _Source, slot: _Slot, stop: Cancellation, progress: Progress | None) -> BackfillTime:
        time, tell = written(slot.at), progress or (lambda _: None)
        if not slot.is_wanted:
            return BackfillTime(time, "left", note=slot.why or "")
        if stop.is_cancelled:
            raise KeyboardInterrupt
        tell(StepProgress(time, "running"))
        try:
            done = self.run_for(
                meant(source.target), slot.parameters, logical_time=time, stop=stop, generation=slot.generation
            )
        except UnderWayError as error:
            result = BackfillTime(time, "left", note=error.message)
        except NbmlopsError as error:
            result = BackfillTime(time, "failed", note=error.message)
        else:
            result = BackfillTime(time, "completed", done.run.name)
        tell(StepProgress(time, "failed" if result.state == "failed" else "completed", why=result.note))
        return result


def _planned(slots: list[_Slot]) -> list[BackfillTime]:
    return [
        BackfillTime(written(slot.at), "to run" if slot.is_wanted else "left", note=slot.why or "") for slot in slots
    ]


def _times(trigger: Cron | Every, start: str, end: str) -> list[datetime]:
    """The times that a trigger was due, from the first to the last of two, both included."""
    first, last = _instant(start, trigger, is_end=False), _instant(end, trigger, is_end=True)
    if last < first:
        raise InvalidError(f"{end} comes before {start}", hint="--from is the earlier one")
    found: list[datetime] = []
    for at in trigger.after(first - timedelta(microseconds=1)):
        if at > last:
            break
        if len(found) == _MOST:
            raise InvalidError(f"it was due more than {_MOST:,} times from {start} to {end}", hint="take fewer days")
        found.append(at)
    return found


def _instant(text: str, trigger: Cron | Every, *, is_end: bool) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidError(f"{text!r} is neither a day nor a time of ISO 8601", hint="such as 2026-01-31") from error
    if len(text) == _DAY:
        # The end of a day is the beginning of the next, however many hours it has.
        day = at + timedelta(days=is_end)
        return day.replace(tzinfo=zone(zone_of(trigger))).astimezone(UTC) - timedelta(microseconds=is_end)
    if at.tzinfo is None:
        raise InvalidError(f"{text!r} does not say in which zone it is", hint=f"{text}Z is in UTC, or give a day")
    return at.astimezone(UTC)
