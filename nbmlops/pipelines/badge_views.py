"""How the badge of a notebook looks: the verdict in a line, the grounds that it rests on below."""

from __future__ import annotations

from pathlib import PurePath

from nbmlops.core.errors import spoken
from nbmlops.pipelines.badge import Badge, Ground, State, Verdict
from nbmlops.render.dispatch import json, looks
from nbmlops.render.look import Lines, Look, Part, Tone, line

__all__ = ["badge_line", "ground_lines"]

_SIGNS: dict[State, tuple[str, Tone]] = {"for": ("✓", "good"), "against": ("✗", "bad"), "unknown": ("?", "warn")}
_VERDICTS: dict[Verdict, tuple[str, Tone]] = {
    "reproduced": ("✓ reproduced", "good"),
    "in order": ("✓ in order, not proven", "good"),
    "not proven": ("? not proven", "warn"),
    "not reproducible": ("✗ not reproducible", "bad"),
}


def badge_line(badge: Badge) -> tuple[Part, ...]:
    """The verdict on a notebook in a line."""
    words, tone = _VERDICTS[badge.verdict]
    proof = f"{badge.proof} gave the same again" if badge.verdict == "reproduced" else None
    return line(f"notebook {PurePath(badge.notebook).name}", Part(words, tone), proof)


def ground_lines(badge: Badge, *, only_weak: bool = False) -> list[tuple[Part, ...]]:
    """A line for each ground, with `only_weak` for those that do not speak for it."""
    return [_ground(ground) for ground in badge.grounds if not (only_weak and ground.state == "for")]


def _ground(ground: Ground) -> tuple[Part, ...]:
    sign, tone = _SIGNS[ground.state]
    return line(Part(f"{sign} {ground.what}", tone), ground.seen, ground.hint and Part(ground.hint, "muted"))


@looks(Badge)
def _(badge: Badge) -> Look:
    lines = ground_lines(badge)
    if badge.verdict == "in order":
        lines.append(line(Part(spoken("the proof: record a run of it, then `ml reproduce RUN`"), "muted")))
    return Look(badge_line(badge), body=(Lines(tuple(lines)),))


@json.register
def _(obj: Badge) -> dict[str, object]:
    return {"notebook": obj.notebook, "verdict": obj.verdict, "proof": obj.proof, "grounds": json(list(obj.grounds))}
