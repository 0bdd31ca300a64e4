"""Who may do what, as the catalog has it: policies are adopted there, and each verb is held against the newest.

An edited file has no effect until it is adopted. Every adoption, refusal, and use of broken glass is an Event.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sqlalchemy import insert, select

from nbmlops.core import digests
from nbmlops.core.errors import (
    CorruptError,
    InvalidError,
    NbmlopsError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from nbmlops.core.permissions import ROLES, needed_by_method, verbs_of
from nbmlops.store import audit, schema
from nbmlops.store.access.policy import FILE, Policy, parse_policy
from nbmlops.store.access.records import Glass, Standing

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.catalog import Catalog, Connection

__all__ = ["BREAK_GLASS", "Access"]

BREAK_GLASS = "NBMLOPS_BREAK_GLASS"
"""The variable that gives one process everything: its value is the reason."""
_GLASS = timedelta(hours=1)
_FRESH, _AWAY = 2.0, 30.0
"""Seconds for which what was read of the policy is good; and those when the catalog was away."""
_LARGEST = 1 << 20
_LONGEST_REASON = 500


class _Adopted(NamedTuple):
    number: int
    digest: str
    content: str
    at: datetime
    actor: str
    policy: Policy


class Access:
    """Holds verbs against the policy.

    Parameters
    ----------
    catalog : callable
        Gives the catalog, when it is needed.
    clock : Clock
        Tells when.
    root : Path
        The workspace's folder, where the file is.
    """

    def __init__(self, catalog: Callable[[], Catalog], clock: Clock, root: Path) -> None:
        self._open = catalog
        self.clock = clock
        self._root = root
        self._known: _Adopted | None = None
        self._good_until = float("-inf")

    @property
    def catalog(self) -> Catalog:
        """The catalog."""
        return self._open()

    def policy(self) -> Policy | None:
        """The policy that counts, as it was at most two seconds ago; None where everybody may do everything."""
        now = time.monotonic()
        if now >= self._good_until:
            try:
                self._known = self.catalog.read(_newest)
                self._good_until = now + _FRESH
            except UnavailableError:
                # A run goes on while the catalog is away, and nobody's role changes meanwhile.
                if self._good_until == float("-inf"):
                    raise
                self._good_until = now + _AWAY
        return self._known.policy if self._known else None

    def rules(self) -> dict[str, Any]:
        """What needs the approval of others by the policy, as ``[tool.nbmlops.approvals]`` is written."""
        newest = self.catalog.read(_newest)
        return {} if newest is None else dict(newest.policy.rules)

    def require(self, noun: str, method: str, *, notes: bool = True) -> None:
        """Refuse a method of a noun to those whose roles do not give what it needs.

        Parameters
        ----------
        noun, method : str
            The noun, and the method of its service.
        notes : bool
            Whether a use that only broken glass allows becomes an Event here.

        Raises
        ------
        RefusedError
            When it is not allowed; there is an Event of it.
        """
        permission, said = needed_by_method(noun, method)
        if permission == "anyone":
            return
        policy = self.policy()
        who = audit.actor()
        if policy is None or policy.allows(who, permission):
            return
        if policy.allows(who, "read") and (glass := self._glass_of(who)):
            if notes:
                detail = {"reason": glass.reason, "needs": permission}
                self._note("access.break_glass_use", said, detail)
            return
        raise self._refused(policy, who, permission, said)

    def adopt(self, path: Path) -> Standing:
        """Make a file the policy that counts.

        Raises
        ------
        InvalidError
            When it is none, as `parse_policy` says, or the first of all and does not make who adopts it admin.
        RefusedError
            When there is a policy by which who adopts it is no admin.
        NotFoundError, UnavailableError
            When it is not there, or cannot be read.
        """
        content = _read(path)
        policy = parse_policy(content, path.name)
        who, digest = audit.actor(), digests.of_bytes(content)

        def work(connection: Connection) -> int:
            newest = _newest(connection)
            if newest is None and not policy.allows(who, "admin"):
                raise InvalidError(
                    f"{path.name} is the first policy and locks you out: {who} is no admin by it",
                    hint=f'{who} = "admin" below [roles]',
                )
            if newest is not None and newest.digest == digest:
                return newest.number
            number = newest.number + 1 if newest else 1
            row = {"number": number, "digest": digest, "content": content.decode(), "at": self.clock.now()}
            connection.execute(insert(schema.access_policy).values(**row, actor=who))
            before = newest.digest if newest else None
            audit.append(connection, self.clock, "access.policy", f"policy {number}", {"digest": digest, "was": before})
            return number

        self._require_admin(f"store policy --set {path.name}")
        self.catalog.transact(work)
        self._good_until = float("-inf")
        return self.standing()

    def break_glass(self, reason: str) -> Glass:
        """Allow everything to who asks, for an hour; each use of it is an Event with the reason.

        Raises
        ------
        InvalidError
            When there is no reason, no policy, or a reason too long.
        """
        reason = _reason(reason)
        if self.policy() is None:
            raise InvalidError("there is no glass to break: no policy was adopted, and everybody may do everything")
        now = self.clock.now()
        glass = Glass(audit.actor(), reason, now, now + _GLASS)

        def work(connection: Connection) -> None:
            row = {"actor": glass.actor, "reason": reason, "at": now, "until": glass.until}
            connection.execute(insert(schema.broken_glass).values(row))
            until = f"{glass.until:%Y-%m-%dT%H:%M:%SZ}"
            audit.append(connection, self.clock, "access.break_glass", glass.actor, {"reason": reason, "until": until})

        self.catalog.transact(work)
        return glass

    def glasses(self) -> tuple[Glass, ...]:
        """Who may do everything now, and why."""
        table, now = schema.broken_glass, self.clock.now()
        query = select(table).where(table.c.until > now, table.c.at <= now).order_by(table.c.id)
        rows = self.catalog.read(lambda c: c.execute(query).all())
        kept = [Glass(row.actor, row.reason, row.at, row.until) for row in rows]
        if os.environ.get(BREAK_GLASS):
            kept.insert(0, Glass(audit.actor(), _reason(os.environ[BREAK_GLASS]), now, None))
        return tuple(kept)

    def standing(self) -> Standing:
        """The policy that counts, and where one stands by it."""
        newest = self.catalog.read(_newest)
        who, embedded = audit.actor(), self.catalog.is_sqlite
        if newest is None:
            told: Literal["none", "edited"] = "edited" if (self._root / FILE).exists() else "none"
            return Standing(None, None, None, None, told, who, (), embedded=embedded)
        policy = newest.policy
        return Standing(
            newest.number,
            newest.digest,
            newest.actor,
            newest.at,
            self._file(newest.digest),
            who,
            policy.roles_of(who),
            policy.users,
            policy.default,
            tuple(_rules_said(policy)),
            {role: verbs_of(role) for role in ROLES},
            self.glasses(),
            embedded,
        )

    def verify(self) -> None:
        """Look whether the policy that counts is the one that the audit trail tells of.

        Raises
        ------
        CorruptError
            When it was changed, or taken away, past the verbs.
        """
        table = schema.event
        query = select(table.c.detail).where(table.c.action == "access.policy").order_by(table.c.sequence.desc())
        said = self.catalog.read(lambda c: c.execute(query.limit(1)).scalar())
        newest = self.catalog.read(_newest)
        if (said or {}).get("digest") != (newest.digest if newest else None):
            raise CorruptError(
                "the access policy in the catalog is not the one that the audit trail says was adopted",
                hint=f"`ml store policy --set {FILE}` adopts one anew",
            )

    def _require_admin(self, said: str) -> None:
        policy, who = self.policy(), audit.actor()
        if policy is None or policy.allows(who, "admin"):
            return
        if policy.allows(who, "read") and (glass := self._glass_of(who)):
            self._note("access.break_glass_use", said, {"reason": glass.reason, "needs": "admin"})
            return
        raise self._refused(policy, who, "admin", said)

    def _glass_of(self, who: str) -> Glass | None:
        return next((glass for glass in self.glasses() if glass.actor == who), None)

    def _refused(self, policy: Policy, who: str, permission: str, said: str) -> RefusedError:
        roles = policy.roles_of(who)
        stands = f"the role {' and '.join(roles)}" if roles else "no role"
        giving = [role for role, given in ROLES.items() if permission in given]
        missed = ""
        try:
            self._note("access.refused", said, {"needs": permission, "roles": list(roles)})
        except NbmlopsError as error:  # a database may let them write nothing, not even that
            missed = f"; no Event of it could be written: {error.message}"
        return RefusedError(
            f"{who} may not `{said}`: it needs {permission}, and {who} has {stands}{missed}",
            hint=f"ask {' or '.join(policy.who_may('admin'))} for the role {' or '.join(giving)}; "
            "in an emergency: `ml store break-glass REASON`",
        )

    def _note(self, action: str, subject: str, detail: dict[str, Any]) -> None:
        self.catalog.transact(lambda c: audit.append(c, self.clock, action, subject, detail))

    def _file(self, digest: str) -> Literal["adopted", "edited", "missing"]:
        try:
            content = (self._root / FILE).read_bytes()
        except FileNotFoundError:
            return "missing"
        except OSError:
            return "edited"
        return "adopted" if digests.of_bytes(content) == digest else "edited"


def _newest(connection: Connection) -> _Adopted | None:
    table = schema.access_policy
    row = connection.execute(select(table).order_by(table.c.number.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    if digests.of_text(row.content) != row.digest:
        raise CorruptError(
            f"policy {row.number} in the catalog is not what was adopted: its digest is another",
            hint="restore the catalog from a backup",
        )
    number, digest, content, at, actor = row
    return _Adopted(number, digest, content, at, actor, _parsed(row.content, f"policy {row.number}"))


def _parsed(content: str, where: str) -> Policy:
    found = _parses.get(content)
    if found is None:
        _parses.clear()
        found = _parses[content] = parse_policy(content.encode(), where)
    return found


_parses: dict[str, Policy] = {}
"""The one that was parsed last."""


def _rules_said(policy: Policy) -> list[str]:
    return [
        f"{noun}/{name}@{alias}: {rule['approvers']} approvers other than the {rule['other_than']}"
        for noun, names in policy.rules.items()
        for name, aliases in names.items()
        for alias, rule in aliases.items()
    ]


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not reason or len(reason) > _LONGEST_REASON:
        raise InvalidError(
            f"breaking the glass needs a reason of 1 to {_LONGEST_REASON} characters",
            hint='`ml store break-glass "production answers nothing"`',
        )
    return reason


def _read(path: Path) -> bytes:
    try:
        if path.is_file() and path.stat().st_size > _LARGEST:
            raise InvalidError(f"{path} is too large for a policy: more than {_LARGEST:,} bytes")
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"there is no policy {path}", hint="docs/access.md shows one") from None
    except OSError as error:
        raise UnavailableError(
            f"the policy {path} cannot be read: {error.strerror}", hint="check its rights"
        ) from error
