"""How exports and imports of runs look."""

from __future__ import annotations

from nbmlops.render.dispatch import looks
from nbmlops.render.look import Block, Lines, Look, Part, line
from nbmlops.render.units import count, size
from nbmlops.tracking.interchange.records import Exported, Imported

__all__: list[str] = []

_NOTES = 20


@looks(Exported)
def _(done: Exported) -> Look:
    notes = [f"{name} still goes on and was left out" for name in done.running]
    headline = line(
        f"exported {count(len(done.runs), 'run')}",
        Part(f"to {done.to}", "muted"),
        count(done.points, "point"),
        f"{count(done.artifacts, 'artifact')}, {size(done.size)}" if done.artifacts else None,
        f"{done.there} were there already" if done.there else None,
    )
    return Look(headline, body=_notes([*notes, *done.changed]))


@looks(Imported)
def _(done: Imported) -> Look:
    notes = [f"{before} is {after} here: its number was taken" for before, after in done.renamed]
    headline = line(
        f"imported {count(len(done.runs), 'run')}",
        Part(f"from {done.source}", "muted"),
        count(done.points, "point"),
        count(done.artifacts, "artifact") if done.artifacts else None,
        f"{done.there} were here already" if done.there else None,
        f"{count(done.unknown, 'version')} that they read or wrote not here" if done.unknown else None,
    )
    return Look(headline, body=_notes([*notes, *done.changed]))


def _notes(notes: list[str]) -> tuple[Block, ...]:
    rest = [f"and {len(notes) - _NOTES} more"] if len(notes) > _NOTES else []
    return (Lines(tuple((Part(note, "warn"),) for note in [*notes[:_NOTES], *rest])),) if notes else ()
