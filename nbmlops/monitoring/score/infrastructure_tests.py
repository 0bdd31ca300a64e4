"""Evidence for the seven tests of infrastructure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nbmlops.models.drill import SUITE
from nbmlops.monitoring.score.awarding import Found, ScoreTest
from nbmlops.monitoring.score.model_tests import judged
from nbmlops.render.units import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbmlops.monitoring.score.facts import Facts, Kept
    from nbmlops.monitoring.score.records import Evidence
    from nbmlops.store.versions import Version

__all__ = ["TESTS"]

_SAME = frozenset({"identical", "within tolerance"})
_HOUR = timedelta(hours=1)
_TRIED = 5
"""So many versions that were tried on live traffic are looked up in what was captured, the newest."""


def proofs(facts: Facts) -> Iterator[tuple[Kept, bool]]:
    """Promotions of the pipeline, each with a proof in cold kernels, and whether that made the very same model."""
    check = f"model {facts.name} is reproduced"
    for report in facts.reports:
        if facts.pipeline is None or report.suite != f"promote {facts.pipeline}":
            continue
        made = [one.figure for one in facts.outcomes(report) if one.check == check]
        yield report, bool(made) and facts.version.digest.startswith(made[0])


def _reproducible(facts: Facts) -> Found:
    evidence = [
        facts.evidence(report, "the proof of its pipeline gave the same data, metrics and model", covers=own)
        for report, own in proofs(facts)
    ]
    for version in facts.models:
        for run in facts.lineage_of(version.run_id):
            if run.id not in facts.reproduced:
                continue
            verdict, at = facts.reproduced[run.id]
            name = f"{run.experiment}-{run.number}"
            told = facts.recorded(
                *(f"{name} executed again: {verdict}", datetime.fromisoformat(at), version.ref, f"ml run show {name}"),
                automatic=False,
                covers=version.id == facts.version.id,
                passed=verdict in _SAME,
            )
            evidence.append(told)
    return Found.of(evidence, "its training was not done again")


def _unit_tested(facts: Facts) -> Found:
    learnt = judged(
        facts,
        lambda one: one.check == "learning ten rows",
        lambda found: f"ten rows by heart: {found[0].figure}",
    )
    return Found.of(learnt, "whether it learns a handful of rows was not tried")


def _integrated(facts: Facts) -> Found:
    evidence = [facts.evidence(one, "every step in cold kernels, as a proof", covers=own) for one, own in proofs(facts)]
    for report in facts.reports:
        rehearsed = report.suite.startswith("rehearsal on ") and report.subject == facts.pipeline
        steps = facts.steps_in(report) if rehearsed or report.suite == "ci" else 0
        if steps:
            what = f"{report.suite}: {count(steps, 'step')} end to end"
            covers = facts.is_same_code(report.created_at)
            evidence.append(facts.evidence(report, what, covers=covers))
    return Found.of(evidence, "its pipeline was never run end to end as a test")


def _gated(facts: Facts) -> Found:
    """The verdicts of the gate; worth something only when no version came to the alias without one."""
    by_id = {one.id: one for one in facts.models}
    verdicts = {report.number: report for report, _ in facts.on_models() if _is_verdict(facts, report)}
    promoted = [move for move in facts.moves if move.alias == facts.alias and move.how == "promote"]
    without = [move for move in promoted if move.report_id not in verdicts]
    evidence = []
    for number, report in verdicts.items():
        own = any(move.report_id == number and move.after_id == facts.version.id for move in promoted)
        what = f"{count(len(facts.outcomes(report)), 'check')} of the gate: {report.status}"
        evidence.append(facts.evidence(report, what, covers=own))
    if without:
        lacking = by_id.get(without[-1].after_id or 0)
        return Found(tuple(evidence), f"{lacking.ref if lacking else 'a version'} came without a verdict", most=0.5)
    return Found.of(evidence, "no gate has judged a promotion of it")


def _is_verdict(facts: Facts, report: Kept) -> bool:
    """Whether a promotion was judged by a gate, and not by its integrity alone."""
    if report.suite != f"promote {facts.alias}":
        return False
    outcomes = facts.outcomes(report)
    return any(one.check not in {"integrity", "gate"} for one in outcomes)


def _traced(facts: Facts) -> Found:
    evidence = []
    for event in facts.events:
        if event.action == "deployment.replay":
            same = bool(event.detail["same"])
            what = f"request {event.detail['request']} answered again in {count(event.detail['steps'], 'step')}"
            what += ": the same" if same else ": another answer"
            told = facts.recorded(
                *(what, event.at, event.subject, f"ml deployment replay {event.detail['request']}"),
                automatic=facts.is_unattended(event.detail.get("run")),
                covers=event.subject == facts.version.ref,
                passed=same,
            )
            evidence.append(told)
    return Found.of(evidence, "no request was replayed step by step")


def _canaried(facts: Facts) -> Found:
    """Versions that answered a part of the callers, or unheard, before the alias came to them."""
    found: dict[int, tuple[Evidence, datetime]] = {}
    for event in facts.events:
        if event.action not in {"deployment.split", "deployment.ramp", "deployment.shadow"}:
            continue
        refs = [share[0] for share in event.detail.get("split", ())] + list(event.detail.get("shadow", ()))
        for ref in refs:
            version = _meant(facts, ref, event.at)
            until = _served_at(facts, version) if version is not None else None
            if version is None or version.number is None or (until is not None and event.at >= until):
                continue
            ramp = event.action == "deployment.ramp"
            how = "ramp" if ramp else event.action.partition(".")[2]
            look = f"ml deployment history {facts.name}"
            told = facts.recorded(
                *(f"{how} of {version.ref} before it was promoted", event.at, version.ref, look),
                automatic=ramp,
                covers=version.id == facts.version.id and until is not None,
                passed=True,
            )
            found[version.number] = told, until or facts.now
    newest = sorted(found.items(), key=lambda one: one[1][0].at)[-_TRIED:]
    answered = [one for number, (one, until) in newest if _asked(facts, number, one.at, until)]
    note = "it was never tried on a part of the callers" if not found else "nothing was asked of it while it was tried"
    return Found.of(answered, note)


def _asked(facts: Facts, number: int, since: datetime, until: datetime) -> bool:
    """Whether a version answered anything in a time, heard or not."""
    import polars as pl

    captured, name = facts.captured, facts.name
    rows = captured.rows(name, since, until, version=number, columns=("_id",))
    if rows.select(pl.len()).collect().item():
        return True
    # Where no rows are kept, the hours that lie wholly in that time tell.
    hours = captured.hours(name, since, until, version=number, role=None)
    return any(hour.requests and since <= hour.start and hour.start + _HOUR <= until for hour in hours)


def _meant(facts: Facts, ref: str, at: datetime) -> Version | None:
    """The version that an alias or a number of the model meant at a time."""
    if ref[:1] == "v" and ref[1:].isdecimal():
        return next((one for one in facts.models if one.number == int(ref[1:])), None)
    ids = [move.after_id for move in facts.moves if move.alias == ref and move.at <= at]
    return next((one for one in facts.models if ids and one.id == ids[-1]), None)


def _served_at(facts: Facts, version: Version) -> datetime | None:
    """When a version was promoted to the alias that is served, for the last time."""
    times: Sequence[datetime] = [
        move.at for move in facts.moves if (move.alias, move.how, move.after_id) == (facts.alias, "promote", version.id)
    ]
    return max(times, default=None)


def _rolled_back(facts: Facts) -> Found:
    evidence = []
    for report, _ in facts.on_models():
        by_check = {one.check: one for one in facts.outcomes(report)}
        if report.suite == SUITE and "answers after the rollback" in by_check and "rollback" in by_check:
            what = f"{by_check['rollback'].figure}, {by_check['answers after the rollback'].figure}"
            # It judges the version that it leads back to as well, and is no drill of that.
            evidence.append(facts.evidence(report, what, covers=report.subject == facts.version.ref))
    return Found.of(evidence, "no drill has timed a rollback and compared its answers")


TESTS = (
    ScoreTest(
        *("Infrastructure 1", "infrastructure", "Training gives the same again", _reproducible),
        "`ml pipeline promote {pipeline} --to production`, which proves it, or `ml reproduce RUN`",
        "`ml pipeline promote {pipeline} --to production` after each change of it",
    ),
    ScoreTest(
        *("Infrastructure 2", "infrastructure", "The model's code is unit tested", _unit_tested),
        "`ml check model {ref} {table} --target {target} --only training`",
        '`checks = ["training"]` below [tool.nbmlops.gates.{name}] in pyproject.toml, then promote',
    ),
    ScoreTest(
        *("Infrastructure 3", "infrastructure", "The pipeline is tested end to end", _integrated),
        "`ml pipeline rehearse {pipeline}`",
        "`ml pipeline promote {pipeline} --to production` after each change of it, which proves it",
    ),
    ScoreTest(
        *("Infrastructure 4", "infrastructure", "A model is judged before it is served", _gated),
        "[tool.nbmlops.gates.{name}] in pyproject.toml, then `ml model promote {ref} --to {alias}`",
        "`ml model promote {name} --to {alias}` for each version, through the gate",
    ),
    ScoreTest(
        *("Infrastructure 5", "infrastructure", "One answer can be followed step by step", _traced),
        "`ml deployment replay REQUEST`",
        "`%ml deployment replay REQUEST` in a cell of a step",
    ),
    ScoreTest(
        *("Infrastructure 6", "infrastructure", "A version is tried on a part of the callers first", _canaried),
        "`ml deployment shadow {name} challenger`, and promote it when it has answered",
        "`ml deployment ramp {name} challenger`",
    ),
    ScoreTest(
        *("Infrastructure 7", "infrastructure", "A rollback is rehearsed, timed and compared", _rolled_back),
        "`ml model drill {name} {alias} --on {table}`",
        "`%ml model drill {name} {alias} --on {table}` in a cell of a step",
    ),
)
