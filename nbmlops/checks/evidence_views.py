"""How the evidence of outcomes looks: bars of all outcomes in one block, then the other evidence of the first ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nbmlops.checks.evidence import BarsEvidence, Cell, CurvesEvidence, Evidence, NoteEvidence, RowsEvidence
from nbmlops.checks.records import Outcome
from nbmlops.render.bars import Bars, Charted
from nbmlops.render.curves import Curve, Curves
from nbmlops.render.look import Block, Lines, Part, line
from nbmlops.render.table import Column, Table
from nbmlops.render.units import count, number

__all__ = ["evidence_blocks"]

_OUTCOMES = 10
"""Outcomes whose evidence is drawn; a page has room for no more, and all of it is in the JSON."""
_ROWS = 20


def evidence_blocks(outcomes: Sequence[Outcome]) -> list[Block]:
    """The evidence of outcomes as blocks, in their order."""
    charts = [_charted(each) for outcome in outcomes for each in outcome.evidence if isinstance(each, BarsEvidence)]
    blocks: list[Block] = [Bars(tuple(charts))] if charts else []
    told = [(one, tuple(_others(one.evidence))) for one in outcomes]
    told = [(outcome, others) for outcome, others in told if others]
    for outcome, others in told[:_OUTCOMES]:
        blocks += [Lines((line(outcome.label),)), *(_block(each) for each in others)]
    if len(told) > _OUTCOMES:
        words = f"and evidence of {count(len(told) - _OUTCOMES, 'more outcome')}: --json shows it"
        blocks.append(Lines((line(Part(words, "muted")),)))
    return blocks


def _others(evidence: Iterable[Evidence]) -> Iterable[Evidence]:
    return (each for each in evidence if not isinstance(each, BarsEvidence))


def _charted(bars: BarsEvidence) -> Charted:
    return Charted(bars.name, bars.words, bars.before, bars.after)


def _block(evidence: Evidence) -> Block:
    match evidence:
        case RowsEvidence(columns=columns, numbers=numbers, values=values, total=total):
            rows = [(place, *row) for place, row in zip(numbers, values, strict=True)]
            return _table(("row", *columns), rows, f"of {evidence.source}" if evidence.source else "", total)
        case CurvesEvidence(title=title, curves=curves):
            return Curves(title, tuple(Curve(name, points) for name, points in curves))
        case NoteEvidence(text=text):
            return Lines(tuple(line(Part(row, "muted")) for row in text.split("\n")))
        case BarsEvidence():
            return Bars((_charted(evidence),))
        case _:
            return _table(evidence.columns, evidence.cells, evidence.title, evidence.total)


def _table(headers: Sequence[str], rows: Sequence[Sequence[Cell]], title: str, total: int) -> Table:
    numeric = [all(_is_number(row[place]) for row in rows if place < len(row)) for place in range(len(headers))]
    columns = [Column(header, right) for header, right in zip(headers, numeric, strict=True)]
    cells = [[_words(cell) for cell in row] for row in rows[:_ROWS]]
    made = Table.of(columns, cells, title)
    return Table(made.columns, made.rows, made.title, max(0, total - len(cells)))


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _words(cell: Cell) -> str:
    if cell is None:
        return "null"
    if isinstance(cell, bool | str):
        return str(cell)
    return number(cell)
