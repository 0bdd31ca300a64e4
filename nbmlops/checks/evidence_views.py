"""How the evidence of outcomes looks: bars of all outcomes in one block, then the other evidence of the first ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

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
    ends = list(dict.fromkeys((*bars.bins[:1], *bars.bins[-1:])))
    return Charted(bars.name, ", ".join(filter(None, (bars.words, " … ".join(ends)))), bars.before, bars.after)


def _block(evidence: Evidence) -> Block:
    match evidence:
        case RowsEvidence(columns=columns, numbers=numbers, values=values, total=total):
            rows = [(place, *row) for place, row in zip(numbers, values, strict=True)]
            title = f"of {evidence.source}" if evidence.source else ""
            return _table(("row", *columns), rows, title, total, _exact)
        case CurvesEvidence(title=title, curves=curves):
            return Curves(title, tuple(Curve(name, points) for name, points in curves))
        case NoteEvidence(text=text):
            return Lines(tuple(line(Part(row, "muted")) for row in text.split("\n")))
        case BarsEvidence():
            return Bars((_charted(evidence),))
        case _:
            return _table(evidence.columns, evidence.cells, evidence.title, evidence.total)


def _table(
    headers: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    title: str,
    total: int,
    written: Callable[[Cell], str] = number,
) -> Table:
    columns = [Column(header, _is_of_numbers([row[place] for row in rows])) for place, header in enumerate(headers)]
    cells = [["null" if cell is None else written(cell) for cell in row] for row in rows[:_ROWS]]
    made = Table.of(columns, cells, title)
    return Table(made.columns, made.rows, made.title, max(0, total - len(cells)))


def _exact(cell: Cell) -> str:
    """A value as it is, to be looked for in the table: with all its digits, and nothing between them."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15 else str(cell)


def _is_of_numbers(cells: Sequence[Cell]) -> bool:
    return all(cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool)) for cell in cells)
