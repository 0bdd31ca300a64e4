"""How a score looks: the figure, a sheet of four sections in words and colours, then evidence, maturity and history."""

from __future__ import annotations

from collections.abc import Iterator

from nbmlops.core.errors import spoken
from nbmlops.monitoring.score.records import Evidence, Maturity, ScoredTest, ScoreSection, ScoreSheet
from nbmlops.render.curves import Curve, Curves
from nbmlops.render.dispatch import looks
from nbmlops.render.look import Block, Heading, Lines, Look, Part, Tone, line, table
from nbmlops.render.units import when

__all__: list[str] = []

_WORTH: dict[float, tuple[str, str, Tone]] = {
    0.0: ("0", "nothing", "bad"),
    0.5: ("½", "recorded", "warn"),
    1.0: ("1", "automatic", "good"),
}
_PASSED = {True: Part("✓ passed", "good"), False: Part("✗ failed", "bad"), None: None}
_SHOWN = 12


@looks(ScoreSheet)
def _(sheet: ScoreSheet) -> Look:
    tone: Tone = "bad" if sheet.score <= 1 else "warn" if sheet.score <= 3 else "good"
    served = Part(f"{sheet.alias}", "good") if sheet.is_served else Part(f"{sheet.alias} is nowhere", "warn")
    head = line(f"ML Test Score of {sheet.ref}", Part(f"{sheet.score:g} of 7", tone), served, Part(sheet.band, "muted"))
    sums = Lines(tuple(_sum(section, sheet) for section in sheet.sections))
    sheets = [block for section in sheet.sections for block in _section(section)]
    more = [*_evidence(sheet), *(block for ladder in sheet.maturity for block in _ladder(ladder)), *_history(sheet)]
    levels = Lines(tuple(_level(ladder) for ladder in sheet.maturity))
    return Look(head, body=(sums, levels, *sheets), more=tuple(more))


def _sum(section: ScoreSection, sheet: ScoreSheet) -> tuple[Part, ...]:
    worth: Tone = "good" if section.points > 3 else "warn" if section.points > 1 else "bad"
    decides = Part("the lowest sum is the score", "muted") if section == sheet.weakest else None
    return line(section.title, Part(f"{section.points:g} of {len(section.tests)}", worth), decides)


def _level(ladder: Maturity) -> tuple[Part, ...]:
    level, top = ladder.level, ladder.levels[-1].number
    missing = "; ".join(one.what for one in ladder.missing)
    lacking = Part(f"for {ladder.next.number}: {missing}", "muted") if ladder.next else None
    return line(f"{ladder.ladder} level {level.number} of {top}", Part(level.title), lacking)


def _section(section: ScoreSection) -> list[Block]:
    lines = tuple(one for test in section.tests for one in _test(test))
    return [Heading(f"{section.title}: {section.points:g} of {len(section.tests)}"), Lines(lines)]


def _test(test: ScoredTest) -> Iterator[tuple[Part, ...]]:
    """The test and what it is worth, then what was found, and what earns more."""
    figure, word, tone = _WORTH[test.points]
    result = _PASSED[test.passed]
    yield line(Part(f"{figure} {word}", tone), Part(f"{test.id}  {test.title}"), result)
    yield line(Part(f"└ {_found(test)}", "muted"), Part(f"→ {spoken(test.command)}" if test.command else ""))


def _found(test: ScoredTest) -> str:
    if not test.points:
        return test.why
    best = test.evidence[0]
    return f"{best.what} ({_where(best)}){f'; {test.why}' if test.why else ''}"


def _where(one: Evidence) -> str:
    by = "unattended" if one.automatic else "by hand"
    return f"{f'report {one.report}' if one.report else one.ref}, {one.at:%Y-%m-%d}, {by}"


def _evidence(sheet: ScoreSheet) -> list[Block]:
    rows = [
        (test.id, one.what, one.ref, when(one.at), _standing(one), spoken(f"`{one.look}`"))
        for test in sheet.tests
        for one in test.evidence
    ]
    if not rows:
        return []
    return [Heading("Evidence"), table(("test", "what", "of", "when", "", "look"), rows)]


def _standing(one: Evidence) -> str:
    words = ["unattended" if one.automatic else "by hand"]
    words += [] if one.covers else ["another version or other code"]
    words += [] if one.fresh else ["too old"]
    return ", ".join(words)


def _ladder(ladder: Maturity) -> list[Block]:
    rows = []
    for level in ladder.levels:
        for one in level.requirements:
            told = spoken(one.told)
            rows.append((str(level.number), level.title, "✓" if one.met else "✗ missing", one.what, told))
    heading = f"Maturity by {ladder.ladder}: {ladder.level.number}, {ladder.level.title}"
    return [Heading(heading), table((">level", "", "", "asks for", "by, or how"), rows)]


def _curves(sheet: ScoreSheet) -> list[Block]:
    """The four sums and the score over days, once there are two of each."""
    first = sheet.history[0].at
    days = [(one.at - first).total_seconds() / 86_400 for one in sheet.history]
    if len(days) < 2:
        return []
    sums = zip(*(one.sums for one in sheet.history), strict=True)
    titled = zip(sheet.sections, sums, strict=True)
    lines = [Curve(section.title, tuple(zip(days, each, strict=True))) for section, each in titled]
    score = Curve("Score", tuple((day, one.score) for day, one in zip(days, sheet.history, strict=True)))
    return [Curves("points over days", (score, *lines))]


def _history(sheet: ScoreSheet) -> list[Block]:
    if not sheet.history:
        return []
    rows = [
        (when(one.at), one.ref, f"{one.score:g}", *(f"{each:g}" for each in one.sums), str(one.report))
        for one in sheet.history[-_SHOWN:]
    ]
    titles = [f">{section.title}" for section in sheet.sections]
    return [Heading("History"), *_curves(sheet), table(("when", "version", ">score", *titles, ">report"), rows)]
