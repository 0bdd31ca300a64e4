"""Evidence for the seven tests of model development."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nbmlops.monitoring.score.awarding import Found, ScoreTest
from nbmlops.monitoring.score.monitor_tests import monitored
from nbmlops.render.units import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbmlops.checks.records import Outcome
    from nbmlops.monitoring.score.facts import Facts
    from nbmlops.monitoring.score.records import Evidence
    from nbmlops.store.asks import Ask

__all__ = ["TESTS", "judged"]

TRIALS = 5
"""So many sets of hyperparameters are a search."""
VERSIONS = 3
"""Of fewer versions no correlation is told."""
_ESTIMATED = ", estimated"


def judged(
    facts: Facts, is_wanted: Callable[[Outcome], bool], told: Callable[[list[Outcome]], str]
) -> Iterator[Evidence]:
    """Reports that judged the model by checks of a kind, and how these went."""
    for report, own in facts.on_models():
        wanted = [one for one in facts.outcomes(report) if is_wanted(one)]
        if wanted:
            passed = all(one.status in {"passed", "warned"} for one in wanted)
            yield facts.evidence(report, told(wanted), covers=own, passed=passed)


def _reviewed(facts: Facts) -> Found:
    git = _git(facts)
    evidence, enforced = [], False
    for ask in facts.asks:
        others = [one.by for one in ask.approvals if one.by != ask.author]
        if ask.state != "moved" or not others:
            continue
        is_rule = facts.approvals(ask.kind, ask.name, ask.alias) > 0
        covers = _is_of(facts, ask)
        enforced = enforced or (covers and is_rule)
        what = f"asked by {ask.author}, approved by {', '.join(others)}"
        look = f"ml {ask.kind} history {ask.name}"
        at = max(one.at for one in ask.approvals)
        evidence.append(facts.recorded(what, at, ask.ref, look, automatic=is_rule, covers=covers, passed=True))
    if not git.get("commit") or git.get("dirty"):
        why = "the code was not all committed" if git.get("commit") else "the code was in no git commit"
        return Found((), f"{why} when the version was made")
    return Found(tuple(evidence), "nobody else than who asked has approved it", repeats=1)


def _git(facts: Facts) -> dict[str, object]:
    """The git state that the version was made in, by its run or, where that says nothing, by itself."""
    for run in facts.lineage_of(facts.version.run_id):
        if run.git:
            return dict(run.git)
    return dict(facts.version.detail.get("git") or {})


def _is_of(facts: Facts, ask: Ask) -> bool:
    """Whether a promotion was of the version itself, or of the frozen pipeline that made it."""
    return ask.version_id == facts.version.id if ask.kind == "model" else ask.digest in facts.frozen


def _correlated(facts: Facts) -> Found:
    import numpy as np

    pairs: dict[str, dict[int, tuple[float, float, Evidence]]] = {}
    offline = _offline(facts)
    for one, report in monitored(facts, "quality"):
        models = [thing for thing in report.judged if thing.startswith("model:")]
        if len(models) != 1:
            continue
        for outcome in facts.outcomes(report):
            key = (outcome.check, int(models[0].partition(":")[2]))
            if outcome.number is not None and not outcome.check.endswith(_ESTIMATED) and key in offline:
                # The newest comes first, and is what counts.
                pairs.setdefault(outcome.check, {}).setdefault(key[1], (offline[key], outcome.number, one))
    evidence = []
    for metric, by_version in pairs.items():
        if len(by_version) < VERSIONS:
            continue
        before, after, found = zip(*by_version.values(), strict=True)
        if np.ptp(before) == 0 or np.ptp(after) == 0:
            continue
        r = float(np.corrcoef(before, after)[0, 1])
        newest = by_version.get(facts.version.id)
        latest = newest[2] if newest else max(found, key=lambda one: one.at)
        automatic = all(one.automatic for one in found)
        what = f"{metric} of {len(found)} served versions: r = {r:.2f} between held-out rows and labels"
        told = facts.recorded(
            what, latest.at, latest.ref, latest.look, automatic=automatic, covers=newest is not None, passed=r > 0
        )
        evidence.append(told)
    known = max((len(one) for one in pairs.values()), default=0)
    note = f"{count(known, 'served version')} has both figures; {VERSIONS} are needed"
    # Each of the versions was an occasion of its own.
    return Found(tuple(evidence), note, repeats=1)


def _offline(facts: Facts) -> dict[tuple[str, int], float]:
    """The figure of each metric on held-out rows, of each version, as its newest promotion had it."""
    found: dict[tuple[str, int], float] = {}
    for report, _ in facts.on_models():
        models = [thing for thing in report.judged if thing.startswith("model:")]
        if report.section == "model" and len(models) == 1:
            for outcome in facts.outcomes(report):
                if outcome.number is not None:
                    found.setdefault((outcome.check, int(models[0].partition(":")[2])), outcome.number)
    return found


def _tuned(facts: Facts) -> Found:
    evidence = []
    for version in facts.models:
        run = facts.run_of(version.run_id)
        if run is None:
            continue
        own, look = version.id == facts.version.id, f"ml run show {run.experiment}-{run.number}"
        trials = facts.candidates.get(run.id, 0)
        if trials >= TRIALS:
            what = f"{count(trials, 'candidate')} of a search behind the version"
            automatic = facts.is_unattended(run.id)
            evidence.append(
                facts.recorded(what, run.started_at, version.ref, look, automatic=automatic, covers=own, passed=True)
            )
    run = facts.run_of(facts.version.run_id)
    tried = {json.dumps(params, sort_keys=True) for params in facts.params.values() if params}
    if run is not None and len(tried) >= TRIALS and facts.version.run_id in facts.params:
        what = f"{len(tried)} sets of params in runs of {run.experiment}"
        look = f"ml run list --experiment {run.experiment}"
        ref = facts.version.ref
        evidence.append(facts.recorded(what, run.started_at, ref, look, automatic=False, covers=True, passed=True))
    return Found.of(evidence, f"fewer than {TRIALS} sets of hyperparameters are recorded")


def _aging(facts: Facts) -> Found:
    return Found.of(
        judged(facts, lambda one: one.check == "lost by age", lambda found: found[0].figure),
        "no older version was asked about the same rows",
    )


def _simpler(facts: Facts) -> Found:
    def is_simple(outcome: Outcome) -> bool:
        return outcome.check.endswith(" against a linear model") or " against one column on " in outcome.check

    return Found.of(
        judged(facts, is_simple, lambda found: "; ".join(f"{one.check}: {one.figure}" for one in found)),
        "no simple model was tried beside it",
    )


def _sliced(facts: Facts) -> Found:
    slices = judged(facts, lambda one: one.check in {"slices", "weakest slices"}, lambda found: found[0].figure)
    return Found.of(slices, "its quality on parts of the rows is not known")


def _inclusive(facts: Facts) -> Found:
    starts = "demographic parity difference", "equalised odds difference"
    groups = judged(
        facts,
        lambda one: one.check.startswith(starts),
        lambda found: "; ".join(f"{one.check} by {one.column}: {one.figure}" for one in found[:2]),
    )
    return Found.of(groups, "no groups of people were compared")


_CHECK = "`ml check model {ref} {table} --target {target}"
_GATE = " below [tool.nbmlops.gates.{name}] in pyproject.toml, then promote"

TESTS = (
    ScoreTest(
        *("Model 1", "model", "Its code is committed and reviewed by another person", _reviewed),
        "commit and train again; `{name} = {{ {alias} = 1 }}` below [tool.nbmlops.approvals.model], "
        "`ml model promote {name} --to {alias}`, and another person `ml model approve {name} --to {alias}`",
        "`{name} = {{ {alias} = 1 }}` below [tool.nbmlops.approvals.model]",
    ),
    ScoreTest(
        *("Model 2", "model", "Offline figures go with those of live answers", _correlated),
        "promote three versions through the gate, give labels, and `ml monitor add {name}_quality {name} quality`",
        "`ml schedule add all --action monitor --every 1h --name monitors`",
    ),
    ScoreTest(
        *("Model 3", "model", "Hyperparameters are tuned", _tuned),
        "`ml run autolog`, then fit a GridSearchCV in the run that saves the model",
        "search in the step that trains, each time that it runs",
    ),
    ScoreTest(
        *("Model 4", "model", "What age costs is known", _aging),
        f"{_CHECK} --only staleness`",
        f'`checks = ["staleness"]`{_GATE}',
    ),
    ScoreTest(
        *("Model 5", "model", "No simpler model is as good", _simpler),
        f"{_CHECK} --only baseline`",
        f'`checks = ["baseline"]`{_GATE}',
    ),
    ScoreTest(
        *("Model 6", "model", "Its quality is good on the parts that matter", _sliced),
        f"{_CHECK} --only slices --slices COLUMN`",
        f'`slices = ["COLUMN"]`{_GATE}',
    ),
    ScoreTest(
        *("Model 7", "model", "Groups of people are treated alike", _inclusive),
        f"{_CHECK} --only fairness --sensitive COLUMN`",
        f'`sensitive = "COLUMN"`{_GATE}',
    ),
)
