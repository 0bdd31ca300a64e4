"""Put two versions of models beside each other: what they are, learnt from, reached, and were made by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import NbmlopsError
from nbmlops.models.diff_records import DataChange, FeatureChange, ModelDiff
from nbmlops.tracking.comparison import Difference, compare

if TYPE_CHECKING:
    from nbmlops.checks.records import Report
    from nbmlops.data.diff_records import DataDiff
    from nbmlops.models.records import ModelSignature, ModelVersion
    from nbmlops.tracking.records import Run

__all__ = ["Side", "compared", "measured"]

Differ = Callable[[str, str], "DataDiff"]


class Side:
    """One of the two: the version, the run that made it, and the reports on it, the newest first."""

    def __init__(self, version: ModelVersion, run: Run | None, reports: Sequence[Report]) -> None:
        self.version = version
        self.run = run
        self.reports = reports


def compared(before: Side, after: Side, differ: Differ) -> ModelDiff:
    """What differs; `differ` tells it of two versions of data."""
    old, new, runs = before.version, after.version, [side.run for side in (before, after) if side.run is not None]
    beside = compare(runs, lambda _, __: ()) if len(runs) == 2 and runs[0].id != runs[1].id else None
    logged = [dict(side.run.metrics) if side.run else {} for side in (before, after)]
    reached = [own | measured(side.reports) for own, side in zip(logged, (before, after), strict=True)]
    libraries = _differing(old.libraries, new.libraries)
    named = {each.name for each in libraries}
    return ModelDiff(
        old.ref,
        new.ref,
        old.digest == new.digest,
        (before.run.name if before.run else None, after.run.name if after.run else None),
        facts=_differing(_facts(old), _facts(new)),
        params=beside.params if beside else (),
        metrics=_beside(*reached),
        environment=(*libraries, *(each for each in (beside.environment if beside else ()) if each.name not in named)),
        features=tuple(_features(old.signature, new.signature)),
        data=tuple(_data(old.inputs, new.inputs, differ)),
        code=beside.cells if beside else (),
    )


def measured(reports: Iterable[Report]) -> dict[str, float]:
    """Figures of the newest report of each suite, by suite and check."""
    found: dict[str, float] = {}
    seen: set[str] = set()
    for report in reports:
        if report.suite in seen:
            continue
        seen.add(report.suite)
        for outcome in report.outcomes:
            if outcome.number is not None:
                found.setdefault(f"{report.suite}: {outcome.label}", outcome.number)
    return found


def _facts(version: ModelVersion) -> dict[str, Any]:
    return {
        "estimator": version.estimator,
        "format": version.format,
        "form": version.signature.form,
        "signed by key": version.signer,
        "author": version.author,
        **{key.replace("_", " "): text for key, text in version.description.items()},
        **{f"tag {key}": value for key, value in version.tags.items()},
    }


def _beside(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Difference, ...]:
    return tuple(Difference(name, (old.get(name), new.get(name))) for name in sorted(old.keys() | new.keys()))


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Difference, ...]:
    return tuple(each for each in _beside(old, new) if each.values[0] != each.values[1])


def _features(old: ModelSignature, new: ModelSignature) -> Iterator[FeatureChange]:
    for before, after in zip(_told(old), _told(new), strict=True):
        for name in (*before, *(name for name in after if name not in before)):
            was, now = before.get(name), after.get(name)
            if was is None and now is not None:
                yield FeatureChange(name, "added", "", now)
            elif now is None and was is not None:
                yield FeatureChange(name, "removed", was, "")
            elif was is not None and now is not None and was != now:
                yield FeatureChange(name, "retyped", was, now)


def _told(signature: ModelSignature) -> tuple[dict[str, str], dict[str, str]]:
    """What it takes, and what it gives, in words by name."""
    taken = {
        each.name: ", ".join(
            filter(
                None,
                (
                    each.type,
                    "" if each.nullable else "no nulls",
                    "" if each.categories is None else f"one of {', '.join(map(str, each.categories))}",
                ),
            )
        )
        for each in signature.inputs
    }
    given = {
        each.method: f"{each.type}" + (f" of {', '.join(map(str, each.classes))}" if each.classes else "")
        for each in signature.outputs
    }
    return taken, given


def _data(old: Iterable[str], new: Iterable[str], differ: Differ) -> Iterator[DataChange]:
    before, after = (_by_name(refs) for refs in (old, new))
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, []), after.get(name, [])
        if was == now:
            continue
        told = ", ".join(was) or None, ", ".join(now) or None
        if len(was) != 1 or len(now) != 1:
            yield DataChange(name, *told)
            continue
        try:
            yield DataChange(name, *told, differ(was[0], now[0]))
        except NbmlopsError as error:
            # What was erased, deleted or not pulled cannot be compared; the rest can.
            yield DataChange(name, *told, None, str(error))


def _by_name(refs: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for ref in refs:
        found.setdefault(ref.partition("@")[0], []).append(ref)
    return found
