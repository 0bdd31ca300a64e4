"""Who watches over it and can stop it; what stays of it, and what had to go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbmlops.core.digests import short
from nbmlops.core.permissions import ROLES
from nbmlops.models.drill import SUITE
from nbmlops.monitoring.dossier.facts import Answer, by_event, newest
from nbmlops.monitoring.dossier.records import Gap, Mood, Statement
from nbmlops.render.units import count, when

if TYPE_CHECKING:
    from nbmlops.models.approvals import Rule
    from nbmlops.monitoring.dossier.facts import Facts
    from nbmlops.store.asks import Ask
    from nbmlops.store.audit import Event
    from nbmlops.store.retention_rules import RetentionRule

__all__ = ["oversight", "retention"]

_FILE = "nbmlops-policy.toml"


def oversight(facts: Facts) -> Answer:
    """The policy in force, who may move what answers, who approved, and the way back."""
    yield from _policy(facts)
    for alias, rule in facts.governed.rules.items():
        yield from _four_eyes(facts, alias, rule)
    yield from newest(_approved(facts), f"ml model history {facts.name}")
    yield from _glass(facts)
    yield from _way_back(facts)


def _policy(facts: Facts) -> Answer:
    standing = facts.governed.standing
    if standing.number is None:
        yield Gap(
            "access policy", "everybody may do everything: no policy was adopted", f"`ml store policy --set {_FILE}`"
        )
        return
    look, evidence = "ml store policy", f"policy {standing.number}"
    adopted = f"digest {short(standing.digest or '')}, adopted by {standing.by} {when(standing.at)}"
    yield Statement("access policy", f"policy {standing.number}, {adopted}", evidence, look)
    for permission, what in (("operate", "may promote and roll back"), ("approve", "may approve")):
        who = [user for user, roles in standing.users.items() if any(permission in ROLES[role] for role in roles)]
        who += ["everybody else"] if standing.default and permission in ROLES[standing.default] else []
        yield Statement(what, ", ".join(who) or "nobody who is named", evidence, look)
    if standing.file == "edited":
        yield Gap("policy file", f"{_FILE} is not the policy that counts", f"`ml store policy --set {_FILE}`")


def _four_eyes(facts: Facts, alias: str, rule: Rule) -> Answer:
    what, standing = f"four eyes at {alias}", facts.governed.standing
    if not rule.needed:
        why = f"{alias} of {facts.name} moves without the approval of another person"
        yield Gap(
            what,
            why,
            f'"model/{facts.name}@{alias}" = {{ approvers = 1 }} below [rules] in {_FILE}, '
            f"then `ml store policy --set {_FILE}`",
        )
        return
    others = count(rule.needed, "person", "persons")
    told = f"{others} other than the {rule.other_than} must approve before {alias} moves"
    by_policy = any(said.startswith((f"model/{facts.name}@{alias}:", f"model/*@{alias}:")) for said in standing.rules)
    yield Statement(what, told, f"policy {standing.number}" if by_policy else "pyproject.toml", "ml store policy")
    is_on = alias in facts.version.aliases
    if is_on and not any(ask.alias == alias and ask.state == "moved" for ask in facts.card.asks):
        why = f"{facts.ref} came to {alias} without the approval that is asked for now"
        yield Gap(
            f"approval at {alias}",
            why,
            f"`ml model rollback {facts.name} {alias}`, then `ml model promote {facts.ref} --to {alias}`",
        )


def _approved(facts: Facts) -> Iterator[Statement]:
    """What was asked for this version and what became of it, the newest first."""
    for ask in reversed(facts.card.asks):
        because = f": {ask.message}" if ask.message else ""
        told = f"{ask.alias} asked for by {ask.author} {when(ask.at)}{because}; {ask.state}"
        for one in reversed(ask.approvals):
            event = _answer(facts, ask, one.by)
            own = " (of the account that asked)" if ask.is_of_one(one) else ""
            reason = f": {one.message}" if one.message else ""
            evidence, look = by_event(event, f"event {ask.number}", "ml store audit --action model.approve")
            mood: Mood = "warn" if own else "good"
            yield Statement("approved", f"{ask.alias} by {one.by}{own} {when(one.at)}{reason}", evidence, look, mood)
        look = f"ml store audit --after {ask.number + 1} --limit 1"
        yield Statement("asked", told, f"event {ask.number}", look)


def _answer(facts: Facts, ask: Ask, who: str) -> Event | None:
    found = (one for one in facts.events if one.action == "model.approve" and one.actor == who)
    return next((one for one in found if one.detail.get("ask") == ask.number), None)


def _glass(facts: Facts) -> Answer:
    look = "ml store audit --action access.break_glass_use"
    uses = [one for one in facts.governed.glass if one.subject.partition(" ")[0] in {"model", "deployment", "serve"}]
    if not uses:
        yield Statement(
            "break-glass", "no use of it for models and deployments in the audit trail", "audit trail", look
        )
    told = (
        Statement(
            "break-glass",
            f"`{one.subject}` by {one.actor} {when(one.at)}: {one.detail.get('reason', '')}",
            *by_event(one, "", look),
            mood="warn",
        )
        for one in uses
    )
    yield from newest(told, look)


def _way_back(facts: Facts) -> Answer:
    alias = facts.served_alias
    if facts.governed.back is None:
        why = f"{alias} has been on no version before, so there is nothing to go back to"
        yield Gap("way back", why, f"`ml model promote REF --to {alias}`, of another version that is fit")
    else:
        present, earlier = facts.governed.back
        told = f"a rollback takes {alias} from {present} back to {earlier}"
        yield Statement("way back", told, f"{facts.name}@{alias}", f"ml model history {facts.name}")
    drills = [report for report in facts.card.reports if report.suite == SUITE]
    if not drills:
        yield Gap(
            SUITE,
            "nobody has rehearsed the way back from it",
            f"`ml model drill {facts.name} {alias} --on TABLE`",
        )
        return
    told = f"{when(drills[0].created_at)}: {drills[0].status}"
    mood: Mood = "good" if drills[0].passed else "bad"
    yield Statement(SUITE, told, f"report {drills[0].id}", f"ml check show {drills[0].id}", mood)


def retention(facts: Facts) -> Answer:
    """How long what it rests on stays, what must stay, what was erased, and the trail of all of it."""
    yield from _kept(facts)
    holds = facts.governed.holds
    if not holds:
        yield Statement("holds", "no legal hold is on it or on what it came from", "list of holds", "ml store holds")
    told = (
        Statement("holds", f"{one.ref}, by {one.by} {when(one.at)}: {one.reason}", f"hold {one.id}", "ml store holds")
        for one in reversed(holds)
    )
    yield from newest(told, "ml store holds")
    yield from _erasures(facts)
    head = facts.governed.head
    if head is not None:
        told_of = f"{count(head.sequence, 'event')}, the last of digest {head.digest}"
        yield Statement("audit trail", told_of, f"event {head.sequence}", "ml store audit --verify")


def _kept(facts: Facts) -> Answer:
    lacking = list[str]()
    for name in dict.fromkeys(one.name for one in facts.sources.rows):
        rows = [one for one in facts.sources.rows if one.name == name]
        rules: list[RetentionRule] = [rule for rule in facts.governed.retention if any(map(rule.fits, rows))]
        longest = facts.policy.longest(name) if rows[0].kind == "data" else None
        for rule in rules:
            yield Statement(
                "kept", f"{name}: {rule.told}, by the rule {rule.name}", "pyproject.toml", "ml store retention"
            )
        if longest is not None:
            told = f"{name}: no version older than {count(longest.days, 'day')}"
            yield Statement("kept", told, "pyproject.toml", f"ml check policy {name}")
        if not rules and longest is None:
            lacking.append(name)
    if lacking:
        why = f"no rule says how long versions of {', '.join(lacking)} are kept"
        yield Gap("kept", why, "[tool.nbmlops.retention.NAME] in pyproject.toml, then `ml store retention`")


def _erasures(facts: Facts) -> Answer:
    rows = facts.governed.erasures
    if not rows:
        yield Statement(
            "erasures", "nothing was erased from what it came from", "audit trail", "ml store audit --action data.erase"
        )
        return
    yield from newest((_erased(row) for row in rows), "ml store audit --action data.erase")
    for row in rows:
        if row.state != "done":
            why = f"the erasure {short(row.id)} of {', '.join(row.names)} has not come to its end"
            yield Gap("erasures", why, "`ml data erase --resume`")
    learnt = [
        one
        for row in rows
        if _at(row) > facts.version.created_at
        for one in _left(row)
        if one["ref"] in facts.sources.upstream
    ]
    if learnt:
        gone = count(sum(one["rows"] for one in learnt), "row")
        refs = ", ".join(sorted({one["ref"] for one in learnt}))
        why = f"since it learnt from {refs}, {gone} left by erasure"
        yield Gap("learnt before erasure", why, f"train on what is left, then `ml model promote {facts.name}`")


def _erased(row: Any) -> Statement:
    left = ", ".join(f"{one['ref']} ({count(one['rows'], 'row')})" for one in _left(row)[:10])
    told = f"{when(_at(row))} by {row.actor}: from {left or ', '.join(row.names)}"
    return Statement("erasures", told, f"erasure {short(row.id)}", f"ml store certificate {row.id}")


def _left(row: Any) -> list[dict[str, Any]]:
    """Versions that rows left; what was learnt of a remote's erasure names none."""
    return [one for one in row.detail.get("versions", ()) if one.get("rows") is not None]


def _at(row: Any) -> datetime:
    said = row.detail.get("at")
    at: datetime = datetime.fromisoformat(said) if said else row.at
    return at
