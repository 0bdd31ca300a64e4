"""How the card of a model looks; what is not known is said to be missing, with the line that would fill it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from nbmlops.checks.evidence_views import evidence_blocks
from nbmlops.checks.records import Outcome, Report
from nbmlops.checks.views import sign
from nbmlops.core.errors import spoken
from nbmlops.models.card import FAIR, SLICED, ModelCard, is_about
from nbmlops.models.views import takes_and_gives
from nbmlops.render.dispatch import looks
from nbmlops.render.lineage_views import pictured
from nbmlops.render.look import Block, Facts, Heading, Lines, Look, Part, line, table
from nbmlops.render.units import count, number, size, when

__all__: list[str] = []

_PHRASE, _ROWS, _PROVED = 380, 60, 6


@looks(ModelCard)
def _(card: ModelCard) -> Look:
    version = card.version
    said = version.description
    sections: tuple[tuple[str, list[Block]], ...] = (
        ("What it is", [*_said(card, "description", "what it is"), _facts(card)]),
        ("Intended use", _said(card, "intended_use", "what it is for")),
        ("Limits", _said(card, "limits", "what it is not for")),
        ("Data", _data(card)),
        ("Metrics", _metrics(card)),
        ("Metrics by slice", _checked(card, SLICED, "--slices")),
        ("Fairness", _checked(card, FAIR, "--sensitive COLUMN")),
        ("What it takes and gives", _signature(card)),
        ("Lineage", _lineage(card)),
        ("How to reproduce", _reproduce(card)),
        ("Environment", _environment(card)),
        ("Approvals and history", _history(card)),
    )
    gaps = sum(key not in said for key in ("description", "owner", "licence", "intended_use", "limits"))
    gap = Part(count(gaps, "thing is not said yet", "things are not said yet"), "warn") if gaps else None
    head = line(f"Model card of {card.ref}", Part(", ".join(version.aliases), "good"), gap)
    return Look(head, body=tuple(block for title, blocks in sections for block in (Heading(title), *blocks)))


def _gap(what: str, typed: str) -> Block:
    return Lines((line(Part(spoken(f"{what}: `{typed}`"), "warn")),))


def _said(card: ModelCard, key: str, what: str) -> list[Block]:
    text = card.version.description.get(key)
    if text is None:
        option = key.replace("_", "-")
        return [_gap(f"nobody has said {what}", f'ml model describe {card.version.name} --{option} "…"')]
    pieces = [piece for paragraph in text.splitlines() for piece in textwrap.wrap(paragraph, _PHRASE)]
    return [Lines(tuple(line(Part(piece)) for piece in pieces))]


def _facts(card: ModelCard) -> Block:
    version = card.version
    missing = {
        "owner": spoken(f"not said: `ml model describe {version.name} --owner …`"),
        "licence": spoken(f"not said: `ml model describe {version.name} --licence …`"),
    }
    return Facts.of(
        {
            "version": version.ref,
            "estimator": version.estimator,
            **{key: version.description.get(key, gap) for key, gap in missing.items()},
            "saved": f"{when(version.created_at)} by {version.author}",
            "message": version.message,
            "aliases": ", ".join(version.aliases),
            "tags": ", ".join(f"{key}={value}" for key, value in version.tags.items()),
            "format": f"{version.format}, {size(version.size)}",
            "signed by key": version.signer,
            "digest": version.digest,
        }
    )


def _data(card: ModelCard) -> list[Block]:
    if not card.version.inputs:
        return [_gap("it is not known what it learnt from", "%%ml run NAME around the load and the save")]
    known = {one.ref: one for one in card.data}
    rows = []
    for ref in card.version.inputs:
        one = known.get(ref)
        if one is None:
            rows.append((ref, "", "", "", "deleted since"))
            continue
        rows.append(
            (
                ref,
                "" if one.rows is None else f"{one.rows:,}",
                one.message or "",
                one.tags.get("licence") or one.tags.get("license") or "",
                f"{when(one.created_at)} by {one.author}",
            )
        )
    return [table(("learnt from", ">rows", "message", "licence", "saved"), rows[:_ROWS]).without_empty_columns()]


def _metrics(card: ModelCard) -> list[Block]:
    blocks: list[Block] = []
    if card.run is not None and card.run.metrics:
        logged = [(name, number(value)) for name, value in sorted(card.run.metrics.items())]
        blocks.append(table(("logged by the run", f">{card.run.name}"), logged[:_ROWS]))
    for report in card.reports:
        outcomes = [each for each in report.outcomes if not is_about(each, SLICED + FAIR)]
        if outcomes:
            blocks += _outcomes(report, outcomes)
    if not blocks:
        blocks.append(_gap("nothing was measured", f"ml check model {card.ref} TABLE --target COLUMN"))
    return blocks


def _checked(card: ModelCard, words: tuple[str, ...], option: str) -> list[Block]:
    blocks: list[Block] = []
    for report in card.reports:
        outcomes = [each for each in report.outcomes if is_about(each, words)]
        if outcomes:
            blocks += _outcomes(report, outcomes)
    return blocks or [_gap("nothing was measured", f"ml check model {card.ref} TABLE --target COLUMN {option}")]


def _outcomes(report: Report, outcomes: list[Outcome]) -> Iterator[Block]:
    rows = [(f"{sign(each.status)} {each.label}", each.figure, each.bound, each.detail) for each in outcomes[:_ROWS]]
    title = f"report {report.id}, {report.suite}, {when(report.created_at)}: {report.status}"
    yield table(("check", "figure", "bound", ""), rows, title).without_empty_columns()
    yield from evidence_blocks(outcomes[:_PROVED])


def _signature(card: ModelCard) -> list[Block]:
    signature = card.version.signature
    rows = [
        (each.name, each.type, "" if each.nullable else "no nulls", ", ".join(map(str, each.categories or ())))
        for each in signature.inputs[:_ROWS]
    ]
    told: list[Block] = [Lines((line(Part(takes_and_gives(signature))),))]
    if rows:
        told.append(table(("takes", "type", "", "one of"), rows).without_empty_columns())
    given = [(each.method, each.type, ", ".join(map(str, each.classes or ()))) for each in signature.outputs]
    return [*told, table(("gives", "type", "of"), given).without_empty_columns()] if given else told


def _lineage(card: ModelCard) -> list[Block]:
    if len(card.lineage.nodes) > 1:
        return [pictured(card.lineage)]
    return [_gap("nothing is known of where it came from", "%%ml run NAME around the load and the save")]


def _reproduce(card: ModelCard) -> list[Block]:
    run = card.run
    if run is None:
        return [_gap("it was made in no run that is known here", "%%ml run NAME")]
    git = run.git or {}
    facts = Facts.of(
        {
            "run": f"{run.name}, {run.status}",
            "notebook": run.notebook,
            "git commit": git.get("commit"),
            "git branch": git.get("branch"),
            **{f"param {name}": value for name, value in sorted(run.params.items())[:_ROWS]},
        }
    )
    return [Lines((line(Part(spoken(f"`ml reproduce {run.name}`"))),)), facts]


def _environment(card: ModelCard) -> list[Block]:
    content = dict(card.run.environment or {}) if card.run else {}
    plain = {key: value for key, value in content.items() if isinstance(value, str)}
    return [Facts.of({**plain, **card.version.libraries})]


def _history(card: ModelCard) -> list[Block]:
    rows = []
    for move in card.moves:
        where = "to" if move.after_id == card.version.id else "away from"
        report = f"report {move.report_id}" if move.report_id else ""
        rows.append((when(move.at), move.actor, f"{move.how}: {move.alias} moved {where} it", report))
    for ask in card.asks:
        rows.append((when(ask.at), ask.author, f"ask: {ask.where}", ask.message or ""))
        rows += [(when(one.at), one.by, f"approve: {ask.alias}", one.message or "") for one in ask.approvals]
    if not rows:
        return [_gap("it was never promoted", f"ml model promote {card.ref}")]
    return [table(("when", "who", "what", ""), sorted(rows)[-_ROWS:])]
