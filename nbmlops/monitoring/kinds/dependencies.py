"""What a served version stands on: packages, and the columns and the source of the data upstream.

The packages are those of the environment in which the monitor runs: let it run where the model answers. They are
compared with those that the model was saved with, and with all that its run recorded. Upstream is the newest version
of the data that it was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import NotFoundError
from nbmlops.render.units import count

if TYPE_CHECKING:
    from nbmlops.data.records import DataVersion
    from nbmlops.models.records import ModelVersion
    from nbmlops.monitoring.watching import Watched

__all__ = ["judge"]

_SAME = "as when it was trained"


def judge(watched: Watched) -> list[Outcome]:
    """Outcomes for the model's own packages, all others, Python, and the data upstream."""
    model = watched.served()
    return [*_packages(watched, model), *_upstream(watched)]


def _packages(watched: Watched, model: ModelVersion) -> Iterator[Outcome]:
    from nbmlops.tracking.environment import installed

    here = installed()
    now: Mapping[str, str] = here["distributions"]
    for name, was in sorted(model.libraries.items()):
        is_ = here["python"] if name == "python" else now.get(name)
        yield _changed(name, was, is_, model.ref)
    if model.run_id is None:
        words = f"{model.ref} was saved outside of a run"
        yield Outcome("other packages", None, "warned", "not known", _SAME, words)
        return
    recorded = watched.known.runs.show(model.run_id).environment or {}
    if "python" not in model.libraries and "python" in recorded:
        yield _changed("python", recorded["python"], here["python"], model.ref)
    before: Mapping[str, str] = recorded.get("distributions") or {}
    others = sorted(name for name in {*before, *now} - {*model.libraries} if before.get(name) != now.get(name))
    rows = [(name, before.get(name, "not there"), now.get(name, "not there")) for name in others]
    table = TableEvidence.of(("package", "then", "now"), rows, "packages that changed")
    yield Outcome(
        "other packages",
        None,
        "warned" if others else "passed",
        count(len(others), "change"),
        _SAME,
        ", ".join(f"{name} {was} → {is_}" for name, was, is_ in rows[:5]),
        evidence=(table,) if others else (),
        number=float(len(others)),
    )


def _changed(name: str, was: str, is_: str | None, ref: str) -> Outcome:
    figure = was if is_ == was else f"{was} → {is_ or 'not there'}"
    status = "passed" if is_ == was else "failed"
    return Outcome("package", name, status, figure, _SAME, f"of {ref}")  # type: ignore[arg-type]


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
