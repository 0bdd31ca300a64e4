"""How a dossier looks: how many gaps there are, then each question with its statements, its gaps and its tables."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from nbmlops.checks.evidence_views import evidence_blocks
from nbmlops.core.errors import spoken
from nbmlops.monitoring.dossier.records import UNANSWERED, Dossier, DossierSection, Statement
from nbmlops.render.dispatch import looks
from nbmlops.render.look import Block, Facts, Heading, Lines, Look, Part, line, table
from nbmlops.render.units import count, when

__all__: list[str] = []

_WIDE, _ROWS = 100, 12
"""Characters of a row, and rows of a statement; a longer one is told by what its evidence shows."""
_SIGNS = {"plain": "", "good": "✓ ", "warn": "! ", "bad": "✗ "}
_LEGEND = {
    "event 12": "`ml store audit --after 13 --limit 1`",
    "report 4": "`ml check show 4`",
    "run gbm-3": "`ml run show gbm-3`",
    "flights@v2": "`ml data show flights@v2`",
    "delay@v3": "`ml model show delay@v3`",
    "policy 2": "`ml store policy`",
    "all of it": "`--json` has with each statement what to type",
}


@looks(Dossier)
def _(dossier: Dossier) -> Look:
    gaps = len(dossier.gaps)
    told = Part(count(gaps, "gap"), "warn") if gaps else Part("no gaps", "good")
    head = line(f"Dossier of {dossier.ref}", Part(", ".join(dossier.aliases), "good"), told, when(dossier.at))
    where = [
        line(Part(f"{section.number} {section.title}: {count(len(section.gaps), 'gap')}", "warn"))
        for section in dossier.sections
        if section.gaps
    ]
    blocks = [block for section in dossier.sections for block in _section(section)]
    unanswered = Lines(tuple(line(Part(f"{point}: {what}")) for point, what in UNANSWERED.items()))
    law = Lines(
        (
            line(
                Part(
                    "by the points of Annex IV of Regulation (EU) 2024/1689; points are named, none is certified",
                    "muted",
                )
            ),
        )
    )
    last: list[Block] = [Heading("What no store answers, and people write"), unanswered]
    legend = Facts.of({evidence: spoken(look) for evidence, look in _LEGEND.items()})
    summary: list[Block] = [Lines(tuple(where))] if where else []
    return Look(head, body=(law, *summary, *blocks, *last), more=(Heading("How evidence is seen"), legend))


def _section(section: DossierSection) -> Iterator[Block]:
    yield Heading(f"{section.number} {section.title}")
    yield Lines((line(Part(section.point, "muted")),))
    if section.statements:
        rows = [row for one in section.statements for row in _rows(one)]
        yield table(("what", "is known", "evidence"), rows)
    if section.gaps:
        yield Lines(
            tuple(line(Part(f"gap: {gap.what}: {gap.why}: {spoken(gap.fill)}", "warn")) for gap in section.gaps)
        )
    yield from evidence_blocks(section.proofs)


def _rows(one: Statement) -> Iterator[tuple[str, str, str]]:
    """A statement, on as many rows as it takes."""
    told = f"{_SIGNS[one.mood]}{one.told}"
    pieces = [piece for text in told.splitlines() for piece in textwrap.wrap(text, _WIDE)] or [""]
    if len(pieces) > _ROWS:
        pieces = [*pieces[: _ROWS - 1], f"… the rest: {spoken(f'`{one.look}`')}"]
    yield one.what, pieces[0], one.evidence
    for piece in pieces[1:]:
        yield "", piece, ""
