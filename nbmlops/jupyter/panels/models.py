"""The panel of models: the versions of one by their aliases, what a gate said of each, and what waits for approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import NotFoundError
from nbmlops.jupyter.panels.lines import pushing, renaming, verb, words
from nbmlops.jupyter.panels.panel import Line, Panel
from nbmlops.jupyter.panels.shaped import drawn, fields, placed, short

if TYPE_CHECKING:
    from nbmlops.checks.records import Report
    from nbmlops.models.records import ModelVersion
    from nbmlops.store.asks import Ask
    from nbmlops.workspace import Workspace

__all__ = ["panel"]

_PAGE = 60
_REPORTS = 20
_CARD = "id name ref number estimator size message author created_at aliases inputs judged asked deleted_at".split()
_WHOLE = (
    *("id name ref number digest format estimator signer libraries size new_bytes message author created_at".split()),
    *("run_id notebook cell_id inputs aliases judged asked deleted_at".split()),
)


def names(workspace: Workspace) -> list[dict[str, Any]]:
    """The newest version of every model, and the aliases of all its versions."""
    places = workspace.model.placed()
    return [{**_card(version), "placed": places.get(version.name, {})} for version in workspace.model.list()]


def deleted(workspace: Workspace) -> list[dict[str, Any]]:
    """Versions that were deleted and can be restored, the last first."""
    return [_card(version) for version in workspace.model.list(deleted=True)]


def board(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    """The versions of a model that an alias is on."""
    return [_card(version) for version in workspace.model.history(name, aliased=True)]


def versions(workspace: Workspace, name: str, after: str | None = None) -> list[dict[str, Any]]:
    """A page of the versions of a model, the newest first."""
    return [_card(version) for version in workspace.model.history(name, limit=_PAGE, after=after)]


def outline(workspace: Workspace, name: str) -> dict[str, Any]:
    """How many versions a model has, and after which ones its pages begin."""
    total, anchors = workspace.model.outline(name, _PAGE)
    return {"total": total, "size": _PAGE, "anchors": anchors}


def waiting(workspace: Workspace, name: str | None = None) -> list[dict[str, Any]]:
    """What waits for approval, of one model or of all."""
    return [_ask(ask) for ask in workspace.model.waiting(name)]


def version(workspace: Workspace, ref: str) -> dict[str, Any]:
    """Everything that is known of a version."""
    found = workspace.model.show(ref)
    return {**fields(found, _WHOLE), "signature": found.signature.to_json()}


def run(workspace: Workspace, run_id: str) -> dict[str, Any] | None:
    """Params and metrics of the run that made a version; None where the run is not here."""
    try:
        found = workspace.run.show(run_id)
    except NotFoundError:
        return None  # a pulled version may come without it
    return fields(found, ("name", "status", "params", "metrics"))


def reports(workspace: Workspace, ref: str) -> list[dict[str, Any]]:
    """What judged a version, the newest first; of each its outcomes without the evidence."""
    return [_report(report) for report in workspace.check.list(_REPORTS, subject=ref)]


def report(workspace: Workspace, number: int) -> dict[str, Any]:
    """A report with its evidence, as a cell shows it."""
    found = workspace.check.show(number)
    return {**_report(found), **_shown(found)}


def way_back(workspace: Workspace, name: str, alias: str) -> dict[str, Any]:
    """From which version to which a rollback would move an alias."""
    present, earlier = workspace.model.way_back(name, alias)
    return {"before": present.ref, "after": earlier.ref, "saved": earlier.created_at, "message": earlier.message}


def lineage(workspace: Workspace, ref: str) -> dict[str, Any]:
    """Where a version came from and what was built on it."""
    return drawn(workspace.lineage(ref, kind="model"))


def card(workspace: Workspace, ref: str) -> dict[str, Any]:
    """The card of a version, as a cell shows it."""
    return _shown(workspace.model.card(ref))


def diff(workspace: Workspace, before: str, after: str) -> dict[str, Any]:
    """What differs between two versions, as a cell shows it."""
    return {"before": before, "after": after, **_shown(workspace.model.diff(before, after))}


def _shown(record: Any) -> dict[str, str]:
    from nbmlops.render.dispatch import html, text

    return {"html": html(record, detail=True), "text": text(record, detail=True)}


def _card(version: ModelVersion) -> dict[str, Any]:
    from nbmlops.models.views import takes_and_gives

    said = {"signature": takes_and_gives(version.signature), "message": short(version.message)}
    return {**fields(version, _CARD), **said}


def _ask(ask: Ask) -> dict[str, Any]:
    approvals = [{**fields(one, ("by", "at", "message")), "same": ask.is_of_one(one)} for one in ask.approvals]
    grounds = {"needed": ask.grounds.needed, "report": ask.grounds.report}
    return {
        **fields(ask, ("number", "name", "alias", "ref", "author", "at", "message", "where", "lacking")),
        **grounds,
        "approvals": approvals,
    }


def _report(report: Report) -> dict[str, Any]:
    outcomes = [
        {
            **fields(one, ("label", "status", "figure", "bound", "detail", "reason", "owner")),
            "evidence": len(one.evidence),
        }
        for one in report.outcomes
    ]
    said = fields(report, ("id", "suite", "subject", "status", "passed", "created_at"))
    return {**said, "counts": report.counts, "outcomes": outcomes}


def _moving(name: str) -> Line:
    def line(ref: str, to: str = "production", message: str = "") -> list[str]:
        said = [*([] if to == "production" else [f"--to={to}"]), *([f"--message={message}"] if message else [])]
        return words("model", name, *said, beyond=(ref,))

    return line


def _back(act: str) -> Line:
    def line(name: str, alias: str = "production") -> list[str]:
        return words("model", act, beyond=(name, *([] if alias == "production" else [alias])))

    return line


def _diff(before: str, after: str) -> list[str]:
    return words("model", "diff", beyond=(before, after))


def _serve(ref: str) -> list[str]:
    return words("serve", beyond=(ref,))


def _static(workspace: Workspace) -> Any:
    from nbmlops.models.records import ModelVersion
    from nbmlops.render.listing import Listing

    return Listing(placed(workspace.model.list()[:100], workspace.model.placed()), ModelVersion)


panel = Panel(
    name="models",
    title="Models",
    asks={
        each.__name__: each
        for each in (
            *(names, deleted, board, versions, outline, waiting),
            *(version, run, reports, report, way_back, card, diff, lineage),
        )
    },
    lines={
        **{name: verb("model", name) for name in ("load", "show", "history", "card", "delete", "restore")},
        **{name: _moving(name) for name in ("promote", "approve", "reject")},
        **{name: _back(name) for name in ("rollback", "drill")},
        "diff": _diff,
        "serve": _serve,
        "rename": renaming("model"),
        "push": pushing("model"),
    },
    static=_static,
    # An endpoint serves until it is stopped.
    apart=frozenset({"push", "serve"}),
)
