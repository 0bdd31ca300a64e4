"""How features look."""

from __future__ import annotations

from collections.abc import Mapping

from nbmlops.core import digests
from nbmlops.core.errors import spoken
from nbmlops.core.spans import span_text
from nbmlops.features.definition import Definition
from nbmlops.features.records import FeatureDiff, FeatureRow, FeatureUsage, FeatureVersion
from nbmlops.render.dispatch import looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Block, Drawing, Facts, Look, Part, line, table
from nbmlops.render.units import count, duration, when

_NAMED = 6


def _short(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _gains(said: Mapping[str, float]) -> str:
    return ", ".join(f"{feature} {gain:+.4f}" for feature, gain in said.items())


@looks(FeatureVersion)
def _(version: FeatureVersion) -> Look:
    said = version.definition
    view = said if isinstance(said, Definition) else None
    facts = {
        "digest": version.digest,
        "defined": f"{when(version.created_at)} by {version.author}",
        "message": version.message,
        "description": " ".join(said.description.split()),
        "owner": said.owner,
        "tags": ", ".join(f"{key}={value}" for key, value in said.tags.items()),
        "aliases": ", ".join(version.aliases),
        "run": version.run_id,
        "notebook": version.notebook,
    }
    more: list[Block] = []
    if view is None:
        facts["features"] = ", ".join(getattr(said, "refs", ()))
        more.append(Facts.of(facts))
        headline = count(len(getattr(said, "refs", ())), "reference")
    else:
        facts |= {
            "entities": ", ".join(view.entities),
            "sources": ", ".join(view.sources),
            "inputs": ", ".join(view.inputs),
            "time": view.time,
            "ttl": None if view.ttl is None else span_text(view.ttl),
            "offline table": version.table,
            "code": view.code_digest,
        }
        more = [Facts.of(facts), table(("feature", "type"), view.features), Drawing(view.source)]
        headline = _short(view.columns)
    gone = version.retired and Part(
        spoken(f"retired: {version.retired}; undo: `ml feature restore {version.name}`"), "warn"
    )
    return Look(
        line(
            version.ref,
            version.kind if view is None or view.on_demand else f"view of {', '.join(view.entities)}",
            headline,
            Part(f"from {', '.join(view.sources)}", "muted") if view and view.sources else None,
            Part(digests.short(version.digest), "muted"),
            gone or None,
        ),
        more=tuple(more),
    )


@looks(FeatureDiff)
def _(diff: FeatureDiff) -> Look:
    if diff.same:
        return Look(line(f"{diff.before} → {diff.after}", "nothing differs"))
    told = [
        Part(f"{count(len(diff.added), 'feature')} added: {_short(diff.added)}", "good") if diff.added else None,
        Part(f"{count(len(diff.removed), 'feature')} removed: {_short(diff.removed)}", "bad") if diff.removed else None,
        "the code differs" if diff.code else None,
    ]
    body: list[Block] = []
    if diff.changed:
        body.append(table(("", "before", "after"), diff.changed))
    if diff.code:
        body.append(Drawing("\n".join(diff.code)))
    return Look(line(f"{diff.before} → {diff.after}", *told), body=tuple(body))


lists(
    FeatureUsage,
    Field("feature", lambda usage: usage.ref),
    Field("services", lambda usage: usage.services, ", ".join),
    Field("training sets", lambda usage: usage.training, _short),
    Field("models", lambda usage: usage.models, _short),
    Field("in use as", lambda usage: usage.production, ", ".join),
    Field("pipelines", lambda usage: usage.pipelines, ", ".join),
    Field("cost", lambda usage: usage.seconds, duration, right=True),
    Field("computed", lambda usage: usage.computed_at, when),
    Field("stale", lambda usage: usage.stale, lambda stale: "its source has changed" if stale else ""),
    Field("adds", lambda usage: usage.importance, _gains),
    Field("drifted", lambda usage: usage.drift, lambda said: ", ".join(f"{key}: {how}" for key, how in said.items())),
    Field("", lambda usage: usage.dead, lambda dead: "dead: nobody uses it" if dead else ""),
    nothing="no features yet; the first: `ml feature define FUNCTION --entity KEY --from DATA`",
)
lists(
    FeatureRow,
    Field("feature", lambda row: row.ref),
    Field("kind", lambda row: row.kind),
    Field("entities", lambda row: row.entities, ", ".join),
    Field("features", lambda row: row.features, _short),
    Field("from", lambda row: row.sources, ", ".join),
    Field("owner", lambda row: row.owner),
    Field("description", lambda row: row.description, lambda text: text.partition("\n")[0]),
    Field("defined", lambda row: row.created_at, when),
    Field("retired", lambda row: row.retired),
    Field("deleted", lambda row: row.deleted_at, when),
    nothing="no features yet; the first: `ml feature define FUNCTION --entity KEY --from DATA`",
)
lists(
    FeatureVersion,
    Field("version", lambda version: version.ref),
    Field("kind", lambda version: version.kind),
    Field("digest", lambda version: version.digest, digests.short),
    Field("defined", lambda version: version.created_at, when),
    Field("author", lambda version: version.author),
    Field("message", lambda version: version.message),
    Field("retired", lambda version: version.retired),
    nothing="no versions",
)
