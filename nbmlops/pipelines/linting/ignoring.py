"""Comments that say why a finding is none: ``# nbmlops: ignore[rule] reason``.

A comment counts for its own line; one that stands alone counts for the next line that is no comment. The reason is
required: who reads the notebook next should not have to ask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbmlops.core.errors import nearest
from nbmlops.pipelines.linting.finding import RULES, Spot
from nbmlops.tracking.ipython_syntax import lines_of

if TYPE_CHECKING:
    from nbmlops.pipelines.cells import CodeCell

__all__ = ["without_ignored"]

_COMMENT = re.compile(r"#\s*nbmlops:\s*ignore\b(?:\[([^\]]*)\])?\s*(.*)")
_ALONE = re.compile(r"\s*(?:#.*)?")


@dataclass(frozen=True, slots=True)
class _Ignored:
    """One comment: where it is written, the line that it counts for, and what it says."""

    cell: int
    written: int
    line: int
    rules: tuple[str, ...]
    reason: str


def without_ignored(cells: Sequence[CodeCell], spots: Sequence[Spot]) -> list[Spot]:
    """Leave out what a comment ignores, and find comments that are not complete or ignore nothing."""
    comments = [comment for cell in cells for comment in _comments(cell)]
    faults = [spot for comment in comments for spot in _faults(comment)]
    broken = {(spot.cell, spot.line) for spot in faults}
    ignored = {
        (comment.cell, comment.line, rule): comment
        for comment in comments
        if (comment.cell, comment.written) not in broken
        for rule in comment.rules
    }
    kept = [spot for spot in spots if (spot.cell, spot.line, spot.rule) not in ignored]
    met = {(spot.cell, spot.line, spot.rule) for spot in spots}
    for (cell, line, rule), comment in ignored.items():
        if (cell, line, rule) not in met:
            message = f"there is nothing of the rule {rule} to ignore on this line"
            kept.append(Spot("ignore", cell, comment.written, message, "take the comment out"))
    return kept + faults


def _comments(cell: CodeCell) -> Iterator[_Ignored]:
    lines = lines_of(cell.source)
    for number, content in enumerate(lines, start=1):
        found = _COMMENT.search(content)
        if found is None:
            continue
        below = (each for each in range(number, len(lines)) if not _ALONE.fullmatch(lines[each]))
        alone = not content[: found.start()].strip()
        line = next(below, number - 1) + 1 if alone else number
        rules = tuple(part.strip() for part in (found[1] or "").split(",") if part.strip())
        yield _Ignored(cell.number, number, line, rules, found[2].strip())


def _faults(comment: _Ignored) -> Iterator[Spot]:
    if not comment.rules or not comment.reason:
        message = "a comment that ignores a finding names the rule and says why"
        fix = "write `# nbmlops: ignore[rule] the reason`"
        yield Spot("ignore", comment.cell, comment.written, message, fix)
    for rule in comment.rules:
        if rule not in RULES or rule == "ignore":
            fix = nearest(rule, RULES) or f"the rules are {', '.join(RULES)}"
            yield Spot("ignore", comment.cell, comment.written, f"there is no rule {rule}", fix)
