"""How an erasure looks."""

from __future__ import annotations

from nbmlops.core import digests
from nbmlops.core.errors import spoken
from nbmlops.data.erasure_records import Descendant, Erased, Erasure, RemotePurge
from nbmlops.render.dispatch import looks
from nbmlops.render.look import Block, Lines, Look, Part, line, table
from nbmlops.render.units import count, size

__all__: list[str] = []

_SHOWN = 100
_KINDS = {
    "artifact": "names of artifacts",
    "cell": "cells",
    "event": "audit Events",
    "param": "params",
    "report": "names of suites",
    "source": "captured sources",
    "tag": "tags",
    "version": "messages",
    "version_tag": "tags of versions",
}
_STATES = {
    "holds": "still holds such rows",
    "rewritten": "took rows from the old files; has files of its own now",
    "unknown": "stays as it is, for whether it holds such rows cannot be told",
    "clean": "holds no such row",
    "code": "keeps code and no rows; its text was searched",
}


@looks(Erasure)
def _(done: Erasure) -> Look:
    names = ", ".join(done.names)
    amount = f"{count(done.rows, 'row')} of {count(len(done.versions), 'version')}"
    match done.state:
        case "planned":
            head = line(f"erase {names}", f"{amount} would leave", Part("nothing has changed", "muted"))
        case "declined":
            head = line(f"erase {names}", Part("nothing was erased", "muted"))
        case "pending":
            head = line(f"erased {names}", amount, Part(spoken("not all is done: `ml data erase --resume`"), "bad"))
        case _:
            head = line(f"erased {names}", Part(amount, "good"), f"{size(done.freed)} freed")
    body: list[Block] = []
    if done.versions:
        body.append(table(("version", ">rows", ">left", "digest"), map(_of_version, done.versions[:_SHOWN])))
    told = [*_unjudged(done), *map(_of_descendant, done.descendants), *_records(done)]
    told += [line(Part(f"! {what}", "warn")) for what in done.listed]
    told += [each for remote in done.remotes for each in _of_remote(remote, planned=not done.at)]
    told += _unsearched(done)
    if told:
        body.append(Lines(tuple(told)))
    return Look(head, tuple(body))


def _of_version(version: Erased) -> tuple[str, str, str, str]:
    after = f" → {digests.short(version.after)}" if version.after else ""
    ref = f"{version.ref} (deleted)" if version.deleted else version.ref
    return ref, f"{version.rows:,}", f"{version.left:,}", f"{digests.short(version.before)}{after}"


def _unjudged(done: Erasure) -> list[tuple[Part, ...]]:
    return [
        line(Part(f"! {ref} stays as it is: no table, without a column of the condition, or not pulled", "warn"))
        for ref in done.unjudged[:_SHOWN]
    ]


def _of_descendant(one: Descendant) -> tuple[Part, ...]:
    if one.state == "holds":
        name = one.ref.partition("@")[0]
        said = spoken(f"! {one.ref} {_STATES['holds']} ({one.rows:,}); name it too: `ml data erase {name}`")
        return line(Part(said, "warn"))
    kind = "" if one.kind == "data" else f"{one.kind} "
    return line(Part(f"made from it: {kind}{one.ref} {_STATES[one.state]}", "muted"))


def _of_remote(remote: RemotePurge, *, planned: bool) -> list[tuple[Part, ...]]:
    if planned:
        first = f", and {', '.join(remote.unknown[:_SHOWN])} be fetched and looked through" if remote.unknown else ""
        return [line(Part(f"the remote {remote.name} would be purged too{first}"))]
    if remote.done:
        told = [line(Part(f"the remote {remote.name} was purged: {size(remote.freed)} freed"))]
    else:
        told = [line(Part(f"! the remote {remote.name} was not purged: {remote.why}", "bad"))]
    for ref in remote.unknown[:_SHOWN]:
        said = f"! fetch it: `ml data pull {ref} --from {remote.name}`, and erase again"
        told.append(line(Part(spoken(said), "warn")))
    return told


def _records(done: Erasure) -> list[tuple[Part, ...]]:
    words = [f"{amount:,} {_KINDS.get(kind, kind)}" for kind, amount in sorted((done.records or {}).items())]
    verb = "would be" if done.state == "planned" else "were"
    return [line(Part(f"values {verb} taken out of {', '.join(words)}"))] if words else []


def _unsearched(done: Erasure) -> list[tuple[Part, ...]]:
    if not done.left_out:
        return []
    return [line(Part(f"records were not searched for {', '.join(done.left_out)}", "muted"))]
