"""How model versions and promotions look."""

from __future__ import annotations

from collections.abc import Mapping

from nbmlops.checks.views import sign
from nbmlops.core import digests
from nbmlops.core.errors import spoken
from nbmlops.data.views import verdict
from nbmlops.models.approvals import how_to_approve
from nbmlops.models.exporting import Bundle
from nbmlops.models.records import ModelSignature, ModelVersion, Promotion
from nbmlops.models.seals import Seal
from nbmlops.render.dispatch import looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Block, Facts, Lines, Look, Part, line, table
from nbmlops.render.units import TIMES, count, size, when
from nbmlops.store.asks import Ask

__all__ = ["takes_and_gives"]

_INPUTS_SHOWN = 200
_NAMED = 8


def takes_and_gives(signature: ModelSignature) -> str:
    """A signature in one phrase, such as ``16 columns → predict, predict_proba``."""
    taken = {"array": "an array", "texts": "texts"}.get(signature.form) or count(len(signature.inputs), "column")
    given = ", ".join(output.method for output in signature.outputs)
    return f"{taken} → {given}" if given else taken


@looks(ModelVersion)
def _(version: ModelVersion) -> Look:
    gone = Part(spoken(f"deleted {when(version.deleted_at)}; undo: `ml model restore {version.name}`"), "warn")
    facts = {
        "digest": version.digest,
        "saved": f"{when(version.created_at)} by {version.author}",
        "message": version.message,
        **{key.replace("_", " "): " ".join(text.split()) for key, text in version.description.items()},
        "tags": _pairs(version.tags),
        "aliases": ", ".join(version.aliases),
        "estimator": version.estimator,
        "signed by key": version.signer,
        "libraries": ", ".join(f"{name} {number}" for name, number in version.libraries.items()),
        "run": version.run_id,
        "notebook": version.notebook,
        "checked": verdict(version.judged),
        "approval": "; ".join(version.asked),
    }
    inputs = [(each.name, each.type, "" if each.nullable else "no nulls") for each in version.signature.inputs]
    outputs = [
        (each.method, each.type, f" {TIMES} ".join("rows" if length is None else str(length) for length in each.shape))
        for each in version.signature.outputs
    ]
    more: list[Block] = [Facts.of(facts)]
    if inputs:
        more.append(table(("takes", "type", ""), inputs[:_INPUTS_SHOWN]).without_empty_columns())
    if outputs:
        more.append(table(("gives", "type", "shape"), outputs))
    return Look(
        line(
            version.ref,
            f"{version.format}, signed",
            Part("runs code when it is loaded: by you, and by those who trust your key with that", "warn")
            if version.format == "joblib"
            else None,
            takes_and_gives(version.signature),
            size(version.size),
            Part(digests.short(version.digest), "muted"),
            Part(f"learnt from {', '.join(version.inputs)}", "muted") if version.inputs else None,
            gone if version.deleted_at else None,
        ),
        more=tuple(more),
    )


@looks(Promotion)
def _(promotion: Promotion) -> Look:
    noun, name, alias = promotion.kind, promotion.name, promotion.alias
    before, after = promotion.before or "nothing", promotion.after or "nothing"
    if promotion.waits:
        said = Part(f"{alias} stays on {before}: {after} waits for approval", "warn")
    elif not promotion.moved:
        said = Part(f"{alias} stays on {before}", "plain" if promotion.report and promotion.report.passed else "bad")
    else:
        said = Part(f"{alias}: {before} → {after}", "good")
    undo = Part(f"undo: {noun} rollback {name} {alias}", "muted") if promotion.moved and promotion.before else None
    report, waits = promotion.report, _waits(promotion.waits)
    if report is None:
        return Look(line(f"{noun} {name}", said, undo), body=(Lines(waits),) if waits else ())
    tally = ", ".join(f"{number} {status}" for status, number in report.counts.items() if number)
    outcomes = [line(Part(f"{sign(each.status)} {each}")) for each in report.outcomes[:_NAMED]]
    if len(report.outcomes) > _NAMED:
        more = spoken(f"… and {len(report.outcomes) - _NAMED} more: `ml check show {report.id}`")
        outcomes.append(line(Part(more, "muted")))
    gate = f"gate {tally} (report {report.id})" if report.id else f"gate {tally}"
    return Look(
        line(f"{noun} {name}", said, gate, undo), body=(Lines((*outcomes, *waits)),) if outcomes or waits else ()
    )


@looks(Ask)
def _(ask: Ask) -> Look:
    told = Part(f"{ask.ref} {ask.state}", "warn" if ask.state == "waiting" else "plain")
    facts = {
        "asked": f"{when(ask.at)} by {ask.author} ({ask.account})",
        "message": ask.message,
        **{f"approved by {one.by}": f"{when(one.at)} ({one.account}) {one.message or ''}" for one in ask.approvals},
        "report": ask.grounds.report,
    }
    return Look(line(f"{ask.kind} {ask.name}", told, ask.where), more=(Facts.of(facts),))


@looks(Bundle)
def _(bundle: Bundle) -> Look:
    return Look(
        line(f"exported {bundle.ref}", str(bundle.folder)),
        more=(Facts.of({"public key": str(bundle.public_key), "to check it": bundle.command}),),
    )


def _pairs(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in tags.items())


def _waits(ask: Ask | None) -> tuple[tuple[Part, ...], ...]:
    """Who asked and who agreed, and what others type."""
    if ask is None:
        return ()
    return (line(Part(ask.where)), line(Part(spoken(f"another person approves: {how_to_approve(ask)}"), "muted")))


lists(
    ModelVersion,
    Field("version", lambda version: version.ref),
    Field("estimator", lambda version: version.estimator, lambda path: path.rpartition(".")[2]),
    Field("signature", lambda version: version.signature, takes_and_gives),
    Field("size", lambda version: version.size, size, right=True),
    Field("digest", lambda version: version.digest, digests.short),
    Field("saved", lambda version: version.created_at, when),
    Field("learnt from", lambda version: version.inputs, ", ".join),
    Field("approval", lambda version: version.asked, "; ".join),
    Field("aliases", lambda version: version.aliases, ", ".join),
    Field(
        "tags", lambda version: version.tags, lambda tags: ", ".join(f"{key}={value}" for key, value in tags.items())
    ),
    Field("deleted", lambda version: version.deleted_at, when),
    Field("message", lambda version: version.message),
    nothing="no models yet; the first: `ml model save ESTIMATOR NAME`",
)
lists(
    Seal,
    Field("version", lambda seal: seal.ref),
    Field("format", lambda seal: seal.format),
    Field("bytes", lambda seal: seal.content),
    Field("signature", lambda seal: seal.signature),
    Field("key", lambda seal: seal.signer),
    Field("types", lambda seal: seal.types),
    Field("", lambda seal: seal.says),
    nothing="no models yet; the first: `ml model save ESTIMATOR NAME`",
)
