"""Which permission each verb needs, and which permissions a role gives: the one table of who may do what.

=========== =======================================================================================
permission  what it is for
=========== =======================================================================================
anyone      what touches nothing that is shared: it is never checked
read        to look at what is stored, and to load it
write       to add to it: versions, runs, reports
operate     what others come to depend on: aliases, schedules, deployments, monitors
approve     to say yes or no to what others asked for
admin       what cannot be undone, and who may do what
=========== =======================================================================================

A verb is written as in the grammar (``run import``); a method that is no verb by its name in Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["NEEDS", "PERMISSIONS", "ROLES", "method_of", "needed", "needed_by_method", "verbs_of"]

ANYONE = "anyone"
PERMISSIONS = ("read", "write", "operate", "approve", "admin")

ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "viewer": frozenset({"read"}),
        "scientist": frozenset({"read", "write"}),
        "engineer": frozenset({"read", "write", "operate"}),
        "approver": frozenset({"read", "approve"}),
        "admin": frozenset(PERMISSIONS),
    }
)
"""The roles, and the permissions that each gives."""

NEEDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "": {
            "anyone": "init status doctor trust demo lint step log",
            "read": "search lineage story panel ui",
            "write": "reproduce score",
            "operate": "serve",
        },
        "data": {
            "read": "load list show history diff profile blame",
            "write": "save track concat tag delete restore rename push pull",
            "operate": "alias",
            "admin": "erase",
        },
        "run": {
            "read": "list best compare show artifact export",
            "write": "start resume autolog note import",
        },
        "check": {
            "read": "list show diff",
            "write": "infer data model feature importance leakage drift policy",
        },
        "feature": {
            "read": "list show search history diff usage online freshness export",
            "write": "define service compute training retire delete restore rename",
            "operate": "materialize",
        },
        "model": {
            "read": "load list show history diff card dossier verify export",
            "write": "save score describe tag delete restore rename push pull",
            "operate": "promote rollback drill",
            "approve": "approve reject",
            "admin": "trust",
        },
        "pipeline": {
            "read": "list show explain history export package",
            "write": "run resume stop rehearse",
            "operate": "backfill promote rollback delete restore rename",
            "approve": "approve reject",
        },
        "schedule": {
            "read": "list show next history",
            "operate": "add pause resume run unit delete restore rename",
        },
        "deployment": {
            "read": "list show history",
            "write": "test replay",
            "operate": "split shadow ramp challenge set forget",
        },
        "monitor": {
            "read": "list show simulate history alerts digest",
            "write": "labels",
            "operate": "add run silence pause resume delete restore",
        },
        "ci": {"write": "run init"},
        "remote": {"read": "list", "operate": "add remove"},
        "store": {
            "read": "verify stats audit export holds retention certificate policy break-glass",
            "operate": "repair backup hold",
            "admin": "gc restore release retain grant revoke",
        },
    }
)
"""By noun and permission, the verbs that need it; ``""`` stands for the workspace itself."""

_BESIDE: Mapping[str, Mapping[str, str]] = {
    "data": {
        "anyone": "close",
        "read": (
            "kept_profile deleted_rows locked newest_rows opened outline placed rows stream table_version "
            "erasables certify"
        ),
        "write": "lock_newest",
    },
    "run": {
        "anyone": "active close current end fail finish handed log reap reproduced stop_autolog writer_lives",
        "read": "count curve fields history name_of outline rows several",
        "write": "__call__",
    },
    "check": {"read": "entries failing standing suite table trend", "write": "save"},
    "feature": {
        "anyone": "close",
        "read": "chosen input_of inputs_of table users pipelines online_store open_online reader_of recomputed",
        "write": "__call__",
    },
    "model": {"read": "dossiers opened outline placed runs scoring waiting way_back"},
    "pipeline": {
        "read": "cells_of check faults follow form lint notebooks typed waiting why",
        "write": "fix reproduce run_for",
    },
    "schedule": {"operate": "tell"},
    "deployment": {"read": "failing resolve said", "operate": "change ramp_on"},
    "monitor": {"operate": "note_digest"},
    "remote": {"anyone": "trusted", "read": "names open"},
    "store": {"read": "export_audit exporting verify_audit verify_certificate"},
}
"""The same of methods that are no verbs, such as those that the panels ask."""

_IN_PYTHON = {("model", "trust"): "trust_type", ("run", "artifact"): "load_artifact", ("run", "import"): "import_"}


def _by_name(table: Mapping[str, Mapping[str, str]]) -> dict[tuple[str, str], str]:
    return {
        (noun, name): permission
        for noun, needs in table.items()
        for permission, names in needs.items()
        for name in names.split()
    }


_VERBS = _by_name(NEEDS)


def method_of(noun: str, verb: str) -> str:
    """The method of a noun's service that a verb is in Python.

    Examples
    --------
    >>> method_of("store", "break-glass")
    'break_glass'
    """
    return _IN_PYTHON.get((noun, verb), verb.replace("-", "_"))


_METHODS = _by_name(_BESIDE) | {(noun, method_of(noun, verb)): needs for (noun, verb), needs in _VERBS.items()}
_SAID = {(noun, method_of(noun, verb)): f"{noun} {verb}".strip() for noun, verb in _VERBS}


def needed(noun: str, verb: str) -> str:
    """The permission that a verb needs.

    Raises
    ------
    KeyError
        When the table has no such verb.

    Examples
    --------
    >>> needed("model", "approve")
    'approve'
    """
    return _VERBS[noun, verb]


def needed_by_method(noun: str, method: str) -> tuple[str, str]:
    """The permission that a method needs, and how people call what it does; what nobody has entered needs admin.

    Examples
    --------
    >>> needed_by_method("run", "__call__")
    ('write', 'run start')
    >>> needed_by_method("data", "anything")[0]
    'admin'
    """
    method = {"__call__": "start" if noun == "run" else "define"}.get(method, method)
    return _METHODS.get((noun, method), "admin"), _SAID.get((noun, method), f"{noun} {method}".strip())


def verbs_of(role: str) -> tuple[str, ...]:
    """The verbs that a role may use, in the order of the table; what anyone may is not among them.

    Examples
    --------
    >>> "data save" in verbs_of("scientist"), "data save" in verbs_of("viewer")
    (True, False)
    """
    return tuple(f"{noun} {verb}".strip() for (noun, verb), needs in _VERBS.items() if needs in ROLES[role])
