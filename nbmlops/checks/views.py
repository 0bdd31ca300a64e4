"""How reports of checks and suites look."""

from __future__ import annotations

from typing import Any

from nbmlops.checks.changes import SuiteChanges
from nbmlops.checks.evidence_views import evidence_blocks
from nbmlops.checks.records import Outcome, Report, Status
from nbmlops.checks.report_diff import CHANGES, Changed, ReportDiff
from nbmlops.checks.suite import Suite
from nbmlops.render.dispatch import json, looks, text
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Drawing, Facts, Lines, Look, Part, Tone, line, table
from nbmlops.render.units import count, when
from nbmlops.render.units import number as decimal

__all__ = ["sign"]

_SIGNS: dict[Status, tuple[str, Tone]] = {
    "passed": ("✓", "good"),
    "warned": ("!", "warn"),
    "failed": ("✗", "bad"),
    "errored": ("✗", "bad"),
}
_NAMED = 5
_WORST_FIRST: tuple[Status, ...] = ("errored", "failed", "warned", "passed")


def sign(status: Status) -> str:
    """The sign that goes before what has a status."""
    return _SIGNS[status][0]


def _tally(report: Report) -> list[Part]:
    return [Part(f"{sign(s)} {report.counts[s]} {s}", _SIGNS[s][1]) for s in _WORST_FIRST[::-1] if report.counts[s]]


def _outcomes(report: Report) -> str:
    return ", ".join(f"{number} {status}" for status, number in report.counts.items() if number)


def _sentence(outcome: Outcome) -> tuple[Part, ...]:
    found = Part(f"{sign(outcome.status)} {outcome}", _SIGNS[outcome.status][1])
    rows = f"first rows: {', '.join(f'{row:,}' for row in outcome.rows[:_NAMED])}" if outcome.rows else ""
    detail = outcome.detail if outcome.figure else ""
    whose = [f"because {outcome.reason}" if outcome.reason else "", f"ask {outcome.owner}" if outcome.owner else ""]
    return line(found, Part(detail, "muted"), Part(rows, "muted"), *(Part(words, "muted") for words in whose if words))


def _ordered(report: Report) -> list[Outcome]:
    return sorted(report.outcomes, key=lambda outcome: _WORST_FIRST.index(outcome.status))


@looks(Report)
def _(report: Report) -> Look:
    troubled = [outcome for outcome in _ordered(report) if outcome.status != "passed"]
    troubles = [_sentence(outcome) for outcome in troubled[:_NAMED]]
    if len(troubled) > _NAMED:
        troubles.append(line(Part(f"… and {len(troubled) - _NAMED} more", "muted")))
    named = f" by {report.suite}" if report.suite and report.suite != report.subject.partition("@")[0] else ""
    number = Part(f"report {report.id}", "muted") if report.id is not None else None
    rows = [
        (sign(one.status), one.column or "", one.check, one.figure, one.bound, one.detail, one.reason, one.owner)
        for one in _ordered(report)
    ]
    facts = Facts.of({"section": report.section, "judged": when(report.created_at), "run": report.run_id})
    headers = ("", "column", "check", "figure", "bound", "detail", "reason", "owner")
    outcomes = table(headers, rows).without_empty_columns()
    return Look(
        line(f"{report.subject}{named}", *_tally(report), number),
        body=(Lines(tuple(troubles)),) if troubles else (),
        more=(facts, outcomes, *evidence_blocks(_ordered(report))),
    )


_TONES: dict[Changed, Tone] = {"worse": "bad", "new": "warn", "gone": "warn", "better": "good", "moved": "plain"}


@looks(ReportDiff)
def _(diff: ReportDiff) -> Look:
    tally = [Part(f"{len(diff.of(kind))} {kind}", _TONES[kind]) for kind in CHANGES if diff.of(kind)]
    rows = [
        (
            one.kind,
            *(_in_words(outcome) for outcome in (one.before, one.after)),
            "" if one.by is None else _step(one.by),
        )
        for one in diff.changes
    ]
    named = [(change.label, *row) for change, row in zip(diff.changes, rows, strict=True)]
    same = Part(f"{diff.same} the same", "muted")
    return Look(
        line(" → ".join(_called(report) for report in (diff.before, diff.after)), *tally, same),
        body=(table(("check", "", "before", "after", ">by"), named).without_empty_columns(),) if named else (),
    )


def _called(report: Report) -> str:
    return f"{report.subject} (report {report.id})" if report.id is not None else report.subject


def _in_words(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    bound = f", bound {outcome.bound}" if outcome.bound else ""
    return f"{sign(outcome.status)} {outcome.figure or outcome.detail}{bound}"


def _step(by: float) -> str:
    return f"+{decimal(by)}" if by > 0 else decimal(by)


@json.register
def _(obj: ReportDiff) -> dict[str, Any]:
    changes = [
        {
            "kind": change.kind,
            "check": change.label,
            "by": change.by,
            **{
                name: None if one is None else str(one)
                for name, one in (("before", change.before), ("after", change.after))
            },
            "statuses": [one and one.status for one in (change.before, change.after)],
        }
        for change in obj.changes
    ]
    ends = {
        name: {"report": each.id, "subject": each.subject, "suite": each.suite, "status": each.status}
        for name, each in (("before", obj.before), ("after", obj.after))
    }
    return {**ends, "changes": changes, "same": obj.same}


@json.register
def _(obj: Report) -> dict[str, Any]:
    return {"id": obj.id, **obj.to_json()}


@looks(SuiteChanges)
def _(changes: SuiteChanges) -> Look:
    if not changes.lines:
        return Look(line(f"{changes.subject} changes nothing in suite {changes.before.name}".rstrip()))
    what = f"{changes.subject} would change {count(len(changes.lines), 'line')} of suite {changes.before.name}"
    drawn = [
        "\n".join(
            filter(None, (f"- {one.before}" * bool(one.before), f"+ {one.after}" * bool(one.after), f"  {one.why}"))
        )
        for one in changes.lines
    ]
    return Look(line(what.rstrip()), body=(Drawing("\n".join(drawn)),), more=(Drawing(str(changes.after)),))


@json.register
def _(obj: SuiteChanges) -> dict[str, Any]:
    lines = [{"place": one.place, "before": one.before, "after": one.after, "why": one.why} for one in obj.lines]
    return {"subject": obj.subject, "suite": obj.before.name, "lines": lines, "after": str(obj.after)}


@looks(Suite)
def _(suite: Suite) -> Look:
    if not len(suite):
        return Look(line("an empty suite"))
    checks = Part(f"{count(len(suite), 'check')} of {count(len(suite.columns), 'column')}", "muted")
    return Look(line(f"suite {suite.name}".rstrip(), checks), body=(Drawing(str(suite)),))


@text.register
def _(obj: Suite, **_: Any) -> str:
    # Nothing but the suite: it is there to be copied into a cell or a file, and edited.
    return str(obj)


@json.register
def _(obj: Suite) -> dict[str, Any]:
    columns = {each.column: [str(check) for check in each.checks] for each in obj.columns}
    return {"name": obj.name, "table": [str(check) for check in obj.table], "columns": columns, "text": str(obj)}


lists(
    Report,
    Field("report", lambda report: report.id, right=True),
    Field("", lambda report: report.status, sign),
    Field("subject", lambda report: report.subject),
    Field("suite", lambda report: report.suite),
    Field("outcomes", _outcomes),
    Field("judged", lambda report: report.created_at, when),
    nothing="no reports yet; the first: check data NAME",
)
