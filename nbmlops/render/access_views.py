"""How it looks who may do what; here, because the store lies below what renders."""

from __future__ import annotations

from collections.abc import Iterator

from nbmlops.core.digests import short
from nbmlops.core.errors import spoken
from nbmlops.render.dispatch import looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Facts, Lines, Look, Part, line
from nbmlops.render.units import when
from nbmlops.store.access.records import Glass, Grant, Standing

__all__: list[str] = []

_FILES = {
    "adopted": Part("the file is the one that counts", "good"),
    "edited": Part("the file has no effect: `ml store policy --set nbmlops-policy.toml` adopts it", "warn"),
    "missing": Part("the file is not here; the one that was adopted counts", "muted"),
    "none": Part("no file either: docs/access.md shows one", "muted"),
}


@looks(Glass)
def _(glass: Glass) -> Look:
    until = f"until {when(glass.until)}" if glass.until else "in this process"
    return Look(line(Part(f"glass broken by {glass.actor}", "bad"), until, glass.reason))


@looks(Standing)
def _(standing: Standing) -> Look:
    file = _FILES[standing.file]
    told = Part(spoken(file.text), file.tone)
    if standing.number is None:
        return Look(line("no access policy", "everybody may do everything", told))
    you = f"{standing.you}: {', '.join(standing.roles) or 'no role'}"
    head = line(
        f"access policy {standing.number}", short(standing.digest or ""), f"adopted by {standing.by}", you, told
    )
    said = {**{user: ", ".join(roles) or "no role" for user, roles in standing.users.items()}}
    said["everybody else"] = standing.default or "no role"
    verbs = {role: ", ".join(each) for role, each in standing.verbs.items()}
    return Look(head, body=(Lines(tuple(_remarks(standing))), Facts.of(said)), more=(Facts.of(verbs),))


def _remarks(standing: Standing) -> Iterator[tuple[Part, ...]]:
    for rule in standing.rules:
        yield line(f"rule {rule}")
    for glass in standing.glasses:
        until = f"until {when(glass.until)}" if glass.until else "in this process"
        yield line(Part(f"glass broken by {glass.actor}", "bad"), until, glass.reason)
    if standing.embedded:
        yield line(Part("on SQLite roles prevent accidents and leave evidence; they are no boundary", "muted"))


@looks(Grant)
def _(grant: Grant) -> Look:
    return Look(line(f"{grant.user} is {grant.role}"))


lists(
    Grant,
    Field("user", lambda grant: grant.user),
    Field("role", lambda grant: grant.role),
    nothing="nobody has a role of the database yet: `ml store grant ben scientist`",
)
