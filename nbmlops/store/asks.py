"""Promotions that wait for the approval of others, as the Events of the audit trail tell of them.

An Event ``KIND.ask`` says which alias is to move, from where to which version, and on which grounds. ``KIND.approve``
and ``KIND.reject`` name it by its number. Nothing else keeps them: who asked, who agreed and why is what the chain of
digests covers, and it is what decides. The newest ask for an alias is the only one that waits.
"""

from __future__ import annotations

import os
import platform
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, select

from nbmlops.core.refs import pinned
from nbmlops.store import audit, schema

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.versions import Version

__all__ = ["Approval", "Ask", "Grounds", "add", "answer", "told", "waiting"]

Answer = Literal["approve", "reject"]
State = Literal["waiting", "moved", "rejected", "replaced"]


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved, when and why; `account` is the account of the machine that did it."""

    by: str
    at: datetime
    message: str | None
    account: str


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a verdict was computed on.

    Attributes
    ----------
    before_id : int or None
        Row of the version that the alias was on.
    report : int
        Number of the report.
    policy : str
        Digest of the rule by which others must approve.
    needed : int
        How many others must.
    judged_on : mapping of str to str
        What else the verdict holds for, by name.
    """

    before_id: int | None
    report: int
    policy: str
    needed: int
    judged_on: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ask:
    """A promotion that waits, or waited, for the approval of others.

    Attributes
    ----------
    number : int
        Of its Event in the audit trail.
    kind, name, alias, ref, digest : str
        What is to move: the alias, to the version with this reference and digest.
    version_id : int
        Row of that version.
    grounds : Grounds
        What the verdict was computed on.
    author, account : str
        Who asked, and by which account of which machine.
    at : datetime
        When.
    message : str or None
        Why.
    approvals : tuple of Approval
        Those that there are.
    state : {"waiting", "moved", "rejected", "replaced"}
        What became of it; a newer ask for the alias replaces one that waits.
    """

    number: int
    kind: str
    name: str
    alias: str
    ref: str
    digest: str
    version_id: int
    grounds: Grounds
    author: str
    account: str
    at: datetime
    message: str | None = None
    approvals: tuple[Approval, ...] = ()
    state: State = "waiting"

    @property
    def where(self) -> str:
        """Where it stands, in one phrase."""
        who = [f"{one.by} (of the account that asked)" if self.is_of_one(one) else one.by for one in self.approvals]
        agreed = f", approved by {', '.join(who)}" if who else ""
        ends = {"waiting": f"{len(who)} of {self.grounds.needed} approvals", "replaced": "replaced by a newer one"}
        return f"{self.alias}: asked by {self.author}{agreed}, {ends.get(self.state, self.state)}"

    def is_of_one(self, approval: Approval) -> bool:
        """Whether who approved used the very account of the machine that asked."""
        return approval.account == self.account

    @property
    def lacking(self) -> int:
        """How many approvals it waits for."""
        return max(0, self.grounds.needed - len(self.approvals))


def add(
    connection: Connection, clock: Clock, alias: str, to: Version, grounds: Grounds, message: str | None = None
) -> Ask:
    """Ask for the approval of others, inside the caller's transaction; what waited for that alias waits no more."""
    said = {
        "alias": alias,
        "version": to.id,
        "digest": to.digest,
        "before": grounds.before_id,
        "report": grounds.report,
        "policy": grounds.policy,
        "needed": grounds.needed,
        "judged_on": dict(grounds.judged_on),
        "message": message,
        "account": _account(),
    }
    audit.append(connection, clock, f"{to.kind}.ask", to.ref, said)
    return next(ask for ask in waiting(connection, to.kind, to.name) if ask.alias == alias)


def answer(connection: Connection, clock: Clock, ask: Ask, how: Answer, message: str | None, *, moves: bool) -> Ask:
    """Approve or reject an ask, inside the caller's transaction; `moves` says that this approval is the last."""
    said = {"alias": ask.alias, "ask": ask.number, "moves": moves, "message": message, "account": _account()}
    audit.append(connection, clock, f"{ask.kind}.{how}", ask.ref, said)
    if how == "reject":
        return replace(ask, state="rejected")
    own = Approval(audit.actor(), clock.now(), message, _account())
    return replace(ask, approvals=(*ask.approvals, own), state="moved" if moves else "waiting")


def waiting(connection: Connection, kind: str, name: str | None = None) -> list[Ask]:
    """What waits, of one name or of all, the oldest first."""
    return [ask for ask in told(connection, kind, name) if ask.state == "waiting"]


def told(connection: Connection, kind: str, name: str | None = None) -> list[Ask]:
    """All that was ever asked, of one name or of all, the oldest first, with what became of it."""
    table, found, newest = schema.event, dict[int, Ask](), dict[tuple[str, str], int]()
    actions = [f"{kind}.{verb}" for verb in ("ask", "approve", "reject")]
    rows = connection.execute(select(table).where(table.c.action.in_(actions)).order_by(table.c.sequence)).all()
    versions = _versions(connection, kind, {row.detail["version"] for row in rows if "version" in row.detail})
    for row in rows:
        if row.action == f"{kind}.ask":
            ask = _asked(row, kind, versions[row.detail["version"]])
            before = newest.get((ask.name, ask.alias))
            if before is not None and found[before].state == "waiting":
                found[before] = replace(found[before], state="replaced")
            newest[ask.name, ask.alias], found[ask.number] = ask.number, ask
        else:
            ask = found[row.detail["ask"]]
            found[ask.number] = _answered(ask, row)
    return [ask for ask in found.values() if name in (None, ask.name)]


def _answered(ask: Ask, row: Any) -> Ask:
    if row.action.endswith(".reject"):
        return replace(ask, state="rejected")
    own = Approval(row.actor, row.at, row.detail["message"], row.detail["account"])
    return replace(ask, approvals=(*ask.approvals, own), state="moved" if row.detail["moves"] else "waiting")


def _versions(connection: Connection, kind: str, ids: set[int]) -> dict[int, Any]:
    version, name = schema.version, schema.name
    query = select(version.c.id, version.c.number, version.c.digest, name.c.name).join(name)
    return {row.id: row for row in connection.execute(query.where(version.c.id.in_(ids), name.c.kind == kind))}


def _asked(row: Any, kind: str, version: Any) -> Ask:
    said = row.detail
    grounds = Grounds(said["before"], said["report"], said["policy"], said["needed"], said["judged_on"])
    return Ask(
        row.sequence,
        kind,
        version.name,
        said["alias"],
        pinned(version.name, version.number, version.digest),
        said["digest"],
        version.id,
        grounds,
        row.actor,
        said["account"],
        row.at,
        said["message"],
    )


def _account() -> str:
    """The account that this process runs as, whatever its environment says, and the machine."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:  # as in a container that runs as some number
        name = str(number)
    return f"{name}@{platform.node()}"
