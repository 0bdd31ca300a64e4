"""The panel of checks: where they stand, one report with what its verdicts rest on, and how a check went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.checks import evidence as kinds
from nbmlops.checks.records import STATUSES, Outcome, Report, Section, Status
from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.core.refs import Ref
from nbmlops.jupyter.panels.panel import Panel
from nbmlops.jupyter.panels.shaped import short
from nbmlops.render.listing import Listing

if TYPE_CHECKING:
    from nbmlops.workspace import Workspace

__all__ = ["panel"]

_PAGE = 200
_OUTCOMES = 500
"""Checks of a report that are sent at once."""


def standing(workspace: Workspace) -> dict[str, Any]:
    """The newest report of each suite on each name, failures first; how many reports there may be is not counted."""
    return {"rows": workspace.check.standing()}


def page(
    workspace: Workspace,
    subject: str | None = None,
    status: Status | None = None,
    section: Section | None = None,
    before: int | None = None,
    limit: int = _PAGE,
) -> dict[str, Any]:
    """A page of reports, newest first; `next` is what the next page is to come before, None when there is none."""
    size = max(1, min(limit, _PAGE))
    found = workspace.check.entries(size, subject=subject or None, status=status, section=section, before=before)
    return {"rows": found, "next": found[-1].id if len(found) == size else None}


def report(workspace: Workspace, number: int, start: int = 0) -> dict[str, Any]:
    """One report: its checks from `start` on, the worst first; each says how much evidence it has, and its place."""
    found = workspace.check.show(number)
    places = sorted(range(len(found.outcomes)), key=lambda place: -STATUSES.index(found.outcomes[place].status))
    outcomes = [_outcome(place, found.outcomes[place]) for place in places[start : start + _OUTCOMES]]
    run = workspace.run.name_of(found.run_id) if found.run_id else None
    return {**_head(found), "run": run, "total": len(places), "start": start, "outcomes": outcomes}


def evidence(workspace: Workspace, number: int, place: int) -> list[dict[str, Any]]:
    """What the verdict of one check rests on, as it was stored: what was masked then is masked here."""
    found = workspace.check.show(number)
    if not 0 <= place < len(found.outcomes):
        raise NotFoundError(f"report {number} has no check {place}", hint=f"`ml check show {number}`")
    return [kinds.to_json(each) for each in found.outcomes[place].evidence]


def trend(workspace: Workspace, number: int, place: int) -> dict[str, Any]:
    """How the figure of one check went over the versions before, oldest first."""
    return {"points": workspace.check.trend(number, place)}


def diff(workspace: Workspace, before: int, after: int) -> Any:
    """What differs between two reports."""
    return workspace.check.diff(before, after)


def subjects(workspace: Workspace) -> dict[str, Any]:
    """What a suite can be run on, and the files of suites that the project has."""
    root = workspace.marker.root
    files = (path for folder in (".", "*", "*/*") for path in root.glob(f"{folder}/*.suite"))
    suites = sorted({path.relative_to(root).as_posix() for path in files})[:_PAGE]
    return {"data": [version.name for version in workspace.data.list()][:_PAGE], "suites": suites}


def _head(found: Report) -> dict[str, Any]:
    named = {name: getattr(found, name) for name in "id suite section subject status created_at counts".split()}
    return {**named, "judged": found.judged}


def _outcome(place: int, found: Outcome) -> dict[str, Any]:
    texts = "check column status figure bound detail owner reason".split()
    told = {name: short(getattr(found, name)) for name in texts}
    return {"place": place, **told, "number": found.number, "rows": found.rows[:20], "evidence": len(found.evidence)}


def _run(ref: str, suite: str | None = None) -> list[str]:
    # A reference or a name, and never a path: what lies elsewhere is nothing to a front end.
    name = str(Ref.parse(ref))
    if suite is not None and (suite.startswith("/") or ".." in suite.split("/") or not suite.endswith(".suite")):
        raise InvalidError(f"{suite} is no suite of the project", hint="a file below its folder that ends in .suite")
    return ["check", "data", name, *(["--suite", suite] if suite else [])]


def _policy(ref: str) -> list[str]:
    return ["check", "policy", str(Ref.parse(ref))]


def _show(number: int) -> list[str]:
    return ["check", "show", str(number)]


def _diff(before: int, after: int) -> list[str]:
    return ["check", "diff", str(before), str(after)]


def _list(subject: str | None = None, status: Status | None = None, section: Section | None = None) -> list[str]:
    asked = {"--subject": subject, "--status": status, "--section": section}
    return ["check", "list", *(word for option, value in asked.items() if value for word in (option, value))]


def _static(workspace: Workspace) -> Listing[Any]:
    return Listing(workspace.check.list(50), Report)


panel = Panel(
    name="checks",
    title="Checks",
    asks={each.__name__: each for each in (standing, page, report, evidence, trend, diff, subjects)},
    lines={"run": _run, "policy": _policy, "show": _show, "diff": _diff, "list": _list},
    static=_static,
    # Judging reads whole tables.
    apart=frozenset({"run", "policy"}),
)
