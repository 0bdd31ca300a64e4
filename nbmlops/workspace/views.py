"""How the status of a workspace and the doctor's observations look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbmlops.core.errors import spoken
from nbmlops.render.dispatch import html, json, looks, markdown, text
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Facts, Lines, Look, Part, Tone, line
from nbmlops.render.units import count, when
from nbmlops.workspace.doctor import Diagnosis
from nbmlops.workspace.remotes import RemoteName
from nbmlops.workspace.root import Workspace
from nbmlops.workspace.status import Status

__all__ = ["git_phrase"]

_MOST = 5
"""How many of a kind are told."""
_SIGNS: dict[str, tuple[str, Tone]] = {"ok": ("✓", "good"), "note": ("!", "warn"), "bad": ("✗", "bad")}


def git_phrase(git: Any) -> str:
    """Branch, commit and state of a repository in one word, such as ``main@4f2c1a09 (clean)``."""
    if not git:
        return "no git"
    commit = git["commit"][:8] if git.get("commit") else "no commit yet"
    return f"{git.get('branch') or 'detached'}@{commit} ({'with changes' if git.get('dirty') else 'clean'})"


@looks(Status)
def _(status: Status) -> Look:
    held = [count(status.data, "name") + " of data", count(status.models, "model"), count(status.runs, "run")]
    untrusted = None if status.trusted else Part("not trusted; to use what it names: trust", "warn")
    return Look(
        line(
            f"workspace {status.workspace}",
            git_phrase(status.git),
            f"active run {status.run}" if status.run else "no active run",
            ", ".join(held),
            f"pipelines {', '.join(status.pipelines)}" if status.pipelines else None,
            untrusted,
            *_access(status),
            Part(f"unfinished erasure of {status.unfinished[0]}; see: doctor", "bad") if status.unfinished else None,
        ),
        body=(Lines(tuple(_standing(status))),),
        more=(Facts.of({"folder": status.root}),),
    )


def _access(status: Status) -> Iterator[str | Part | None]:
    """The roles of who asks, a policy file that has no effect, and glass that is broken."""
    if (access := status.access) is None:
        return
    if access.number is not None:
        yield f"{access.you}: {', '.join(access.roles) or 'no role'}"
    if access.file == "edited":
        yield Part("nbmlops-policy.toml is not adopted and has no effect; see: store policy", "warn")
    for glass in access.glasses:
        until = f"until {when(glass.until)}" if glass.until else "in this process"
        yield Part(f"glass broken by {glass.actor} {until}: {glass.reason}", "bad")


def _standing(status: Status) -> Iterator[tuple[Part, ...]]:
    """What is running, what fails, and how the notebook stands; it fits a screen."""
    if status.badge is not None:
        from nbmlops.pipelines.badge_views import badge_line, ground_lines

        yield badge_line(status.badge)
        yield from ground_lines(status.badge, only_weak=True)
    for one in status.running[:_MOST]:
        yield line(Part("· running", "plain"), f"pipeline run {one.run}", f"since {when(one.since)}")
    for report in status.failing[:_MOST]:
        look = Part(spoken(f"`ml check show {report.id}`"), "muted")
        yield line(
            Part(f"✗ check {report.id}", "bad"), f"{report.suite} on {report.subject}", when(report.created_at), look
        )
    for left, kind in ((status.running, "running pipeline"), (status.failing, "failing suite")):
        if len(left) > _MOST:
            yield line(Part(f"… {count(len(left) - _MOST, f'more {kind}')}", "muted"))


@looks(Diagnosis)
def _(diagnosis: Diagnosis) -> Look:
    bad = sum(finding.state == "bad" for finding in diagnosis.observations)
    verdict = Part("✓ in order", "good") if not bad else Part(f"✗ {count(bad, 'thing')} to mend", "bad")
    lines = []
    for finding in diagnosis.observations:
        sign, tone = _SIGNS[finding.state]
        lines.append(line(Part(f"{sign} {finding.what}", tone), finding.seen))
        if finding.hint:
            lines.append(line(Part(f"    {finding.hint}", "muted")))
    return Look(line("doctor", verdict), body=(Lines(tuple(lines)),))


@json.register
def _(obj: Diagnosis) -> dict[str, Any]:
    return {"ok": obj.ok, "observations": [json(finding) for finding in obj.observations]}


@looks(RemoteName)
def _(remote: RemoteName) -> Look:
    return Look(line(f"remote {remote.name}", remote.where))


lists(
    RemoteName,
    Field("remote", lambda remote: remote.name),
    Field("where", lambda remote: remote.where),
    nothing="no remote yet; the first: `ml remote add origin URL`",
)


@text.register
def _(obj: Workspace, *, detail: bool = False, columns: int | None = None) -> str:
    return text(obj.status(), detail=detail, columns=columns)


@html.register
def _(obj: Workspace, *, detail: bool = False) -> str:
    return html(obj.status(), detail=detail)


@markdown.register
def _(obj: Workspace, *, detail: bool = False) -> str:
    return markdown(obj.status(), detail=detail)


@json.register
def _(obj: Workspace) -> Any:
    return json(obj.status())
