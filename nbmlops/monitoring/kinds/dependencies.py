"""What a served version stands on: packages, and the columns and the source of the data upstream.

The packages are those of the workers that answer, as each noted them in what it captures; of an endpoint that ended,
as it noted them last. Where none was noted they are those of the environment in which the monitor runs. They are
compared with those that the model was saved with, and with all that its run recorded. Upstream is the newest version of
the data that it was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.records import Outcome, Status
from nbmlops.core.errors import NotFoundError
from nbmlops.render.units import count, when
from nbmlops.serving.capture.environments import worker_environments

if TYPE_CHECKING:
    from nbmlops.data.records import DataVersion
    from nbmlops.models.records import ModelVersion
    from nbmlops.monitoring.watching import Watched
    from nbmlops.serving.capture.environments import WorkerEnvironment

__all__ = ["judge"]

_SAME = "as when it was trained"
_GONE = "not there"


def judge(watched: Watched) -> list[Outcome]:
    """Outcomes for the model's own packages, all others, Python, and the data upstream."""
    model = watched.served()
    return [*_packages(watched, model), *_upstream(watched)]


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """Packages that are the same for some workers, and words for who they are."""

    python: str
    distributions: Mapping[str, str]
    who: str

    def version(self, package: str) -> str | None:
        return self.python if package == "python" else self.distributions.get(package)


def _packages(watched: Watched, model: ModelVersion) -> Iterator[Outcome]:
    outcome, places = _surroundings(watched, model)
    yield outcome
    for name, was in sorted(model.libraries.items()):
        yield _changed(name, was, places, model.ref)
    if model.run_id is None:
        words = f"{model.ref} was saved outside of a run"
        yield Outcome("other packages", None, "warned", "not known", _SAME, words)
        return
    recorded = watched.known.runs.show(model.run_id).environment or {}
    if "python" not in model.libraries and "python" in recorded:
        yield _changed("python", recorded["python"], places, model.ref)
    before: Mapping[str, str] = recorded.get("distributions") or {}
    names = {*before, *(name for place in places for name in place.distributions)} - {*model.libraries}
    rows = [(name, before.get(name, _GONE), _now(before.get(name), name, places)) for name in sorted(names)]
    others = [row for row in rows if row[1] != row[2]]
    table = TableEvidence.of(("package", "then", "now"), others, "packages that changed")
    yield Outcome(
        "other packages",
        None,
        "warned" if others else "passed",
        count(len(others), "change"),
        _SAME,
        ", ".join(f"{name} {was} → {is_}" for name, was, is_ in others[:5]),
        evidence=(table,) if others else (),
        number=float(len(others)),
    )


def _surroundings(watched: Watched, model: ModelVersion) -> tuple[Outcome, list[_Surroundings]]:
    """Where the model answers, each kind of surroundings once, and an outcome that says so."""
    from nbmlops.tracking.environment import installed

    workers = worker_environments(watched.captured.place(watched.monitor.deployment))
    if not workers:
        here = installed()
        told = "no endpoint noted its own: these are the packages of where the monitor runs"
        outcome = Outcome("surroundings", None, "passed", "of the monitor", "", told)
        return outcome, [_Surroundings(here["python"], here["distributions"], "the monitor")]
    alike: dict[tuple[Any, ...], list[WorkerEnvironment]] = {}
    for one in workers:
        alike.setdefault((one.python, *sorted(one.distributions.items())), []).append(one)
    places = [_Surroundings(group[0].python, group[0].distributions, _who(group)) for group in alike.values()]
    living = workers[0].alive
    figure = f"{count(len(workers), 'worker')}, {'all alike' if len(places) == 1 else f'{len(places)} kinds'}"
    without = [one.worker for one in workers if living and model.number not in one.versions]
    words = [] if living else [f"none answers; as {workers[0].worker} noted {when(workers[0].at)}"]
    words += [f"v{model.number} is not in the memory of {', '.join(without[:3])}"] if without else []
    status: Status = "warned" if without or len(places) > 1 else "passed"
    words += [" and ".join(place.who for place in places)] if len(places) > 1 else []
    return Outcome("surroundings", None, status, figure, "all alike", "; ".join(words)), places


def _who(workers: Sequence[WorkerEnvironment]) -> str:
    return workers[0].worker if len(workers) == 1 else f"{workers[0].worker} and {len(workers) - 1} more"


def _now(was: str | None, name: str, places: Sequence[_Surroundings]) -> str:
    """The version of a package now; where workers differ, those that are not as it was, and of whom."""
    found: dict[str, list[str]] = {}
    for place in places:
        found.setdefault(place.version(name) or _GONE, []).append(place.who)
    if len(found) == 1:
        return next(iter(found))
    others = {version: who for version, who in found.items() if version != (was or _GONE)}
    return ", ".join(f"{version} ({', '.join(who)})" for version, who in others.items())


def _changed(name: str, was: str, places: Sequence[_Surroundings], ref: str) -> Outcome:
    is_ = _now(was, name, places)
    status: Status = "passed" if is_ == was else "failed"
    return Outcome("package", name, status, was if is_ == was else f"{was} → {is_}", _SAME, f"of {ref}")


def _upstream(watched: Watched) -> Iterator[Outcome]:
    source = watched.trained_on()
    if source is None:
        told = "the run of the model, if it had one, says of no data that it read"
        yield Outcome("upstream", None, "warned", "not known", _SAME, told)
        return
    before, now = watched.data.show(source), _newest(watched, source)
    yield from _columns(before, now)
    told = f"{before.ref} against {now.ref}"
    if before.source == now.source:
        yield Outcome("source", None, "passed", now.source or "no address", _SAME, told)
    else:
        figure = f"{before.source or 'no address'} → {now.source or 'no address'}"
        yield Outcome("source", None, "failed", figure, _SAME, told)


def _newest(watched: Watched, source: str) -> DataVersion:
    name = source.partition("@")[0]
    found = watched.data.history(name, limit=1)
    if not found:
        raise NotFoundError(f"there is no version of {name} any more", hint=f"`ml data history {name}`")
    return found[0]


def _columns(before: DataVersion, now: DataVersion) -> Iterator[Outcome]:
    then, here = ({column.name: column.type for column in one.columns} for one in (before, now))
    told = f"{before.ref} against {now.ref}"
    wrong = False
    for name in dict.fromkeys((*then, *here)):
        was, is_ = then.get(name), here.get(name)
        if was == is_:
            continue
        # A column more breaks nothing: what was read is still there.
        status = "warned" if was is None else "failed"
        wrong = True
        figure = f"new, {is_}" if was is None else f"{was} → {is_ or 'missing'}"
        yield Outcome("upstream column", name, status, figure, _SAME, told)  # type: ignore[arg-type]
    if not wrong:
        yield Outcome("upstream columns", None, "passed", count(len(here), "column"), _SAME, told)
