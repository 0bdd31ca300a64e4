"""What it learnt from, how it was trained and judged, and how groups fare with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from nbmlops.checks.records import STATUSES
from nbmlops.checks.views import sign
from nbmlops.models.card import FAIR, SLICED, is_about
from nbmlops.monitoring.dossier.facts import MOST, Answer, newest
from nbmlops.monitoring.dossier.records import Gap, Mood, Statement
from nbmlops.monitoring.score.records import SUITE
from nbmlops.render.units import count, number, when

if TYPE_CHECKING:
    from nbmlops.checks.records import Outcome, Report
    from nbmlops.data.records import DataVersion
    from nbmlops.monitoring.dossier.facts import Facts

__all__ = ["data", "groups", "of_groups", "training"]

_IN_A_RUN = "`%%ml run NAME` around the load and the save"
_NAMED = 5
_RULES = {
    "refuse": "personal data that is not allowed fails a report",
    "warn": "personal data that is not allowed warns",
    "allow": "personal data is not looked for",
}


def data(facts: Facts) -> Answer:
    """The versions that it learnt from, where they come from, and the personal data in them."""
    inputs = facts.sources.inputs
    if not inputs:
        yield Gap("learnt from", "it is not known what it learnt from", _IN_A_RUN)
        return
    yield from newest(
        (_learnt(facts, one) for one in inputs), f"ml lineage {facts.ref} --direction upstream --kind model"
    )
    yield from _features(inputs)
    told, left = facts.sources.tables[:MOST], len(facts.sources.tables) - MOST
    yield from map(_origin, told)
    yield from map(_licence, told)
    yield from _personal(facts)
    if left > 0:
        why = f"origin, licence and personal data of {count(left, 'further version')} are not told here"
        yield Gap("further tables", why, f"`ml lineage {facts.ref} --direction upstream --kind model`")


def _learnt(facts: Facts, one: DataVersion) -> Statement:
    rows = "" if one.rows is None else f", {count(one.rows, 'row')} of {count(len(one.columns), 'column')}"
    gone = "; deleted since" if one.deleted_at else ""
    erased = "; rows of it were erased" if one.ref in _erased(facts) else ""
    told = f"{one.ref}: {one.format}{rows}, saved {when(one.created_at)} by {one.author}{erased}{gone}"
    return Statement("learnt from", told, one.ref, f"ml data show {one.ref}", "warn" if gone or erased else "plain")


def _erased(facts: Facts) -> set[str]:
    """References of versions that rows left."""
    return {one["ref"] for row in facts.governed.erasures for one in row.detail.get("versions", ())}


def _features(inputs: Sequence[DataVersion]) -> Iterator[Statement]:
    for one in inputs:
        for key in ("service", "features"):
            if said := one.tags.get(key):
                yield Statement(key, said, one.ref, f"ml data show {one.ref}")


def _origin(one: DataVersion) -> Statement | Gap:
    commit = f", at git commit {one.git['commit'][:12]}" if one.git and one.git.get("commit") else ""
    if one.tracked:
        told = f"tracked where it lies: {one.source}"
    elif one.query:
        told = f"what {one.source or 'a database'} answered to {one.query}"
    elif one.source:
        told = f"fetched from {one.source}"
    elif one.run:
        told = f"written by run {one.run}{f' of {one.notebook}' if one.notebook else ''}"
    elif one.notebook or one.script:
        told = f"saved in {one.notebook or one.script}"
    else:
        return Gap(
            "origin", f"it is not known where {one.ref} comes from", f"`ml data save ADDRESS {one.name} --as table`"
        )
    return Statement("origin", f"{one.ref}: {told}{commit}", one.ref, f"ml data show {one.ref}")


def _licence(one: DataVersion) -> Statement | Gap:
    licence = one.tags.get("licence") or one.tags.get("license")
    if licence is None:
        return Gap("licence of data", f"no licence of {one.ref} is named", f"`ml data tag {one.ref} licence=NAME`")
    return Statement("licence of data", f"{one.ref}: {licence}", one.ref, f"ml data show {one.ref}")


def _personal(facts: Facts) -> Answer:
    """What was found in the tables that it came from, and what the project's rules make of it."""
    taken = {field.name for field in facts.version.signature.inputs}
    found = set[str]()
    for one in facts.sources.tables[:MOST]:
        report = facts.sources.personal.get(one.ref)
        if report is None:
            why = f"{one.ref} was not looked through for personal data"
            yield Gap("personal data", why, f"`ml check policy {one.ref}`")
            continue
        outcomes = [each for each in report.outcomes if each.check == "personal data"]
        found |= {each.column for each in outcomes if each.column is not None}
        told = "; ".join(_column(each) for each in outcomes[:MOST])
        mood: Mood = "plain" if report.passed else "bad"
        yield Statement("personal data", f"{one.ref}: {told}", *_by_report(report), mood=mood)
    rule = facts.policy.personal
    said = facts.settings.policy.get("personal")
    told = f'personal = "{rule}"{"" if said else ", as nothing else is said"}: {_RULES[rule]}'
    yield Statement("rule on personal data", told, "pyproject.toml", "ml check policy --help")
    if both := sorted(taken & found):
        yield Statement(
            "personal inputs", f"it takes {', '.join(both)}", facts.ref, f"ml model show {facts.ref}", "warn"
        )


def _column(outcome: Outcome) -> str:
    where = "" if outcome.column is None else f"{outcome.column}: "
    allowed = f" ({outcome.detail})" if outcome.column is not None and outcome.status == "passed" else ""
    return f"{where}{outcome.figure}{allowed}"


def training(facts: Facts) -> Answer:
    """The run that made it, its code, params and metrics, and what suites of checks and its gate said."""
    yield from _run(facts)
    gate = facts.settings.gates.get(facts.name)
    if gate is None:
        yield Gap(
            "gate",
            f"no gate judges {facts.name} before it is promoted",
            f"[tool.nbmlops.gates.{facts.name}] in pyproject.toml",
        )
    else:
        told = ", ".join(f"{key} {value}" for key, value in sorted(gate.items()))
        yield Statement("gate", told, "pyproject.toml", f"ml check list --subject {facts.ref}")
    judged = [report for report in facts.card.reports if report.suite != SUITE and _others(report)]
    if not judged:
        yield Gap("checks", "nothing has judged it", f"`ml check model {facts.ref} TABLE --target COLUMN`")
    yield from newest((_judged(report) for report in judged), f"ml check list --subject {facts.ref}")


def _run(facts: Facts) -> Answer:
    run = facts.card.run
    if run is None:
        yield Gap("run", "it was made in no run that is known here", _IN_A_RUN)
        return
    evidence, look = f"run {run.name}", f"ml run show {run.name}"
    notebook = f" of {run.notebook}" if run.notebook else ""
    yield Statement("run", f"{run.name}{notebook}, {run.status}, begun {when(run.started_at)}", evidence, look)
    git = run.git or {}
    if git.get("commit"):
        changed = ", with changes that the run has kept" if git.get("dirty") else ""
        yield Statement("code", f"git commit {git['commit']}{changed}", evidence, look)
    else:
        yield Gap("code", f"{run.name} ran at no commit of git", "commit (`git init` first), then train again")
    for what, values in (("params", run.params), ("metrics", run.metrics)):
        if values:
            told = ", ".join(f"{key}={number(value)}" for key, value in sorted(values.items())[: 4 * MOST])
            more = len(values) - 4 * MOST
            yield Statement(what, told + (f", and {more:,} more" if more > 0 else ""), evidence, look)
        else:
            option = "`ml run start NAME -p NAME=VALUE`" if what == "params" else "`ml log NAME=VALUE` in the run"
            yield Gap(what, f"{run.name} logged no {what}", option)
    verdict = run.tags.get("reproduced")
    if verdict is None:
        yield Gap("reproduced", "nobody has executed its run again", f"`ml reproduce {run.name}`")
    else:
        at = run.tags.get("reproduced.at")
        on = f", {when(datetime.fromisoformat(at))}" if at else ""
        yield Statement("reproduced", f"{verdict}{on}", evidence, look)


def _judged(report: Report) -> Statement:
    tally = ", ".join(f"{amount} {status}" for status, amount in report.counts.items() if amount)
    own = sorted(_others(report), key=lambda one: -STATUSES.index(one.status))
    named = "; ".join(f"{sign(one.status)} {one}" for one in own[:_NAMED])
    more = f"; and {len(own) - _NAMED} more" if len(own) > _NAMED else ""
    told = f"{report.suite}, {when(report.created_at)}: {tally}: {named}{more}"
    return Statement("checks", told, *_by_report(report), mood="plain" if report.passed else "bad")


def _others(report: Report) -> list[Outcome]:
    """What a report says of all rows together."""
    return [one for one in report.outcomes if not is_about(one, SLICED + FAIR)]


def groups(facts: Facts) -> Answer:
    """What was measured in parts of the rows, and between groups of people."""
    command = f"ml check model {facts.ref} TABLE --target COLUMN"
    for what, words, option in (("by slice", SLICED, "--slices COLUMNS"), ("fairness", FAIR, "--sensitive COLUMN")):
        reports = [*facts.card.reports, *(facts.watched.fairness if words is FAIR else ())]
        told = [
            Statement(what, f"{sign(one.status)} {one}{f' ({one.detail})' if one.detail else ''}", *_by_report(report))
            for report in reports
            for one in report.outcomes
            if is_about(one, words)
        ]
        if told:
            yield from newest(told, f"ml check list --subject {facts.ref}")
        else:
            yield Gap(
                what,
                f"nothing was measured {'in parts of the rows' if words is SLICED else 'between groups'}",
                f"`{command} {option}`",
            )


def of_groups(facts: Facts) -> tuple[Outcome, ...]:
    """Outcomes that have tables of groups."""
    reports = (*facts.card.reports, *facts.watched.fairness)
    found = [one for report in reports for one in report.outcomes if is_about(one, SLICED + FAIR)]
    return tuple(one for one in found if one.evidence)[:_NAMED]


def _by_report(report: Report) -> tuple[str, str]:
    return f"report {report.id}", f"ml check show {report.id}"
