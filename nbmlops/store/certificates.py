"""Certificates of erasures: what was erased, where, when, by whom, and what was not reached; never a value.

A certificate is one JSON object. Its signature is Ed25519 (RFC 8032), by the user's own key, over the canonical JSON
(sorted keys, no spaces, UTF-8) of all its members but ``signature``. Pages of HTML and Markdown carry it whole, for
people to read and for `certificate_files.read` to find again; docs/erasure.md specifies the members.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, select

from nbmlops.core.digests import canonical_json
from nbmlops.core.errors import (
    AmbiguousError,
    CorruptError,
    NotFoundError,
    RefusedError,
)
from nbmlops.store import audit, schema
from nbmlops.store.trust import Signature, key_id

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.catalog import Catalog
    from nbmlops.store.trust import Keyring

__all__ = ["FORMAT", "Certificate", "certificate_of", "issue", "signed"]

FORMAT: Final = 1
_NEVER: Final = (
    "what others pulled, cloned or copied, and places that were pushed to and were neither named nor given",
    "what was computed from erased rows among others, until it is computed and materialized again",
    "backups and exports made outside of nbmlops, snapshots of file systems and of buckets that keep old versions",
    "blocks of a disk that are free but not yet written over",
    "variables of notebooks that ran meanwhile, and the history of IPython and of git",
)
_STATES = {
    "holds": "still holds such rows, as it was not named",
    "unknown": "was made from erased rows, and what it keeps of them cannot be told",
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What an erasure did, as somebody signed it.

    Attributes
    ----------
    erasure, workspace : str
        Ids of the erasure and of the workspace.
    names : tuple of str
        The names whose versions were looked through.
    by : str
        Who erased.
    at : datetime
        When the rows had left.
    state : str
        ``done``, or ``pending`` while a remote waits.
    versions : tuple of (str, str, str, int, int)
        Of each version that rows left: its reference, its digests before and after, the rows that left it and those
        that it has.
    records : mapping of str to int
        How many recorded texts, captured rows and the like were cleared, by what they are.
    remotes : tuple of str
        Remotes that were purged since.
    not_reached : tuple of str
        What was not reached, and what no erasure reaches.
    event, event_digest : int, str
        The line of the audit trail, and its digest when the certificate was made.
    issued_at, issued_by : datetime, str
        When it was signed, and by whom.
    signature : Signature
        The key's id, and the signature.
    """

    erasure: str
    workspace: str
    names: tuple[str, ...]
    by: str
    at: datetime
    state: str
    versions: tuple[tuple[str, str, str, int, int], ...]
    records: Mapping[str, int]
    remotes: tuple[str, ...]
    not_reached: tuple[str, ...]
    event: int
    event_digest: str
    issued_at: datetime
    issued_by: str
    signature: Signature

    @property
    def rows(self) -> int:
        """Rows that left, over all versions."""
        return sum(version[3] for version in self.versions)

    def said(self) -> dict[str, Any]:
        """What is signed, as JSON."""
        return {
            "format": FORMAT,
            "erasure": self.erasure,
            "workspace": self.workspace,
            "names": list(self.names),
            "by": self.by,
            "at": self.at.isoformat(),
            "state": self.state,
            "versions": [dict(zip(_OF_VERSION, version, strict=True)) for version in self.versions],
            "records": dict(self.records),
            "remotes": list(self.remotes),
            "not_reached": list(self.not_reached),
            "event": self.event,
            "event_digest": self.event_digest,
            "issued_at": self.issued_at.isoformat(),
            "issued_by": self.issued_by,
            "key": self.signature.key,
        }

    def document(self) -> str:
        """All of it, as JSON."""
        return json.dumps({**self.said(), "signature": self.signature.value}, indent=2, ensure_ascii=False) + "\n"


_OF_VERSION = ("ref", "before", "after", "rows", "left")


def issue(catalog: Catalog, keyring: Keyring, clock: Clock, workspace: str, erasure: str | None) -> Certificate:
    """Make and sign the certificate of an erasure; of the newest by default.

    Raises
    ------
    NotFoundError
        When there is no such erasure.
    RefusedError
        While it has not been carried out here.
    """
    facts = catalog.read(lambda c: _facts(c, erasure))
    when: dict[str, Any] = {"issued_at": clock.now(), "issued_by": audit.actor()}
    return signed(Certificate(workspace=workspace, **facts, **when, signature=Signature("", "")), keyring)


def signed(certificate: Certificate, keyring: Keyring) -> Certificate:
    """A certificate with the user's signature; the id of the key is signed too."""
    own = key_id(bytes.fromhex(keyring.public_key()))
    ready = replace(certificate, signature=Signature(own, ""))
    return replace(ready, signature=keyring.sign(canonical_json(ready.said())))


def _facts(connection: Connection, erasure: str | None) -> dict[str, Any]:
    row = _row(connection, erasure)
    detail = row.detail
    if row.state == "begun" or "versions" not in detail:
        names = " ".join(row.names)
        raise RefusedError(f"the erasure of {names} has erased nothing yet", hint=f"`ml data erase {names}`")
    if row.state == "purging":
        raise RefusedError(
            f"the erasure of {' '.join(row.names)} was cut off: old bytes may be left",
            hint="`ml data erase --resume`, then ask again",
        )
    table = schema.event
    events = select(table).where(table.c.action.in_(("data.erase", "data.erase.remote"))).order_by(table.c.sequence)
    own: Any = None
    purged: dict[str, None] = {}
    for event in connection.execute(events).all():
        if event.action == "data.erase" and event.detail.get("erasure") == row.id:
            own = event
        elif own is not None and event.action == "data.erase.remote":
            purged[event.subject] = None
    if own is None:
        raise CorruptError(f"the audit trail has no line of the erasure {row.id}", hint="`ml store audit --verify`")
    return {
        "erasure": row.id,
        "names": tuple(row.names),
        "by": row.actor,
        "at": datetime.fromisoformat(detail["at"]),
        "state": row.state,
        "versions": tuple(tuple(version[key] for key in _OF_VERSION) for version in detail["versions"]),
        "records": dict(sorted(detail["records"].items())),
        "remotes": tuple(name for name in purged if name not in detail.get("remotes", {})),
        "not_reached": tuple(dict.fromkeys(_not_reached(detail))),
        "event": own.sequence,
        "event_digest": own.digest,
    }


def _row(connection: Connection, erasure: str | None) -> Any:
    table = schema.erasure
    rows = connection.execute(select(table).order_by(table.c.at.desc(), table.c.id)).all()
    fitting = [row for row in rows if erasure is None or row.id.startswith(erasure)]
    if not fitting or erasure == "":
        what = "no erasure was carried out here" if erasure is None else f"there is no erasure {erasure!r}"
        raise NotFoundError(what, hint="`ml store audit --action data.erase` lists them")
    if erasure is not None and len(fitting) > 1:
        raise AmbiguousError(f"several erasures begin with {erasure}", hint="write more of its id")
    return fitting[0]


def _not_reached(detail: Mapping[str, Any]) -> Iterator[str]:
    for name, what in detail.get("remotes", {}).items():
        yield f"the remote {name}: {what.get('why') or 'it was not purged yet'}"
    for ref in detail["unjudged"]:
        yield f"{ref}: it is no table, has not all columns of the condition, or was not pulled"
    for one in detail["descendants"]:
        if one["state"] in _STATES:
            yield f"the {one['kind']} {one['ref']} {_STATES[one['state']]}"
    yield from detail["listed"]
    yield from (f"records were not searched for {what}" for what in detail["left_out"])
    yield from _NEVER


def certificate_of(said: Mapping[str, Any]) -> Certificate:
    """Read what `Certificate.document` wrote; `KeyError`, `TypeError` or `ValueError` when it is not of that kind."""
    return Certificate(
        erasure=str(said["erasure"]),
        workspace=str(said["workspace"]),
        names=tuple(said["names"]),
        by=str(said["by"]),
        at=datetime.fromisoformat(said["at"]),
        state=str(said["state"]),
        versions=tuple(tuple(version[key] for key in _OF_VERSION) for version in said["versions"]),
        records=dict(said["records"]),
        remotes=tuple(said["remotes"]),
        not_reached=tuple(said["not_reached"]),
        event=int(said["event"]),
        event_digest=str(said["event_digest"]),
        issued_at=datetime.fromisoformat(said["issued_at"]),
        issued_by=str(said["issued_by"]),
        signature=Signature(str(said["key"]), str(said["signature"])),
    )
