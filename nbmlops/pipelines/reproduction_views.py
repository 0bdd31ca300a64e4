"""How the verdict on a run looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nbmlops.checks.records import Outcome
from nbmlops.checks.views import sign
from nbmlops.core.errors import spoken
from nbmlops.pipelines.reproduction import Reproduction, Verdict
from nbmlops.render.dispatch import looks
from nbmlops.render.look import Block, Facts, Lines, Look, Part, Tone, line, table
from nbmlops.render.units import count, duration, when

__all__: list[str] = []

_VERDICTS: dict[Verdict, tuple[str, Tone]] = {
    "identical": ("✓", "good"),
    "within tolerance": ("✓", "good"),
    "differs": ("✗", "bad"),
    "cannot": ("✗", "bad"),
}
_NAMED = 8


def _verdict(done: Reproduction) -> Part:
    mark, tone = _VERDICTS[done.verdict]
    said = "cannot be reproduced" if done.verdict == "cannot" else done.verdict
    return Part(f"{mark} {said}", tone)


def _sentence(outcome: Outcome) -> tuple[Part, ...]:
    tone: Tone = "bad" if outcome.status in {"failed", "errored"} else "warn"
    return line(Part(f"{sign(outcome.status)} {outcome}", tone), Part(spoken(outcome.detail), "muted"))


def _reasons(outcomes: Iterable[Outcome]) -> list[tuple[Part, ...]]:
    troubled = [one for one in outcomes if one.status != "passed"]
    troubled.sort(key=lambda one: ("errored", "failed", "warned").index(one.status))
    shown = [_sentence(one) for one in troubled[:_NAMED]]
    return [*shown, line(Part(f"… and {len(troubled) - _NAMED} more", "muted"))] if troubled[_NAMED:] else shown


def _rows(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    return [(sign(one.status), one.check, one.figure, one.bound, spoken(one.detail)) for one in outcomes]


@looks(Reproduction)
def _(done: Reproduction) -> Look:
    same = sum(outcome.status == "passed" for outcome in (*done.given, *done.results))
    changed = Part(f"with {', '.join(done.changed)}, so the run does not keep it", "muted") if done.changed else None
    head = line(f"{done.run} reproduced", _verdict(done), f"{same} the same" if same else None, duration(done.seconds))
    if done.proof:
        head = (*head, Part(f"by {done.proof}", "muted"))
    lines = [*_reasons((*done.given, *done.results))]
    for part in done.parts:
        lines += [line(f"{part.run}", _verdict(part), duration(part.seconds)), *_reasons((*part.given, *part.results))]
    facts = {"at": when(done.at), "steps": count(len(done.parts), "step") if done.parts else None}
    facts |= {"environment": done.environment, "notebook": done.output_notebook}
    more: list[Block] = [Facts.of(facts)]
    for title, outcomes in (("given", done.given), ("result", done.results)):
        if outcomes:
            more.append(table(("", title, "figure", "bound", "detail"), _rows(outcomes)).without_empty_columns())
    return Look((*head, changed) if changed else head, body=(Lines(tuple(lines)),) if lines else (), more=tuple(more))
