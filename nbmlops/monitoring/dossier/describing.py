"""What the system is, and what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbmlops.models.views import takes_and_gives
from nbmlops.monitoring.dossier.facts import Answer, by_event
from nbmlops.monitoring.dossier.records import Gap, Statement
from nbmlops.render.units import count, size, when

if TYPE_CHECKING:
    from nbmlops.monitoring.dossier.facts import Facts
    from nbmlops.store.audit import Event

__all__ = ["purpose", "system"]

_ASKED = {
    "description": ("what it is", "nobody has said what it is"),
    "intended_use": ("intended use", "nobody has said what it is for"),
    "limits": ("limits", "nobody has said what it is not for"),
    "owner": ("owner", "nobody has said who looks after it"),
    "licence": ("licence", "nobody has said under which licence it may be used"),
}
_COLUMNS = 60


def purpose(facts: Facts) -> Answer:
    """What people say of it, word for word, and by which Event they said it."""
    for key, (what, why) in _ASKED.items():
        text = facts.version.description.get(key)
        if text is None:
            option = f"--{key.replace('_', '-')}"
            yield Gap(what, why, f'`ml model describe {facts.name} {option} "…"`')
            continue
        evidence, look = by_event(_said(facts, key, text), facts.ref, f"ml model show {facts.ref}")
        yield Statement(what, text, evidence, look)


def _said(facts: Facts, key: str, text: str) -> Event | None:
    """The Event by which something was said, unless an erasure has changed either."""
    for one in facts.events:
        about = one.subject in {facts.name, facts.ref}
        if one.action == "model.describe" and about and one.detail.get("said", {}).get(key) == text:
            return one
    return None


def system(facts: Facts) -> Answer:
    """The version, its form, what it takes and gives, whose key signed it, and what it runs with."""
    version, look = facts.version, f"ml model show {facts.ref}"
    because = f": {version.message}" if version.message else ""
    yield Statement(
        "version", f"{version.ref}, saved {when(version.created_at)} by {version.author}{because}", facts.ref, look
    )
    yield Statement("estimator", version.estimator, facts.ref, look)
    yield Statement("format", f"{version.format}, {size(version.size)}", facts.ref, look)
    yield Statement("takes and gives", takes_and_gives(version.signature), facts.ref, look)
    yield from _inputs(facts)
    yield Statement("digest", version.digest, facts.ref, look)
    yield from _sealed(facts)
    libraries = ", ".join(f"{name} {number}" for name, number in sorted(version.libraries.items()))
    if libraries:
        yield Statement("libraries", libraries, facts.ref, look)
    else:
        yield Gap(
            "libraries", "it is not known with which libraries it was saved", f"`ml model save MODEL {facts.name}`"
        )
    yield from _environment(facts)


def _inputs(facts: Facts) -> Answer:
    fields = facts.version.signature.inputs
    if any(one.type == "unknown" for one in fields):
        why = f"{facts.ref} was saved without an example, so the types of its inputs are not known"
        yield Gap("inputs", why, f"`ml model save MODEL {facts.name} --example TABLE`")
        return
    told = ", ".join(f"{one.name} {one.type}{'' if one.nullable else ' (no nulls)'}" for one in fields[:_COLUMNS])
    more = f", and {len(fields) - _COLUMNS:,} more" if len(fields) > _COLUMNS else ""
    if fields:
        yield Statement("inputs", f"{told}{more}", facts.ref, f"ml model show {facts.ref}")


def _sealed(facts: Facts) -> Answer:
    seal, look = facts.seal, f"ml model verify {facts.ref}"
    if seal.holds:
        told = f"by key {seal.signer}, which is trusted here; bytes, signature and types hold: {seal.says}"
        yield Statement("signed", told, facts.ref, look, "good")
    else:
        yield Gap(
            "signed", f"it does not hold here what key {seal.signer or 'nobody'} signed: {seal.says}", f"`{look}`"
        )


def _environment(facts: Facts) -> Answer:
    run = facts.card.run
    known = dict(run.environment or {}) if run is not None else {}
    if run is None or not known:
        yield Gap("environment", "it is not known where it was made", "`%%ml run NAME` around the load and the save")
        return
    machine = ", ".join(str(known[key]) for key in ("platform", "machine", "cpu") if known.get(key))
    cores = f", {known['cpus']} processors" if known.get("cpus") else ""
    installed = known.get("distributions")
    packages = f"; {count(len(installed), 'distribution')} installed" if isinstance(installed, dict) else ""
    told = (
        f"Python {known.get('python', 'of an unknown version')} on {machine or 'an unknown machine'}{cores}{packages}"
    )
    yield Statement("environment", told, f"run {run.name}", f"ml run show {run.name}")
