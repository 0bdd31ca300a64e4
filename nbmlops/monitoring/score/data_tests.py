"""Evidence for the seven tests of features and data."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nbmlops.monitoring.score.awarding import Found, ScoreTest
from nbmlops.render.units import count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from nbmlops.monitoring.score.facts import Facts, Kept
    from nbmlops.monitoring.score.records import Evidence

__all__ = ["TESTS"]

_APART = ("drift from ", "policy", "leakage", "importance", "feature tests")
"""Suites of the section `data` that judge something else than a schema."""
_QUICK = timedelta(days=60)
"""A feature that takes longer from its first record to its first answer is not added quickly."""
_RULELESS = "the rules deny none"


def _schema(facts: Facts) -> Found:
    return Found.of((*_by_suites(facts), *_by_gate(facts)), "no suite has judged what the model came from")


def _by_suites(facts: Facts) -> Iterator[Evidence]:
    for report in facts.reports:
        if report.section == "data" and report.judged & set(facts.related) and not report.suite.startswith(_APART):
            checks = len(facts.outcomes(report))
            if checks:
                what = f"{count(checks, 'check')} of the suite {report.suite}"
                yield facts.evidence(report, what, covers=bool(report.judged & facts.upstream))


def _by_gate(facts: Facts) -> Iterator[Evidence]:
    """What the suites of the gate said of the held-out table."""
    ends = tuple(f" of {path}" for path in facts.gate.get("suites", ()))
    for report, own in facts.on_models():
        checks = [one for one in facts.outcomes(report) if ends and one.check.endswith(ends)]
        if report.suite.startswith("promote ") and checks:
            yield facts.evidence(report, f"{count(len(checks), 'check')} of suites in the gate", covers=own)


def _of_suite(facts: Facts, suite: str, check: str) -> Iterator[tuple[Kept, bool, str]]:
    """Reports of a suite on versions of the model that have a check, and the figure of that."""
    for report, own in facts.on_models():
        if report.suite == suite:
            for outcome in facts.outcomes(report):
                if outcome.check == check:
                    yield report, own, outcome.figure
                    break


def _beneficial(facts: Facts) -> Found:
    found = _of_suite(facts, "importance", "features that add something")
    return Found.of(facts.evidence(one, f"{figure} features add something", covers=own) for one, own, figure in found)


def _costs(facts: Facts) -> Found:
    return Found.of(_costed(facts), "the cost of no feature is known")


def _costed(facts: Facts) -> Iterator[Evidence]:
    for report, own in facts.on_models():
        costs = [one for one in facts.outcomes(report) if one.check == "cost"]
        if report.suite == "importance" and costs:
            dear = max(costs, key=lambda one: one.number or 0)
            what = f"time, nulls and gain of {count(len(costs), 'feature')}; {dear.column} costs {dear.figure}"
            yield facts.evidence(report, what, covers=own)


def _requirements(facts: Facts) -> Found:
    evidence = [
        facts.evidence(report, f"columns that are denied: {outcome.figure}", covers=own)
        for report, own in facts.on_models()
        for outcome in facts.outcomes(report)
        if report.suite == "policy" and outcome.check == "columns" and outcome.detail != _RULELESS
    ]
    return Found.of(evidence, "no rule says which columns a model may use, or it was not judged by them")


def _privacy(facts: Facts) -> Found:
    scans = [report for report in facts.reports if report.suite == "policy" and _looked(facts, report)]
    scanned = frozenset[str]().union(*(report.judged for report in scans if report.judged & facts.upstream))
    missing = [
        min(lacking, key=len)
        for wanted in (facts.inputs, facts.sources)
        if (lacking := [ref for thing, ref in wanted if thing not in scanned])
    ]
    related = set(facts.related)
    evidence = tuple(
        facts.evidence(one, _personal(facts, one), covers=bool(one.judged & facts.upstream))
        for one in scans
        if one.judged & related
    )
    if not scanned or not facts.inputs:
        return Found(evidence, "nothing that the model came from was looked through for personal data")
    if len(missing) > 1:  # neither what it learnt from nor all that this came from
        return Found((), f"not everything was looked through for personal data: {missing[1]} was not")
    held = any(_personal_columns(facts, report) for report in scans if report.judged & facts.upstream)
    if held and not _erased(facts):
        return Found(evidence, "there is personal data, and no erasure has shown that it can be deleted", most=0.5)
    return Found(evidence)


def _looked(facts: Facts, report: Kept) -> bool:
    outcomes = [one for one in facts.outcomes(report) if one.check == "personal data"]
    return any("not looked" not in one.figure for one in outcomes)


def _personal_columns(facts: Facts, report: Kept) -> int:
    return sum(one.check == "personal data" and one.column is not None for one in facts.outcomes(report))


def _personal(facts: Facts, report: Kept) -> str:
    held = _personal_columns(facts, report)
    return f"looked for personal data: {count(held, 'column') if held else 'none'}"


def _erased(facts: Facts) -> bool:
    names = set(facts.related.values())
    return any(names & set(erasure.names) for erasure in facts.erased)


def _quickly(facts: Facts) -> Found:
    """Of each served version that brought new features: how long it took from their first record to that."""
    known, evidence = set[str](), []
    by_id = {one.id: one for one in facts.models}
    for move in facts.moves:
        version = by_id.get(move.after_id or 0)
        if move.alias != facts.alias or move.how != "promote" or version is None:
            continue
        names = {each["name"] for each in version.detail["signature"]["inputs"]}
        new, known = names - known, known | names
        first = [at for at, columns in _columns(facts) if new & columns]
        if not new or not first:
            continue
        took = max(move.at - min(first), timedelta(0))
        what = f"{count(len(new), 'new feature')} served {took / timedelta(days=1):.1f} days after the first record"
        own = bool(new & {each["name"] for each in facts.version.detail["signature"]["inputs"]})
        look = f"ml model history {facts.name}"
        automatic = move.report_id is not None
        evidence.append(
            facts.recorded(what, move.at, version.ref, look, automatic=automatic, covers=own, passed=took <= _QUICK)
        )
    return Found.of(evidence, "no version was promoted whose features stand in saved data")


def _columns(facts: Facts) -> Iterator[tuple[datetime, set[str]]]:
    for at, detail in facts.saved:
        yield at, {column[0] for column in detail.get("columns") or ()}


def _code(facts: Facts) -> Found:
    own = {path.rpartition("/")[2] for path in facts.notebooks()}
    evidence = []
    for report in facts.reports:
        if report.suite == "feature tests" and report.subject in own:
            tests = count(len(facts.outcomes(report)), "test")
            covers = facts.is_same_code(report.created_at, report.subject)
            evidence.append(facts.evidence(report, f"{tests} of cells in {report.subject}", covers=covers))
        elif report.suite == "ci":
            tested = [one for one in facts.outcomes(report) if (one.column or "").rpartition("/")[2] in own]
            tested = [one for one in tested if not one.check.startswith("lint")]
            if tested:
                what = f"{count(len(tested), 'test')} of cells, by ci"
                evidence.append(facts.evidence(report, what, covers=facts.is_same_code(report.created_at)))
    return Found.of(evidence, "no cell that makes its data is tested")


TESTS = (
    ScoreTest(
        *("Data 1", "data", "What is expected of features is written down and checked", _schema),
        "`ml check infer {data} --to {name}.suite`, then `ml check data {data} {name}.suite`",
        '`%ml check data {data} {name}.suite --strict` in a cell of a step, or `suites = ["{name}.suite"]` in the gate',
    ),
    ScoreTest(
        *("Data 2", "data", "Every feature is of use", _beneficial),
        "`ml check importance {ref} {table} --target {target}`",
        "`%ml check importance {name} {table} --target {target}` in a cell of a step",
    ),
    ScoreTest(
        *("Data 3", "data", "No feature costs more than it is worth", _costs),
        "`%ml check importance {ref} {table} --target {target} --cost FEATURE={{FUNCTION}}` in a cell",
        "`%ml check importance {name} {table} --target {target} --cost FEATURE={{FUNCTION}}` in a cell of a step",
    ),
    ScoreTest(
        *("Data 4", "data", "Features keep the rules of the project", _requirements),
        "`[tool.nbmlops.policy.denied]` in pyproject.toml, then `ml check policy {ref} --kind model`",
        "`%ml check policy {name} --kind model --strict` in a cell of a step",
    ),
    ScoreTest(
        *("Data 5", "data", "Personal data is looked for and can be deleted", _privacy),
        "`ml check policy {data}`",
        "`%ml check policy {data} --strict` in a cell of a step; where there is personal data, `ml data erase`",
    ),
    ScoreTest(
        *("Data 6", "data", "New features reach production quickly", _quickly),
        "`ml model promote {ref} --to {alias}`",
        "promote another version that takes a new feature",
    ),
    ScoreTest(
        *("Data 7", "data", "The code that makes features is tested", _code),
        "tests in a cell that begins with `%%ml check feature`, then `ml check feature NOTEBOOK`",
        "keep the cell `%%ml check feature` in a notebook of the pipeline, and run it",
    ),
)
