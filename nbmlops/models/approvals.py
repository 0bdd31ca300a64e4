"""Promotions that others must approve: by which rule, what waits, and the approval that moves the alias.

::

    [tool.nbmlops.approvals.pipeline]
    delays = { production = 1 }     # so many others than who asks must approve
    "*" = { production = 2 }        # of all that have no line of their own

    [tool.nbmlops.approvals.model]
    delay = { production = 1, champion = 1 }
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nbmlops.core import digests
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError, nearest
from nbmlops.core.refs import Ref, check_alias, check_name
from nbmlops.models.records import Promotion
from nbmlops.store import asks, audit, lineage
from nbmlops.store.asks import Ask, Grounds

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.aliases import Aliases
    from nbmlops.store.catalog import Connection
    from nbmlops.store.versions import Version, Versions

__all__ = ["Approvals", "Rule", "how_to_approve", "joined", "rule_of"]

_ALL = "*"
_KINDS = ("model", "pipeline")
_RULE = {"approvers", "other_than"}

Recheck = Callable[["Connection", Ask], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """How many others than who asks must approve a move; `other_than` says whether the author may be one of them."""

    needed: int
    other_than: Literal["asker", "author"] = "asker"

    @property
    def digest(self) -> str:
        """Digest of the rule: two that ask for the same have the same."""
        more = {} if self.other_than == "asker" else {"other_than": self.other_than}
        return digests.of_json({"approvals": self.needed, **more})


def rule_of(table: Mapping[str, Any], kind: str, name: str, alias: str) -> Rule:
    """The rule of ``[tool.nbmlops.approvals]`` for an alias of a name, 0 approvals where there is none.

    Raises
    ------
    InvalidError
        When anything in the table is not of its form.

    Examples
    --------
    >>> rule_of({"model": {"*": {"production": 1}}}, "model", "delay", "production").needed
    1
    """
    where = "[tool.nbmlops.approvals] in pyproject.toml"
    for noun, names in table.items():
        if noun not in _KINDS or not isinstance(names, Mapping):
            hint = nearest(str(noun), _KINDS) or f"its tables are {' and '.join(_KINDS)}"
            raise InvalidError(f"{where} has {noun!r}, which is no table of it", hint=hint)
        for own, aliases in names.items():
            if own != _ALL:
                check_name(own)
            if not isinstance(aliases, Mapping):
                raise InvalidError(f"{where} has no aliases for {own}", hint=f"{own} = {{ production = 1 }}")
            for each, needed in aliases.items():
                check_alias(each)
                _read_rule(needed, f"{where} has {each} = {needed!r} for {own}", each)
    names = table.get(kind, {})
    return _read_rule(names.get(name, names.get(_ALL, {})).get(alias, 0), where, alias)


def _read_rule(value: Any, wrong: str, alias: str) -> Rule:
    said = value if isinstance(value, Mapping) else {"approvers": value}
    needed, other_than = said.get("approvers"), said.get("other_than", "asker")
    if (
        type(needed) is not int
        or needed < 0
        or other_than not in {"asker", "author"}
        or len(said) > len(_RULE & said.keys())
    ):
        raise InvalidError(wrong, hint=f"{alias} = 1")
    return Rule(needed, other_than)


def joined(table: Mapping[str, Any], more: Mapping[str, Any]) -> Mapping[str, Any]:
    """One table out of two in which each alias has the stricter rule of both.

    Examples
    --------
    >>> both = joined({"model": {"*": {"production": 1}}}, {"model": {"delay": {"production": 2}}})
    >>> [rule_of(both, "model", name, "production").needed for name in ("delay", "other")]
    [2, 1]
    """
    if not more:
        return table
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for kind in _KINDS:
        tables = [each.get(kind, {}) for each in (table, more)]
        names = {_ALL}.union(*tables)
        aliases = {alias for each in tables for lines in each.values() for alias in lines}
        for name in names:
            for alias in aliases:
                rules = [rule_of(each, kind, name, alias) for each in (table, more)]
                by = "author" if "author" in {rule.other_than for rule in rules if rule.needed} else "asker"
                rule = {"approvers": max(one.needed for one in rules), "other_than": by}
                found.setdefault(kind, {}).setdefault(name, {})[alias] = rule
    return {**table, **found}


def how_to_approve(ask: Ask) -> str:
    """What another person types to approve."""
    return _typed(ask.kind, "approve", f"{ask.ref} --to {ask.alias}")


def _typed(kind: str, verb: str, rest: str) -> str:
    return f"`ml {kind} {verb} {rest}`"


class Approvals:
    """Holds promotions of one kind back until others approve them.

    Parameters
    ----------
    versions : Versions
        The catalog's versions of the kind.
    aliases : Aliases
        Moves the alias.
    clock : Clock
        Tells when.
    rules : callable
        Gives ``[tool.nbmlops.approvals]`` as it is now.
    """

    def __init__(
        self, versions: Versions, aliases: Aliases, clock: Clock, rules: Callable[[], Mapping[str, Any]]
    ) -> None:
        self._versions = versions
        self._aliases = aliases
        self._clock = clock
        self._rules = rules
        self._kind = versions.kind

    def rule(self, name: str, alias: str) -> Rule:
        """The rule for an alias, as it is now."""
        return rule_of(self._rules(), self._kind, name, alias)

    def recheck(self, name: str, alias: str, rule: Rule) -> None:
        """Refuse when the rule is another by now.

        Raises
        ------
        ConflictError
            When it is.
        """
        self._refuse_changed(name, alias, rule.digest, rule.needed)

    def _refuse_changed(self, name: str, alias: str, digest: str, needed: int) -> Rule:
        now = self.rule(name, alias)
        if now.digest != digest:
            others = " of others than the author" if now.other_than == "author" else ""
            raise ConflictError(
                f"{alias} of {name} needed {needed} approvals when it was judged, and needs {now.needed} now{others}",
                hint=f"{_typed(self._kind, 'promote', name)} judges it anew",
            )
        return now

    def hold(
        self, connection: Connection, alias: str, to: Version, grounds: Grounds, message: str | None = None
    ) -> Ask | None:
        """Ask for approval in place of the move, inside the transaction that re-checks what a verdict was computed on.

        None where nothing is to move, or while a run is only executed again. The same that waits already goes on
        waiting, with its approvals; something else for the alias takes its place.

        Raises
        ------
        ConflictError
            When the alias is elsewhere by now.
        """
        if to.id == grounds.before_id or lineage.current().proof:
            return None
        self._refuse_elsewhere(connection, to.name, alias, grounds.before_id)
        for ask in asks.waiting(connection, self._kind, to.name):
            same = (ask.version_id, ask.author, ask.grounds.policy) == (to.id, audit.actor(), grounds.policy)
            if ask.alias == alias and same and ask.grounds.before_id == grounds.before_id:
                return ask
        return asks.add(connection, self._clock, alias, to, grounds, message)

    def told(self, name: str | None = None) -> list[Ask]:
        """All that was ever asked, of one name or of all, the oldest first, with what became of it."""
        return self._versions.catalog.read(lambda c: asks.told(c, self._kind, name))

    def approve(self, ref: str, alias: str, message: str | None, recheck: Recheck) -> Promotion:
        """Approve what waits, and move the alias when nobody else has to.

        Parameters
        ----------
        ref : str
            A name, or the very version that is approved.
        alias : str
            The alias.
        message : str or None
            Why.
        recheck : callable
            Raises, inside the transaction, when the verdict does not hold any more.

        Raises
        ------
        NotFoundError
            When nothing waits.
        RefusedError
            When the same person asked, or has approved already.
        ConflictError
            When another version waits, or what the verdict was computed on has changed.
        """

        def work(connection: Connection) -> tuple[Ask, Version | None]:
            ask = self._waits(connection, ref, alias)
            rule = self._refuse_changed(ask.name, alias, ask.grounds.policy, ask.grounds.needed)
            self._refuse_elsewhere(connection, ask.name, alias, ask.grounds.before_id)
            version = self._versions.get_in(connection, ask.version_id)
            self._refuse_own(ask, version.author if rule.other_than == "author" else None)
            if version.deleted_at is not None or version.digest != ask.digest:
                raise ConflictError(
                    f"{ask.ref} is not what was asked for any more: it was deleted, or rows of it were erased",
                    hint=f"{_typed(self._kind, 'promote', ask.name)} judges anew",
                )
            recheck(connection, ask)
            before = ask.grounds.before_id
            given = asks.answer(connection, self._clock, ask, "approve", message, moves=ask.lacking <= 1)
            if given.state == "moved":
                agreed = {"ask": ask.number, "asked_by": ask.author, "approved_by": [one.by for one in given.approvals]}
                report = ask.grounds.report
                self._aliases.move(connection, alias, version, expected=before, report_id=report, detail=agreed)
            return given, None if before is None else self._versions.get_in(connection, before)

        given, before = self._versions.catalog.transact(work)
        moved = given.state == "moved"
        was = before.ref if before else None
        kind: Literal["model", "pipeline"] = "model" if self._kind == "model" else "pipeline"
        return Promotion(kind, given.name, alias, was, given.ref, None, moved, None if moved else given)

    def reject(self, ref: str, alias: str, message: str | None) -> Ask:
        """Say no to what waits, or take one's own back; it waits no more, and nothing moves.

        Raises
        ------
        NotFoundError
            When nothing waits.
        ConflictError
            When another version waits.
        """

        def work(connection: Connection) -> Ask:
            ask = self._waits(connection, ref, alias)
            return asks.answer(connection, self._clock, ask, "reject", message, moves=False)

        return self._versions.catalog.transact(work)

    def _waits(self, connection: Connection, ref: str, alias: str) -> Ask:
        """What waits for an alias, if it is what is meant."""
        parsed, kind = Ref.parse(ref), self._kind
        found = [ask for ask in asks.waiting(connection, kind, parsed.name) if ask.alias == check_alias(alias)]
        if not found:
            raise NotFoundError(
                f"nothing of {parsed.name} waits for approval at {alias}",
                hint=f"{_typed(kind, 'history', parsed.name)} shows what there is",
            )
        (ask,) = found
        if not parsed.is_bare and self._versions.resolve_in(connection, parsed).id != ask.version_id:
            raise ConflictError(
                f"{parsed} does not wait for approval at {alias}: {ask.ref} does, asked for by {ask.author}",
                hint=f"look at it, then {_typed(kind, 'approve', f'{ask.ref} --to {alias}')}",
            )
        return ask

    def _refuse_own(self, ask: Ask, author: str | None) -> None:
        who = audit.actor()
        if who == author:
            raise RefusedError(
                f"{who} is the author of {ask.ref} and cannot approve it: another person has to",
                hint=f"they type {how_to_approve(ask)}",
            )
        if who == ask.author:
            raise RefusedError(
                f"{who} asked for {ask.alias} of {ask.name} and cannot approve it: another person has to",
                hint=f"they type {how_to_approve(ask)}",
            )
        if who in {approval.by for approval in ask.approvals}:
            raise RefusedError(
                f"{who} has approved {ask.ref} at {ask.alias} already: {ask.lacking} more must",
                hint=f"they type {how_to_approve(ask)}",
            )

    def _refuse_elsewhere(self, connection: Connection, name: str, alias: str, expected: int | None) -> None:
        if self._aliases.id_at(connection, name, alias) != expected:
            raise ConflictError(
                f"the alias {alias} of {name} was moved in the meantime: the verdict compared with what it was on",
                hint=f"{_typed(self._kind, 'promote', name)} judges it anew",
            )
