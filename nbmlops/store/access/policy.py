"""The policy file, ``nbmlops-policy.toml``: who has which role, and which aliases need the approval of others.

::

    [groups]
    modelling = ["ben", "carla"]

    [roles]
    ann = "admin"
    "@modelling" = "scientist"              # all of a group
    dora = ["engineer", "approver"]
    carla = ["approver", "-scientist"]      # a minus takes away what a group gives

    [default]
    role = "viewer"                         # of everybody else; without it they may do nothing

    [rules]
    "model/delay@production" = { approvers = 1, other_than = "author" }
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.core.permissions import ROLES
from nbmlops.core.refs import check_alias, check_name

__all__ = ["FILE", "Policy", "parse_policy"]

FILE = "nbmlops-policy.toml"
"""The file's name, at the workspace's root."""
_TABLES = ("roles", "groups", "default", "rules")
_NOUNS = ("model", "pipeline")
_OTHER_THAN = ("asker", "author")
_RULE = re.compile(r"([^/@]*)/([^/@]*)@([^/@]*)")
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may do what.

    Attributes
    ----------
    users : mapping of str to tuple of str
        The roles of each user who is named, in the order of their power; with those that groups give.
    default : str or None
        The role of everybody else.
    rules : mapping
        By noun, name and alias: how many ``approvers``, and ``other_than`` whom; as ``[tool.nbmlops.approvals]``.
    """

    users: Mapping[str, tuple[str, ...]]
    default: str | None
    rules: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]

    def roles_of(self, user: str) -> tuple[str, ...]:
        """The roles of a user, named or not."""
        if user in self.users:
            return self.users[user]
        return (self.default,) if self.default else ()

    def allows(self, user: str, permission: str) -> bool:
        """Whether one of a user's roles gives a permission."""
        return any(permission in ROLES[role] for role in self.roles_of(user))

    def who_may(self, permission: str) -> tuple[str, ...]:
        """The users, of those named, who have a permission."""
        return tuple(user for user in self.users if self.allows(user, permission))


def parse_policy(content: bytes, where: str = FILE) -> Policy:
    """Read a policy, strictly.

    Raises
    ------
    InvalidError
        When it is no UTF-8, no TOML, has something unknown, contradicts itself, or leaves nobody who is admin.
    """
    try:
        said = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidError(f"{where} is not UTF-8: byte {error.start} is none of it", hint="save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidError(f"{where} does not parse: {error}", hint='ann = "admin" below [roles]') from None
    for key, value in said.items():
        if key not in _TABLES:
            hint = nearest(key, _TABLES) or f"its tables are {', '.join(_TABLES)}"
            raise InvalidError(f"{where} has an unknown key {key!r}", hint=hint)
        if not isinstance(value, Mapping):
            raise InvalidError(f"{where}: {key} must be a table", hint=f"[{key}]")
    users = _users(said.get("roles", {}), _groups(said.get("groups", {}), where), where)
    policy = Policy(users, _default(said.get("default", {}), where), _rules(said.get("rules", {}), where))
    if not policy.who_may("admin"):
        raise InvalidError(
            f"{where} leaves nobody who is admin: nobody could ever change it", hint='ann = "admin" below [roles]'
        )
    _refuse_unmet(policy, where)
    return policy


def _groups(table: Mapping[str, Any], where: str) -> dict[str, tuple[str, ...]]:
    found = {}
    for name, members in table.items():
        if not isinstance(members, list) or not all(isinstance(one, str) for one in members):
            raise InvalidError(f"{where}: the group {name!r} must be a list of users", hint=f'{name} = ["ben"]')
        found[name] = tuple(_user(one, where) for one in members)
    return found


def _users(table: Mapping[str, Any], groups: Mapping[str, tuple[str, ...]], where: str) -> dict[str, tuple[str, ...]]:
    own: dict[str, tuple[set[str], set[str]]] = {}
    given: dict[str, dict[str, str]] = {}
    taken: dict[str, dict[str, str]] = {}
    for who, value in table.items():
        grants, denials = _granted(who, value, where)
        if not who.startswith("@"):
            own[_user(who, where)] = grants, denials
            continue
        group = who[1:]
        if group not in groups:
            hint = nearest(group, groups) or f'{group} = ["ben"] below [groups]'
            raise InvalidError(f"{where} gives roles to {who}, and there is no group {group!r}", hint=hint)
        for member in groups[group]:
            given.setdefault(member, {}).update(dict.fromkeys(grants, who))
            taken.setdefault(member, {}).update(dict.fromkeys(denials, who))
    found = {}
    for user in sorted({*own, *given, *taken}):
        grants, denials = own.get(user, (set(), set()))
        by, away = given.get(user, {}), taken.get(user, {})
        for role in sorted(by.keys() & away.keys() - grants - denials):
            raise InvalidError(
                f"{where} contradicts itself: {by[role]} grants {role} to {user}, and {away[role]} denies it",
                hint=f'say which: {user} = "{role}" or {user} = "-{role}" below [roles]',
            )
        left = (grants | by.keys()) - denials - (away.keys() - grants)
        found[user] = tuple(role for role in ROLES if role in left)
    return found


def _granted(who: str, value: Any, where: str) -> tuple[set[str], set[str]]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed or not all(isinstance(one, str) for one in listed):
        raise InvalidError(f"{where}: the roles of {who!r} must be a role or a list of them", hint=f'{who} = "viewer"')
    for one in listed:
        if one.removeprefix("-") not in ROLES:
            hint = nearest(one.removeprefix("-"), ROLES) or f"the roles are {', '.join(ROLES)}"
            raise InvalidError(f"{where} gives {who} the role {one!r}, which there is not", hint=hint)
    grants = {one for one in listed if not one.startswith("-")}
    denials = {one[1:] for one in listed if one.startswith("-")}
    if both := sorted(grants & denials):
        raise InvalidError(
            f"{where} contradicts itself: {both[0]} is both granted to {who} and denied", hint=f'{who} = "{both[0]}"'
        )
    return grants, denials


def _user(name: str, where: str) -> str:
    if not name or len(name) > _LONGEST_NAME or name != name.strip() or not name.isprintable() or name[0] in "@-":
        raise InvalidError(f"{where}: {name[:60]!r} is no name of a user", hint='ann = "admin"')
    return name


def _default(table: Mapping[str, Any], where: str) -> str | None:
    for key in table:
        if key != "role":
            raise InvalidError(f"{where}: [default] has an unknown key {key!r}", hint='role = "viewer"')
    role = table.get("role")
    if role is not None and (not isinstance(role, str) or role not in ROLES):
        raise InvalidError(f"{where}: [default] role is no role: {role!r}", hint=f"the roles are {', '.join(ROLES)}")
    if role == "admin":
        raise InvalidError(
            f"{where} makes everybody admin, which contradicts having a policy", hint='role = "viewer" below [default]'
        )
    return role


def _rules(table: Mapping[str, Any], where: str) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    found: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
    for target, value in table.items():
        match = _RULE.fullmatch(target)
        if match is None:
            raise InvalidError(
                f"{where}: the rule of {target!r} names no alias", hint='"model/delay@production" = { approvers = 1 }'
            )
        noun, name, alias = match.groups()
        if noun not in _NOUNS:
            hint = nearest(noun, _NOUNS) or f"rules are of {' and '.join(_NOUNS)}"
            raise InvalidError(f"{where} has a rule for the unknown noun {noun!r}", hint=hint)
        own = name if name == "*" else check_name(name)
        found.setdefault(noun, {}).setdefault(own, {})[check_alias(alias)] = _rule(target, value, where)
    return found


def _rule(target: str, value: Any, where: str) -> dict[str, Any]:
    example = f'"{target}" = {{ approvers = 1, other_than = "author" }}'
    if not isinstance(value, Mapping):
        raise InvalidError(f"{where}: the rule of {target} must be a table", hint=example)
    for key in value:
        if key not in {"approvers", "other_than"}:
            hint = nearest(key, ("approvers", "other_than")) or example
            raise InvalidError(f"{where}: the rule of {target} has an unknown key {key!r}", hint=hint)
    needed, other_than = value.get("approvers", 1), value.get("other_than", "asker")
    if type(needed) is not int or needed < 1:
        raise InvalidError(f"{where}: the rule of {target} has approvers = {needed!r}", hint=example)
    if other_than not in _OTHER_THAN:
        raise InvalidError(
            f"{where}: the rule of {target} has other_than = {other_than!r}",
            hint=f"it is {' or '.join(_OTHER_THAN)}",
        )
    return {"approvers": needed, "other_than": other_than}


def _refuse_unmet(policy: Policy, where: str) -> None:
    able = policy.who_may("approve")
    for noun, names in policy.rules.items():
        for name, aliases in names.items():
            for alias, rule in aliases.items():
                if policy.default != "approver" and len(able) < rule["approvers"]:
                    raise InvalidError(
                        f"{where} contradicts itself: {noun}/{name}@{alias} needs {rule['approvers']} approvers, and "
                        f"{len(able)} users may approve",
                        hint='dora = "approver" below [roles]',
                    )
